// SPDX-License-Identifier: Apache-2.0
#include "relayer/restore.hpp"

#include "attest/digest.hpp"
#include "attest/leaf.hpp"
#include "attest/reconciliation.hpp"
#include "core/keccak.hpp"
#include "relayer/detail/messages.hpp"
#include "relayer/early.hpp"
#include "store/incidents.hpp"

#include <utility>

namespace margrave::relayer {

namespace {

/// Makes decisions of log entries, one after the other.
class Completion {
  public:
    Completion(store::Database& database, const store::Ledger& ledger, const Hash32& network)
        : database_(database),
          ledgers_(ledger.ledgers()),
          network_(network) {}

    Result<void> add(const Bytes& entry);
    /// Commits what is not committed yet.
    Result<void> end();

    [[nodiscard]] const LogCompletion& done() const { return done_; }

  private:
    Result<void> add_release(const attest::Leaf& leaf, store::Decision& decision);
    Result<void> add_seizure(const attest::Leaf& leaf, const Bytes& entry);
    Result<void> add_refusal(const attest::Leaf& leaf, store::Decision& decision);
    Result<void> add_notice(const attest::Leaf& leaf, store::Decision& decision);
    Result<void> add_parameters(const attest::Leaf& leaf, store::Decision& decision);
    [[nodiscard]] Result<AssetId> asset_of(const Hash32& chain, const Address& token) const;

    store::Database& database_;
    std::vector<store::LedgerDefinition> ledgers_;
    const Hash32& network_;
    /// Legs of one lock, which belong together.
    store::Decision legs_;
    LogCompletion done_;
};

Result<AssetId> Completion::asset_of(const Hash32& chain, const Address& token) const {
    for (const store::LedgerDefinition& ledger : ledgers_) {
        if (ledger.asset.chain().key() == chain && ledger.asset.token() == token) {
            return ledger.asset;
        }
    }
    return fail(
        Errc::kCheckFailed,
        "the log names token " + to_hex(token) + " of chain " + to_hex(chain) +
            ", which the backup has no ledger of"
    );
}

Result<void> Completion::add(const Bytes& entry) {
    MARGRAVE_TRY(const attest::Leaf leaf, attest::read_leaf(network_, entry));
    ++done_.leaves;
    if (leaf.kind == "seizure") {
        return add_seizure(leaf, entry);
    }
    MARGRAVE_TRY(end());
    store::Decision decision;
    decision.leaves.push_back(entry);
    if (leaf.kind == "attestation") {
        ++done_.attestations;
        decision.documents.emplace_back("attestation/last", entry);
        MARGRAVE_TRY(const auto snapshot, member(leaf.body, "snapshot"));
        MARGRAVE_TRY(const auto heads, parse_heads(snapshot));
        for (const Head& head : heads) {
            decision.names.emplace_back(head.chain, head.number);
        }
    } else if (leaf.kind == "release") {
        MARGRAVE_TRY(add_release(leaf, decision));
    } else if (leaf.kind == "refusal") {
        MARGRAVE_TRY(add_refusal(leaf, decision));
    } else if (leaf.kind == "halt" || leaf.kind == "resume") {
        MARGRAVE_TRY(add_notice(leaf, decision));
    } else if (leaf.kind == "parameters") {
        MARGRAVE_TRY(add_parameters(leaf, decision));
    } else if (leaf.kind == "reconciliation") {
        MARGRAVE_TRY(const auto reading, attest::parse_reconciliation(leaf.body));
        decision.names.emplace_back(reading.chain, reading.block.number);
    }
    return database_.commit(decision);
}

Result<void> Completion::end() {
    if (legs_.leaves.empty()) {
        return ok();
    }
    return database_.commit(std::exchange(legs_, {}));
}

Result<void> Completion::add_release(const attest::Leaf& leaf, store::Decision& decision) {
    MARGRAVE_TRY(const auto typed, member(leaf.body, "typedData"));
    MARGRAVE_TRY(const Release r, attest::parse_release(typed));
    MARGRAVE_TRY(const AssetId asset, asset_of(r.chain, r.token));
    store::Hold hold;
    hold.release_id = r.id;
    hold.kind = r.kind;
    hold.chain = asset.chain();
    MARGRAVE_TRY(hold.request, integer_member(leaf.body, "request"));
    hold.account = r.account;
    hold.asset = asset;
    hold.amount = r.amount;
    hold.deadline = r.deadline;
    decision.holds.push_back(std::move(hold));
    ++done_.releases;
    std::vector<attest::EarlyUse> uses;
    if (const auto rows = member(leaf.body, "early")) {
        MARGRAVE_TRY(uses, attest::parse_early(rows.value()));
    }
    return add_uses(database_, r.account, r.id, uses, decision);
}

Result<void> Completion::add_seizure(const attest::Leaf& leaf, const Bytes& entry) {
    MARGRAVE_TRY(const auto typed, member(leaf.body, "typedData"));
    MARGRAVE_TRY(const Seizure s, attest::parse_seizure(typed));
    store::Leg leg;
    leg.seizure_id = s.id;
    leg.account = s.account;
    MARGRAVE_TRY(leg.lock, integer_member(leaf.body, "lock"));
    MARGRAVE_TRY(leg.number, integer_member(leaf.body, "leg"));
    MARGRAVE_TRY(leg.asset, asset_of(s.chain, s.token));
    leg.amount = s.amount;
    MARGRAVE_TRY(leg.debt_asset, asset_of(s.chain, s.debt_token));
    leg.min_proceeds = s.min_proceeds;
    leg.sale = s.sale;
    leg.deadline = s.deadline;
    const bool same = !legs_.legs.empty() && legs_.legs.back().account == leg.account &&
                      legs_.legs.back().lock == leg.lock;
    if (!same) {
        MARGRAVE_TRY(end());
    }
    legs_.leaves.push_back(entry);
    legs_.legs.push_back(std::move(leg));
    ++done_.seizures;
    return ok();
}

Result<void> Completion::add_refusal(const attest::Leaf& leaf, store::Decision& decision) {
    store::Decision::Refusal refusal;
    MARGRAVE_TRY(const std::string chain, text_member(leaf.body, "chain"));
    MARGRAVE_TRY(refusal.chain, ChainId::parse(chain));
    MARGRAVE_TRY(refusal.request, integer_member(leaf.body, "request"));
    MARGRAVE_TRY(refusal.reason, text_member(leaf.body, "reason"));
    decision.refusals.push_back(std::move(refusal));
    ++done_.refusals;
    return ok();
}

Result<void> Completion::add_notice(const attest::Leaf& leaf, store::Decision& decision) {
    MARGRAVE_TRY(const std::string text, text_member(leaf.body, "chain"));
    MARGRAVE_TRY(const ChainId chain, ChainId::parse(text));
    MARGRAVE_TRY(const std::string reason, text_member(leaf.body, "reason"));
    MARGRAVE_TRY(const auto detail, member(leaf.body, "detail"));
    MARGRAVE_TRY(const std::uint64_t after, integer_member(detail, "after"));
    MARGRAVE_TRY(const std::uint64_t at, integer_member(detail, "at"));
    ++done_.halts;
    if (leaf.kind == "resume") {
        decision.resumes.emplace_back(
            chain, store::ChainResume{UnixSeconds{at}, reason, RoundNum{after}}
        );
        return ok();
    }
    store::ChainStop stop;
    stop.chain = chain;
    stop.at = UnixSeconds{at};
    stop.reason = reason;
    stop.after = RoundNum{after};
    if (const auto final = text_member(detail, "final")) {
        BlockRef block;
        MARGRAVE_TRY(block.hash, parse_hash32(final.value()));
        MARGRAVE_TRY(block.number.value, integer_member(detail, "finalNumber"));
        stop.final = block;
    }
    decision.stops.push_back(std::move(stop));
    return ok();
}

Result<void> Completion::add_parameters(const attest::Leaf& leaf, store::Decision& decision) {
    MARGRAVE_TRY(const auto parameters, member(leaf.body, "parameters"));
    const Bytes bytes = to_bytes(parameters.dump());
    const Hash32 hash = keccak256(bytes);
    decision.documents.emplace_back("parameters/" + to_hex(hash), bytes);
    decision.documents.emplace_back(
        "parameters/current", Bytes(hash.data.begin(), hash.data.end())
    );
    return ok();
}

}  // namespace

Result<LogCompletion> complete_from_log(
    store::Database& database,
    const store::Ledger& ledger,
    const Hash32& network,
    const std::vector<Bytes>& entries
) {
    const std::uint64_t have = database.leaf_count();
    for (std::uint64_t i = 0; i < have && i < entries.size(); ++i) {
        MARGRAVE_TRY(const Bytes leaf, database.leaf(i));
        if (leaf != entries[i]) {
            return fail(
                Errc::kUnsafe,
                "entry " + std::to_string(i) +
                    " of the published log is not the backup's: they are not of one history"
            );
        }
    }
    Completion completion(database, ledger, network);
    for (std::uint64_t i = have; i < entries.size(); ++i) {
        const Result<void> added = completion.add(entries[i]);
        if (!added) {
            return fail(
                added.error().code,
                "entry " + std::to_string(i) + " of the published log: " + added.error().detail
            );
        }
    }
    MARGRAVE_TRY(completion.end());
    return completion.done();
}

}  // namespace margrave::relayer
