// SPDX-License-Identifier: Apache-2.0
#include "relayer/scribe.hpp"

#include "attest/digest.hpp"
#include "attest/leaf.hpp"
#include "core/assert.hpp"
#include "core/disk_seam.hpp"
#include "core/keccak.hpp"
#include "margin/ramp.hpp"
#include "relayer/detail/intents.hpp"
#include "relayer/detail/messages.hpp"
#include "relayer/round_facts.hpp"

#include <algorithm>

namespace margrave::relayer {

namespace {

constexpr const char* kLastAttestation = "attestation/last";
constexpr const char* kCurrentParameters = "parameters/current";

// kConfig with all of them, when there are any.
Result<void> all_right(std::string what, const std::vector<margin::ParameterError>& errors) {
    if (errors.empty()) {
        return ok();
    }
    for (const margin::ParameterError& error : errors) {
        what += "\n" + error.where + ": " + error.what;
    }
    return fail(Errc::kConfig, what);
}

}  // namespace

Hash32 attestation_subject() {
    return keccak256("attestation");
}

Scribe::Scribe(Parts parts)
    : parts_(std::move(parts)),
      parameters_(keccak256(margin::canonical(parts_.settings.parameters).dump())) {}

Result<void> Scribe::open(UnixSeconds now) {
    MARGRAVE_TRY(load());
    return begin(now);
}

Result<void> Scribe::load() {
    const std::string origin =
        attest::log_origin(parts_.settings.genesis.network(), parts_.settings.node_name);
    store::Database& database = parts_.database;
    auto leaf = [&database](std::uint64_t index) {
        return database.leaf(index);
    };
    MARGRAVE_TRY(
        log_,
        attest::TileLog::open(
            parts_.settings.data_dir / "log", origin, database.leaf_count(), std::move(leaf)
        )
    );
    if (database.leaf_count() == 0) {
        return check_lost_log();
    }
    MARGRAVE_TRY(load_last());
    MARGRAVE_TRY(const auto guarded, last_guarded());
    MARGRAVE_TRY(check_guard_and_log(guarded));
    return check_recent();
}

Result<void> Scribe::begin(UnixSeconds now) {
    if (parts_.database.leaf_count() == 0) {
        MARGRAVE_TRY(start_log());
    }
    MARGRAVE_TRY(recall_evidence());
    MARGRAVE_TRY(finish_interrupted(now));
    MARGRAVE_TRY(name_parameters(now));
    return publish();
}

Result<void> Scribe::start_log() {
    const Hash32 network = parts_.settings.genesis.network();
    const std::string origin = attest::log_origin(network, parts_.settings.node_name);
    const std::string vkey = attest::log_vkey(origin, parts_.log_key);
    const Hash32 statement = attest::key_statement(network, vkey);
    MARGRAVE_TRY(auto signature, guarded_signature({statement, 1}, statement, to_bytes(vkey), {}));
    store::Decision decision;
    decision.leaves.push_back(attest::genesis_leaf(parts_.settings.genesis.document()));
    decision.leaves.push_back(attest::key_leaf(network, vkey, signature));
    return commit(decision);
}

// kConfig when the parameters may not follow those that the log named last, which stay in force.
Result<void> Scribe::check_parameters(const Bytes& current, UnixSeconds now) const {
    Hash32 hash;
    if (current.size() != hash.data.size()) {
        return fail(Errc::kCorrupt, "the store's current parameters are named by no hash");
    }
    std::ranges::copy(current, hash.data.begin());
    MARGRAVE_TRY(const auto previous, stored_parameters(parts_.database, hash));
    return all_right(
        "these parameters may not follow " + to_hex(hash) + ", which stay in force",
        margin::check_change(previous, hash, parts_.settings.parameters, now)
    );
}

Result<void> Scribe::name_parameters(UnixSeconds now) {
    const auto current = parts_.database.document(kCurrentParameters);
    if (current && *current == Bytes(parameters_.data.begin(), parameters_.data.end())) {
        return ok();
    }
    // The config's reader refuses these too; what the log names is for ever.
    MARGRAVE_TRY(
        all_right("these parameters cannot be signed", margin::check(parts_.settings.parameters))
    );
    if (current) {
        MARGRAVE_TRY(check_parameters(*current, now));
    } else if (parts_.settings.parameters.change) {
        return fail(Errc::kConfig, "/change/previous: this log has not named any parameters yet");
    }
    const Canonical parameters = margin::canonical(parts_.settings.parameters);
    const RoundNum from{last_.round.value + 1};
    store::Decision decision;
    decision.leaves.push_back(attest::parameters_leaf(parameters, from));
    decision.documents.emplace_back(
        "parameters/" + to_hex(parameters_), to_bytes(parameters.dump())
    );
    decision.documents.emplace_back(
        kCurrentParameters, Bytes(parameters_.data.begin(), parameters_.data.end())
    );
    return commit(decision);
}

Result<void> Scribe::load_last() {
    const auto bytes = parts_.database.document(kLastAttestation);
    if (!bytes) {
        return ok();
    }
    MARGRAVE_TRY(auto leaf, attest::read_leaf(parts_.settings.genesis.network(), *bytes));
    MARGRAVE_TRY(auto typed, member(leaf.body, "typedData"));
    MARGRAVE_TRY(last_, attest::parse_attestation(typed));
    last_digest_ = leaf.digest;
    return ok();
}

Result<std::optional<store::GuardEntry>> Scribe::last_guarded() const {
    const Hash32 domain = attest::domain_separator(parts_.settings.genesis.network());
    return parts_.guard.last(parts_.signer.address(), domain, attestation_subject());
}

Result<void> Scribe::recall_evidence() {
    const std::string name = "round/" + std::to_string(last_.round.value);
    if (last_.round.value == 0 || parts_.database.document(name)) {
        return ok();
    }
    MARGRAVE_TRY(const auto guarded, last_guarded());
    if (!guarded || guarded->epoch != last_.round.value || guarded->message.empty()) {
        return ok();
    }
    MARGRAVE_TRY(const auto message, parse_canonical(as_text(guarded->message)));
    MARGRAVE_TRY(auto draft, parse_round_message(message));
    store::Decision decision;
    decision.documents = std::move(draft.documents);
    return commit(decision);
}

Result<void> Scribe::finish_interrupted(UnixSeconds now) {
    MARGRAVE_TRY(auto guarded, last_guarded());
    if (!guarded || guarded->epoch == last_.round.value) {
        return ok();
    }
    MARGRAVE_TRY(auto message, parse_canonical(as_text(guarded->message)));
    return sign_round(message, nullptr, now);
}

Result<SignerSignature> Scribe::guarded_signature(
    const Subject& subject,
    const Hash32& digest,
    const Bytes& message,
    const std::vector<Head>& heads
) {
    store::GuardEntry entry;
    entry.signer = parts_.signer.address();
    entry.domain = attest::domain_separator(parts_.settings.genesis.network());
    entry.subject = subject.name;
    entry.epoch = subject.epoch;
    entry.digest = digest;
    entry.message = message;
    entry.as_of = heads;
    MARGRAVE_TRY(parts_.guard.record(entry));
    disk_moment("scribe.guarded");
    MARGRAVE_TRY(auto signature, parts_.signer.sign(digest));
    disk_moment("scribe.signed");
    MARGRAVE_TRY(auto signer, attest::recover(digest, signature));
    if (signer != parts_.signer.address()) {
        return fail(
            Errc::kUnsafe,
            "the signer's own signature recovers to " + to_hex(signer) + ", not to " +
                to_hex(parts_.signer.address())
        );
    }
    return SignerSignature{signer, signature};
}

Result<std::optional<Canonical>> Scribe::recorded(const Subject& subject) const {
    const Hash32 domain = attest::domain_separator(parts_.settings.genesis.network());
    MARGRAVE_TRY(
        auto entry, parts_.guard.find(parts_.signer.address(), domain, subject.name, subject.epoch)
    );
    if (!entry) {
        return std::optional<Canonical>{};
    }
    MARGRAVE_TRY(auto message, parse_canonical(as_text(entry->message)));
    return std::optional<Canonical>{std::move(message)};
}

Result<void> Scribe::attest(const RoundDraft& draft, UnixSeconds now) {
    const Attestation& a = draft.attestation;
    MARGRAVE_ASSERT(a.round.value == last_.round.value + 1);
    MARGRAVE_ASSERT(a.previous == last_digest_);
    MARGRAVE_ASSERT(a.parameters == parameters_);
    MARGRAVE_ASSERT(a.snapshot == attest::snapshot_hash(draft.heads));
    MARGRAVE_ASSERT(a.issued_at >= last_.issued_at);
    MARGRAVE_TRY(auto earlier, recorded({attestation_subject(), a.round.value}));
    if (earlier) {
        return sign_round(*earlier, nullptr, now);
    }
    // After the guard has it there is no way back from a leaf that the log cannot take.
    const SignerSignature unsigned_yet{parts_.signer.address(), {}};
    const Bytes leaf = attest::attestation_leaf(
        parts_.settings.genesis.network(), a, {unsigned_yet}, draft.heads, draft.prices
    );
    if (leaf.size() > kLeafBytesMax) {
        return fail(
            Errc::kLimit,
            "round " + std::to_string(a.round.value) + " with " +
                std::to_string(draft.prices.size()) + " prices makes a log entry of " +
                std::to_string(leaf.size()) + " bytes, " + std::to_string(kLeafBytesMax) +
                " is the most: configure fewer assets"
        );
    }
    return sign_round(round_message(draft), &draft, now);
}

Result<void> Scribe::sign_round(
    const Canonical& message, const RoundDraft* fresh, UnixSeconds now
) {
    const Hash32 network = parts_.settings.genesis.network();
    MARGRAVE_TRY(auto draft, parse_round_message(message));
    const Hash32 digest = attest::digest_of(network, draft.attestation);
    // Blocks are written without a sync. Once the guard has the round, a start finishes it, so the
    // blocks that it stands on must not be lost with the power.
    MARGRAVE_TRY(parts_.database.sync());
    MARGRAVE_TRY(
        auto signature,
        guarded_signature(
            {attestation_subject(), draft.attestation.round.value},
            digest,
            to_bytes(message.dump()),
            draft.heads
        )
    );
    store::Decision decision;
    decision.leaves.push_back(
        attest::attestation_leaf(network, draft.attestation, {signature}, draft.heads, draft.prices)
    );
    decision.documents = draft.documents;
    if (fresh != nullptr) {
        decision.documents.insert(
            decision.documents.end(), fresh->proofs.begin(), fresh->proofs.end()
        );
    }
    decision.documents.emplace_back(kLastAttestation, decision.leaves.front());
    for (const Head& head : draft.heads) {
        decision.names.emplace_back(head.chain, head.number);
    }
    for (const chains::ChainAdapter* adapter : parts_.chains) {
        if (fresh != nullptr && fresh->undelivered.contains(adapter->settings().chain)) {
            continue;
        }
        const SubmitAttestation submit{draft.attestation, join({signature})};
        MARGRAVE_TRY(auto call, adapter->encode(submit));
        store::Intent intent = make_intent(
            digest,
            *adapter,
            "attestation",
            std::to_string(draft.attestation.round.value),
            draft.attestation.valid_until,
            now
        );
        intent.to = call.first;
        intent.data = std::move(call.second);
        decision.intents.push_back(std::move(intent));
    }
    MARGRAVE_TRY(commit(decision));
    last_ = draft.attestation;
    last_digest_ = digest;
    return ok();
}

Result<void> Scribe::commit(const store::Decision& decision) {
    MARGRAVE_TRY(parts_.database.commit(decision));
    disk_moment("scribe.committed");
    // The store keeps a leaf that it has already once; the published log follows the store.
    while (log_->size() < parts_.database.leaf_count()) {
        MARGRAVE_TRY(const Bytes leaf, parts_.database.leaf(log_->size()));
        MARGRAVE_TRY(log_->append(leaf));
    }
    MARGRAVE_ASSERT(log_->size() == parts_.database.leaf_count());
    return ok();
}

Result<void> Scribe::publish() {
    MARGRAVE_TRY(log_->publish(parts_.log_key));
    return ok();
}

std::uint64_t Scribe::leaves() const {
    return parts_.database.leaf_count();
}

chains::ChainAdapter* Scribe::chain(const ChainId& id) const {
    for (chains::ChainAdapter* adapter : parts_.chains) {
        if (adapter->settings().chain == id) {
            return adapter;
        }
    }
    return nullptr;
}

}  // namespace margrave::relayer
