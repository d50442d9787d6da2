// SPDX-License-Identifier: Apache-2.0
// What a start compares before it signs: the guard, the log and what was published elsewhere.
#include "attest/digest.hpp"
#include "attest/leaf.hpp"
#include "relayer/detail/messages.hpp"
#include "relayer/scribe.hpp"

#include <algorithm>
#include <set>

namespace margrave::relayer {

namespace {

/// Entries of the log whose signatures must be in the guard: older ones were compared at earlier
/// starts, and each record stands on all before it.
constexpr std::uint64_t kRecentLeaves = 256;

/// What the log tells of releases and seizures, by digest.
Result<std::set<Hash32>> told_instructions(const store::Database& database) {
    std::set<Hash32> out;
    for (std::uint64_t i = 0; i < database.leaf_count(); ++i) {
        MARGRAVE_TRY(const Bytes leaf, database.leaf(i));
        MARGRAVE_TRY(const auto document, parse_canonical(as_text(leaf)));
        MARGRAVE_TRY(const auto kind, text_member(document, "kind"));
        if (kind == "release" || kind == "seizure") {
            MARGRAVE_TRY(const auto digest, text_member(document, "digest"));
            MARGRAVE_TRY(const Hash32 parsed, parse_hash32(digest));
            out.insert(parsed);
        }
    }
    return out;
}

/// Until when a recorded statement can be executed; nullopt for one that is no instruction.
std::optional<UnixSeconds> deadline_of(ByteView message) {
    const auto document = parse_canonical(as_text(message));
    if (!document) {
        return std::nullopt;
    }
    if (const auto release = parse_release_message(document.value())) {
        return release.value().release.deadline;
    }
    if (const auto seizure = parse_seizure_message(document.value())) {
        return seizure.value().seizure.deadline;
    }
    return std::nullopt;
}

constexpr const char* kGoOn =
    " Nothing is signed. Find the guard and the data directory that signed last and run these; if "
    "one of them is lost, docs/operating.md section 11 says how to go on";

}  // namespace

// The key statement is the first thing that is ever signed, so it alone may be there without a log:
// the first start was interrupted, and the same bytes are signed again.
Result<void> Scribe::check_lost_log() const {
    const Hash32 network = parts_.settings.genesis.network();
    const std::string origin = attest::log_origin(network, parts_.settings.node_name);
    const Hash32 statement =
        attest::key_statement(network, attest::log_vkey(origin, parts_.log_key));
    const Hash32 domain = attest::domain_separator(network);
    MARGRAVE_TRY(auto key, parts_.guard.find(parts_.signer.address(), domain, statement, 1));
    if (parts_.guard.size() == (key ? 1U : 0U)) {
        return ok();
    }
    return fail(
        Errc::kUnsafe,
        "the signing guard has " + std::to_string(parts_.guard.size()) +
            " records but the attestation log is empty: the data directory was lost or restored. "
            "Signing on could contradict what was signed; restore the log or start a new network"
    );
}

// Each half of the pair knows where the other one must stand: the guard at the log's last round, or
// one ahead of it when a crash came between the two.
Result<void> Scribe::check_guard_and_log(const std::optional<store::GuardEntry>& guarded) const {
    const std::uint64_t signed_round = guarded ? guarded->epoch : 0;
    const std::uint64_t logged = last_.round.value;
    const std::string both = "the signing guard's last round is " + std::to_string(signed_round) +
                             " but the attestation log's is " + std::to_string(logged);
    if (signed_round < logged) {
        return fail(
            Errc::kUnsafe,
            both +
                ": the guard is behind what was published; it was rolled back, lost or replaced." +
                kGoOn
        );
    }
    if (signed_round > logged + 1) {
        return fail(Errc::kUnsafe, both + ": the store and its log were rolled back." + kGoOn);
    }
    const bool known = guarded && !guarded->digest.is_zero();
    if (signed_round == logged && known && guarded->digest != last_digest_) {
        return fail(
            Errc::kUnsafe,
            "the signing guard holds digest " + to_hex(guarded->digest) + " for round " +
                std::to_string(signed_round) + " but the attestation log holds " +
                to_hex(last_digest_) + ": they are not of one history." + kGoOn
        );
    }
    if (signed_round == logged + 1 && guarded->message.empty()) {
        return fail(
            Errc::kUnsafe,
            both +
                ": the guard's last round came by an import without its message, and its log "
                "entry is not here. Start the old daemon once, so that it finishes the round, "
                "and bring its data directory and a new export"
        );
    }
    return ok();
}

// A guard that was put together from pieces may have the last round and lack a release.
Result<void> Scribe::check_recent() const {
    const std::uint64_t count = parts_.database.leaf_count();
    for (std::uint64_t i = count - std::min(count, kRecentLeaves); i < count; ++i) {
        MARGRAVE_TRY(const Bytes leaf, parts_.database.leaf(i));
        const auto known = check_guarded(leaf);
        if (!known) {
            return fail(
                known.error().code,
                "entry " + std::to_string(i) + " of the attestation log: " + known.error().detail
            );
        }
    }
    return ok();
}

Result<void> Scribe::check_untold(UnixSeconds now) const {
    MARGRAVE_TRY(const auto told, told_instructions(parts_.database));
    MARGRAVE_TRY(const auto entries, parts_.guard.entries(/*newest_only=*/true));
    for (const store::GuardEntry& entry : entries) {
        const auto deadline = deadline_of(entry.message);
        if (!deadline || *deadline < now || told.contains(entry.digest)) {
            continue;
        }
        return fail(
            Errc::kUnsafe,
            "the signing guard has signed instruction " + to_hex(entry.subject) +
                ", which neither the backup nor the published log tells. Restore with the newest "
                "copy of the published log, or start after its deadline " +
                std::to_string(deadline->value) + " (seconds since 1970) has passed." + kGoOn
        );
    }
    return ok();
}

Result<void> Scribe::check_guarded(ByteView leaf) const {
    MARGRAVE_TRY(const auto document, parse_canonical(as_text(leaf)));
    MARGRAVE_TRY(const auto kind, text_member(document, "kind"));
    const bool instruction = kind == "release" || kind == "seizure";
    if (kind != "attestation" && !instruction) {
        return ok();
    }
    MARGRAVE_TRY(const auto typed, member(document, "typedData"));
    MARGRAVE_TRY(const auto message, member(typed, "message"));
    store::GuardEntry entry;
    entry.signer = parts_.signer.address();
    entry.domain = attest::domain_separator(parts_.settings.genesis.network());
    entry.subject = attestation_subject();
    entry.epoch = 1;
    if (instruction) {
        MARGRAVE_TRY(const auto id, text_member(message, "id"));
        MARGRAVE_TRY(entry.subject, parse_hash32(id));
    } else {
        MARGRAVE_TRY(entry.epoch, integer_member(message, "round"));
    }
    MARGRAVE_TRY(const auto digest, text_member(document, "digest"));
    MARGRAVE_TRY(entry.digest, parse_hash32(digest));
    const auto known = parts_.guard.check_known(entry);
    if (known) {
        return ok();
    }
    return fail(
        Errc::kUnsafe, "its " + kind + " is signed, but " + known.error().detail + "." + kGoOn
    );
}

Result<std::uint64_t> Scribe::compare_published(std::string_view note, const std::string& where)
    const {
    const std::string origin =
        attest::log_origin(parts_.settings.genesis.network(), parts_.settings.node_name);
    const auto opened = attest::open_checkpoint(note, attest::log_vkey(origin, parts_.log_key));
    if (!opened) {
        return fail(
            Errc::kConfig,
            "the checkpoint of the " + where + " is not one of this log: " + opened.error().detail
        );
    }
    const attest::Checkpoint& published = opened.value();
    const std::string says = "the " + where + " has " + std::to_string(published.size) + " entries";
    if (published.size > log_->size()) {
        return fail(
            Errc::kUnsafe,
            says + ", this data directory " + std::to_string(log_->size()) + " up to round " +
                std::to_string(last_.round.value) +
                ": it was rolled back, or another process signs with this key." + kGoOn
        );
    }
    if (published.root != log_->root(published.size)) {
        return fail(
            Errc::kUnsafe,
            says +
                " of another history than this data directory: another process signs with this "
                "key, or did." +
                kGoOn
        );
    }
    return published.size;
}

}  // namespace margrave::relayer
