// SPDX-License-Identifier: Apache-2.0
#include "relayer/reconciler.hpp"

#include "relayer/detail/messages.hpp"
#include "store/stored_blocks.hpp"

namespace margrave::relayer {

using attest::CustodyState;

namespace {

std::string standing_document(const ChainId& chain) {
    return "custody/" + chain.text();
}

}  // namespace

Result<void> Reconciler::load(const std::vector<ChainId>& chains) {
    for (const ChainId& chain : chains) {
        const auto bytes = parts_.database.document(standing_document(chain));
        if (!bytes) {
            continue;
        }
        MARGRAVE_TRY(const auto document, parse_canonical(as_text(*bytes)));
        MARGRAVE_TRY(standings_[chain], parse_standing(document));
    }
    return ok();
}

const CustodyStanding& Reconciler::standing(const ChainId& chain) const {
    static const CustodyStanding kNone;
    const auto found = standings_.find(chain);
    return found == standings_.end() ? kNone : found->second;
}

std::optional<std::string> Reconciler::doubt(const ChainId& chain) const {
    return doubt_of(standing(chain), parts_.rules);
}

Result<Reconciler::Due> Reconciler::due(const ChainId& chain, const BlockRef& final) const {
    MARGRAVE_TRY(
        const auto last_event, store::last_event_block(parts_.database, chain, final.number)
    );
    Due out;
    for (const BlockNum number :
         custody_anchors(standing(chain), final.number, last_event, parts_.rules.every)) {
        if (number == final.number) {
            out.final = true;
            continue;
        }
        // Inside a run that was filled as one there is no state to compare.
        const auto kept = parts_.ledger.check_kept(chain, number);
        if (!kept && kept.error().code != Errc::kNotFound) {
            return kept.as_failure();
        }
        const auto block = kept ? parts_.ledger.block_at(chain, number) : std::nullopt;
        if (block) {
            out.below.push_back(*block);
        }
    }
    return out;
}

Result<std::optional<std::string>> Reconciler::take(attest::Reconciliation reading, bool anchor) {
    const ChainId chain = reading.chain;
    const CustodyStanding before = standing(chain);
    CustodyStanding after = judge_custody(before, reading, parts_.rules);
    if (!after.anchored || anchor) {
        after.anchored = std::max(after.anchored.value_or(BlockNum{}), reading.block.number);
    }
    reading.state = after.state;
    reading.readings = after.readings;
    if (is_worth_a_leaf(before, after, reading, anchor)) {
        MARGRAVE_TRY(write(reading, before, after));
    }
    tell(reading, before, after);
    CustodyStanding& kept = standings_[chain];
    kept = std::move(after);
    if (auto doubt = doubt_of(kept, parts_.rules)) {
        return doubt;
    }
    // A block that counted before says nothing new of the standing, but it lacks what it lacks.
    return reading.has_deficit() ? std::optional(reading.reason()) : std::nullopt;
}

Result<store::ChainStop> Reconciler::stop_for(const attest::Reconciliation& reading) const {
    MARGRAVE_TRY(const auto stops, parts_.incidents.stops(reading.chain));
    store::ChainStop out;
    out.chain = reading.chain;
    out.number = stops.empty() ? 1 : stops.front().number + 1;
    out.at = parts_.clock.now();
    out.reason = reading.reason();
    out.final = parts_.ledger.chain_state(reading.chain).final;
    return out;
}

Result<void> Reconciler::write(
    const attest::Reconciliation& reading, const CustodyStanding& before, CustodyStanding& after
) {
    const ChainId& chain = reading.chain;
    const auto& stop = parts_.board.row(chain).stop;
    CustodyRecord record{reading, {}, std::nullopt, std::nullopt};
    if (after.state == CustodyState::kDeficit && reading.has_deficit() && !stop) {
        MARGRAVE_TRY(record.stop, stop_for(reading));
        after.stop = record.stop->number;
    }
    const bool over = before.state == CustodyState::kDeficit && after.state == CustodyState::kClear;
    if (over && stop && stop->number == before.stop) {
        record.resume = "the vault covers the ledger in " + std::to_string(parts_.rules.clear) +
                        " readings one after the other, the last at block " +
                        std::to_string(reading.block.number.value);
    }
    if (over) {
        after.stop = 0;
    }
    record.standing = {standing_document(chain), to_bytes(standing_json(after).dump())};
    if (parts_.scribe != nullptr) {
        MARGRAVE_TRY(record.stop, parts_.scribe->reconcile(record, parts_.clock.now()));
    }
    if (record.stop) {
        parts_.board.halt(*record.stop);
    }
    if (record.resume) {
        parts_.board.resume(chain, parts_.clock.now());
    }
    return ok();
}

bool Reconciler::is_watching(const ChainId& chain) const {
    const auto& stop = parts_.board.row(chain).stop;
    const CustodyStanding& now = standing(chain);
    return stop && now.stop == stop->number && now.state == CustodyState::kDeficit;
}

Result<void> Reconciler::give_up(const ChainId& chain) {
    CustodyStanding next = standing(chain);
    next.stop = 0;
    if (parts_.scribe != nullptr) {
        MARGRAVE_TRY(
            parts_.scribe->keep({standing_document(chain), to_bytes(standing_json(next).dump())})
        );
    }
    standings_[chain] = std::move(next);
    return ok();
}

// Every reading is in the log; people are told when something changed.
void Reconciler::tell(
    const attest::Reconciliation& reading,
    const CustodyStanding& before,
    const CustodyStanding& after
) const {
    const ChainId& chain = reading.chain;
    if (after.state != before.state && after.state == CustodyState::kClear) {
        parts_.log.warn("custody.covered", {{"chain", chain}, {"block", reading.block.number}});
    } else if (after.state != before.state) {
        const bool halts = after.state == CustodyState::kDeficit;
        parts_.log.error(
            "custody.deficit",
            {{"chain", chain},
             {"reason", after.reason},
             {"state", attest::to_string(after.state)},
             {"next",
              halts
                  ? "find where the tokens went; the chain is halted and goes on by itself after " +
                        std::to_string(parts_.rules.clear) + " readings that lack nothing"
                  : std::string("nothing is signed over it until the next reading")}}
        );
    }
    if (after.state == CustodyState::kClear && reading.has_deficit()) {
        parts_.log.error(
            "custody.deficit",
            {{"chain", chain},
             {"reason", reading.reason()},
             {"state", "another reading of this block lacked nothing"},
             {"next", "nothing is signed over it until the next block is read"}}
        );
    }
    if (after.unable && !before.unable) {
        parts_.log.warn("custody.unable", {{"chain", chain}, {"reason", reading.reason()}});
    }
    if (after.unattributed != before.unattributed) {
        for (const attest::CustodyRow& row : reading.rows) {
            if (!row.unattributed().is_zero()) {
                parts_.log.warn(
                    "custody.surplus",
                    {{"chain", chain},
                     {"asset", row.asset.text()},
                     {"unattributed", row.unattributed().to_string()},
                     {"block", reading.block.number}}
                );
            }
        }
    }
}

}  // namespace margrave::relayer
