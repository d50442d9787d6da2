// SPDX-License-Identifier: Apache-2.0
#include "relayer/app.hpp"

namespace margrave::relayer {

namespace {

Canonical block_or_null(const std::optional<BlockRef>& block) {
    if (!block) {
        return Canonical::Object{};
    }
    return Canonical::Object{
        {"hash", to_hex(block->hash)},
        {"number", Canonical::integer(block->number.value)},
        {"time", Canonical::integer(block->time.value)},
    };
}

Canonical::Object chain_status(
    const store::ChainState& state, const Watcher::Health& health, const Delivery& delivery
) {
    const std::uint64_t head = state.head ? state.head->number.value : 0;
    const std::uint64_t latest = health.lag.latest.value;
    return Canonical::Object{
        {"applied", Canonical::integer(health.blocks)},
        {"error", health.last_error},
        {"events", Canonical::integer(state.vault.count)},
        {"final", block_or_null(state.final)},
        {"head", block_or_null(state.head)},
        {"lag", Canonical::integer(latest > head ? latest - head : 0)},
        {"latest", Canonical::integer(latest)},
        {"live", health.errors_in_a_row == 0 && health.probed},
        {"registryRound", Canonical::integer(delivery.registry_round().value)},
        {"reorgs", Canonical::integer(state.reorgs)},
        {"senderBalance", delivery.balance() ? delivery.balance()->to_string() : std::string{}},
    };
}

}  // namespace

std::string App::status_json() const {
    Canonical::Array chains;
    for (std::size_t i = 0; i < adapters_.size(); ++i) {
        const ChainId chain = adapters_[i]->settings().chain;
        Canonical::Object row =
            chain_status(ledger_->chain_state(chain), watchers_[i]->health(), *deliveries_[i]);
        row.emplace("chain", chain.text());
        row.emplace("sender", to_checksum(sender_));
        chains.push_back(std::move(row));
    }
    std::map<Status, std::uint64_t> counts;
    for (const auto& [account, row] : rounds_->book().rows()) {
        ++counts[row.state.status];
    }
    Canonical::Object by_status;
    for (const auto& [status, count] : counts) {
        by_status.emplace(std::string(to_string(status)), Canonical::integer(count));
    }
    Canonical::Object deficits;
    for (const auto& [chain, reason] : rounds_->deficits()) {
        deficits.emplace(chain.text(), reason);
    }
    Canonical::Array ledgers;
    for (const store::LedgerDefinition& definition : ledger_->ledgers()) {
        const auto head = ledger_->chain_state(definition.asset.chain()).head;
        auto trial = ledger_->trial_balance(definition.id, head ? head->number : BlockNum{0});
        Canonical::Object row{{"asset", definition.asset.text()}};
        if (trial) {
            row.emplace("pool", trial.value().totals[store::AccountCode::kPool].to_string());
            row.emplace("vault", trial.value().totals[store::AccountCode::kVault].to_string());
        } else {
            row.emplace("error", trial.error().detail);
        }
        ledgers.push_back(std::move(row));
    }
    const Attestation& last = scribe_->last();
    const Canonical status = Canonical::Object{
        {"accounts", Canonical::integer(rounds_->book().size())},
        {"accountsByStatus", std::move(by_status)},
        {"chains", std::move(chains)},
        {"deficits", std::move(deficits)},
        {"digest", to_hex(scribe_->last_digest())},
        {"dryRun", options_.dry_run},
        {"issuedAt", Canonical::integer(last.issued_at.value)},
        {"ledgers", std::move(ledgers)},
        {"leaves", Canonical::integer(scribe_->leaves())},
        {"network", to_hex(settings_.genesis.network())},
        {"node", settings_.node_name},
        {"root", to_hex(last.accounts)},
        {"round", Canonical::integer(last.round.value)},
        {"signer", to_checksum(signer_->address())},
        {"validUntil", Canonical::integer(last.valid_until.value)},
        {"waitingFor", rounds_->waiting_for()},
    };
    return status.dump();
}

Task<std::string> App::answer(std::string request) {
    // One word or a JSON object with a method; both name the same question.
    if (request == "status" || request == R"({"method":"status"})") {
        co_return status_json();
    }
    const Canonical unknown = Canonical::Object{
        {"error",
         Canonical::Object{
             {"code", "usage"},
             {"message", "unknown admin request; known: {\"method\":\"status\"}"},
         }},
    };
    co_return unknown.dump();
}

}  // namespace margrave::relayer
