// SPDX-License-Identifier: Apache-2.0
#include "relayer/app.hpp"
#include "relayer/detail/messages.hpp"
#include "relayer/guard_status.hpp"

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

Canonical sources_json(const std::vector<chains::SourceStatus>& sources) {
    Canonical::Array out;
    for (const chains::SourceStatus& source : sources) {
        out.push_back(Canonical::Object{
            {"endpoint", source.endpoint},
            {"failures", Canonical::integer(source.failures)},
            {"hedges", Canonical::integer(source.hedges)},
            {"latencyMs", Canonical::integer(static_cast<std::uint64_t>(source.latency.count()))},
            {"latest", source.latest ? std::to_string(source.latest->value) : std::string{}},
            {"operator", source.operator_name},
            {"reason", source.reason},
            {"requests", Canonical::integer(source.requests)},
            {"state", source.state},
            {"usdPerMonth", source.usd_per_month.to_decimal(2)},
        });
    }
    return out;
}

Canonical agreement_json(const chains::Agreement& agreement) {
    return Canonical::Object{
        {"agreeing", Canonical::integer(agreement.agreeing)},
        {"lost", agreement.lost},
        {"needed", Canonical::integer(agreement.needed)},
    };
}

/// What `chains list` shows of how the chain stands: state, why, since when.
struct StandingWords {
    std::string state{"following"};
    std::string reason;
    std::optional<UnixSeconds> since;
};

StandingWords standing_of(const ChainBoard& board, const Rounds& rounds, const ChainId& chain) {
    const ChainBoard::Row& row = board.row(chain);
    if (row.stop) {
        return {"halted", row.stop->reason, row.stop->at};
    }
    const std::string held = board.held(chain);
    const auto dead = rounds.dead_reasons().find(chain);
    if (dead != rounds.dead_reasons().end()) {
        const std::string more = held.empty() ? "" : "; " + held;
        return {"dead", dead->second + more, row.last_good};
    }
    if (!held.empty()) {
        return {"held", held, row.last_good};
    }
    const auto deficit = rounds.deficits().find(chain);
    if (deficit != rounds.deficits().end()) {
        return {"held", deficit->second, std::nullopt};
    }
    return {};
}

Canonical custody_json(const CustodyStanding& standing, const std::optional<std::string>& doubt) {
    Canonical::Object amounts;
    for (const auto& [asset, amount] : standing.unattributed) {
        amounts.emplace(asset.text(), amount.to_string());
    }
    return Canonical::Object{
        {"block", Canonical::integer(standing.block.value)},
        {"readings", Canonical::integer(standing.readings)},
        {"reason", doubt.value_or("")},
        {"state", std::string(attest::to_string(standing.state))},
        {"unable", standing.unable},
        {"unattributed", std::move(amounts)},
    };
}

void add_incidents(
    Canonical::Object& row, const store::Incidents& incidents, const ChainId& chain
) {
    const auto evidence = incidents.evidence_count(chain);
    if (evidence) {
        row.emplace("evidence", Canonical::integer(evidence.value().total));
        row.emplace("evidenceDropped", Canonical::integer(evidence.value().dropped));
    }
    const auto stops = incidents.stops(chain);
    if (stops) {
        row.emplace("halts", Canonical::integer(stops.value().size()));
    }
}

Canonical error_json(const Error& error) {
    return Canonical::Object{
        {"error",
         Canonical::Object{
             {"code", std::string(to_string(error.code))}, {"message", error.detail}}}};
}

Canonical::Array ledger_rows(const store::Ledger& ledger) {
    Canonical::Array out;
    for (const store::LedgerDefinition& definition : ledger.ledgers()) {
        const auto head = ledger.chain_state(definition.asset.chain()).head;
        auto trial = ledger.trial_balance(definition.id, head ? head->number : BlockNum{0});
        Canonical::Object row{{"asset", definition.asset.text()}};
        if (trial) {
            row.emplace(
                "interest", trial.value().totals[store::AccountCode::kInterest].to_string()
            );
            row.emplace("pool", trial.value().totals[store::AccountCode::kPool].to_string());
            row.emplace("vault", trial.value().totals[store::AccountCode::kVault].to_string());
        } else {
            row.emplace("error", trial.error().detail);
        }
        out.push_back(std::move(row));
    }
    return out;
}

}  // namespace

Canonical App::chain_row(std::size_t index) const {
    const chains::ChainAdapter& adapter = *adapters_[index];
    const ChainId& chain = adapter.settings().chain;
    Canonical::Object row =
        chain_status(ledger_->chain_state(chain), watchers_[index]->health(), *deliveries_[index]);
    const ChainBoard::Row& board = board_->row(chain);
    const StandingWords standing = standing_of(*board_, *rounds_, chain);
    const auto sequencer = rounds_->sequencer_holds().find(chain);
    const bool quiet = sequencer == rounds_->sequencer_holds().end();
    row.emplace("agreement", agreement_json(adapter.agreement()));
    row.emplace("alarm", board.alarm_since.has_value());
    row.emplace("alarms", Canonical::integer(board.alarms));
    row.emplace("attested", block_or_null(rounds_->firm_head(chain)));
    row.emplace("chain", chain.text());
    row.emplace("custody", custody_json(reconciler_->standing(chain), reconciler_->doubt(chain)));
    row.emplace("failures", Canonical::integer(board.failures));
    row.emplace("maxHeadAge", Canonical::integer(settings_.parameters.head_age_limit(chain)));
    row.emplace("sender", to_checksum(sender_));
    row.emplace("sequencer", quiet ? std::string{} : sequencer->second);
    row.emplace("sources", sources_json(adapter.sources()));
    row.emplace("state", standing.state);
    row.emplace("stateReason", standing.reason);
    row.emplace("stateSince", standing.since ? std::to_string(standing.since->value) : "");
    row.emplace("steps", Canonical::integer(board.steps));
    add_incidents(row, *incidents_, chain);
    return row;
}

std::string App::silence_words() const {
    return silence_ ? silence_->words(std::chrono::steady_clock::now()) : "not running";
}

std::string App::status_json() const {
    Canonical::Array chains;
    for (std::size_t i = 0; i < adapters_.size(); ++i) {
        chains.push_back(chain_row(i));
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
    Canonical::Object dead;
    for (const auto& [chain, reason] : rounds_->dead_reasons()) {
        dead.emplace(chain.text(), reason);
    }
    const Attestation& last = scribe_->last();
    const auto guard = guard_status(*guard_, settings_.guard, silence_words());
    const bool silent = silence_ && !silence_->is_over();
    const Canonical status = Canonical::Object{
        {"accounts", Canonical::integer(rounds_->book().size())},
        {"accountsByStatus", std::move(by_status)},
        {"chains", std::move(chains)},
        {"dead", std::move(dead)},
        {"deficits", std::move(deficits)},
        {"digest", to_hex(scribe_->last_digest())},
        {"disk",
         Canonical::Object{
             {"ballast", disk_->has_ballast()},
             {"free", Canonical::integer(disk_->free())},
             {"reserve", Canonical::integer(disk_->settings().reserve_bytes)},
             {"shortage", disk_shortage_}}},
        {"dryRun", options_.dry_run},
        {"fold",
         Canonical::Object{
             {"accounts", Canonical::integer(fold_.accounts)},
             {"cycles", Canonical::integer(fold_.cycles)},
             {"entries", Canonical::integer(fold_.folded.value)}}},
        {"guard", guard ? guard.value() : error_json(guard.error())},
        {"issuedAt", Canonical::integer(last.issued_at.value)},
        {"ledgers", ledger_rows(*ledger_)},
        {"leaves", Canonical::integer(scribe_->leaves())},
        {"network", to_hex(settings_.genesis.network())},
        {"node", settings_.node_name},
        {"root", to_hex(last.accounts)},
        {"round", Canonical::integer(last.round.value)},
        {"signer", to_checksum(signer_->address())},
        {"validUntil", Canonical::integer(last.valid_until.value)},
        {"waitingFor",
         !disk_shortage_.empty()   ? disk_shortage_
         : silent                  ? "the silence after the start: " + silence_words()
         : !restored_wait_.empty() ? "after a restore: " + restored_wait_
                                   : rounds_->waiting_for()},
    };
    return status.dump();
}

Task<std::string> App::answer(std::string request) {
    // One word or a canonical JSON object with a method.
    if (request == "status" || request == R"({"method":"status"})") {
        co_return status_json();
    }
    const auto document = parse_canonical(request);
    const auto method =
        document ? text_member(document.value(), "method") : Result<std::string>(document.error());
    if (method && method.value() == "resume") {
        const auto done = resume(document.value());
        co_return (done ? done.value() : error_json(done.error())).dump();
    }
    if (method && method.value() == "copy-store") {
        const auto copied = co_await copy_store();
        const Canonical answer =
            copied ? Canonical(Canonical::Object{{"copied", true}}) : error_json(copied.error());
        co_return answer.dump();
    }
    const Error unknown = fail(
        Errc::kUsage,
        "unknown admin request; known: {\"method\":\"status\"}, {\"method\":\"copy-store\"}, "
        "{\"chain\":...,\"method\":\"resume\",\"reason\":...}"
    );
    co_return error_json(unknown).dump();
}

}  // namespace margrave::relayer
