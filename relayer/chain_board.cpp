// SPDX-License-Identifier: Apache-2.0
#include "relayer/chain_board.hpp"

#include "core/assert.hpp"

#include <algorithm>

namespace margrave::relayer {

namespace {

const std::string& why(const ChainBoard::Row& row) {
    return row.lost.empty() ? row.error : row.lost;
}

}  // namespace

ChainBoard::ChainBoard(
    const std::vector<ChainId>& chains,
    std::chrono::seconds patience,
    UnixSeconds now,
    infra::Logger log
)
    : patience_(patience),
      log_(log) {
    for (const ChainId& chain : chains) {
        rows_[chain].last_good = now;
    }
}

Result<void> ChainBoard::load(const store::Incidents& incidents) {
    for (auto& [chain, row] : rows_) {
        MARGRAVE_TRY(row.stop, incidents.open_stop(chain));
    }
    return ok();
}

ChainBoard::Row& ChainBoard::at(const ChainId& chain) {
    const auto it = rows_.find(chain);
    MARGRAVE_ASSERT(it != rows_.end());
    return it->second;
}

const ChainBoard::Row& ChainBoard::row(const ChainId& chain) const {
    const auto it = rows_.find(chain);
    MARGRAVE_ASSERT(it != rows_.end());
    return it->second;
}

void ChainBoard::passed(const ChainId& chain, const chains::Agreement& agreement, UnixSeconds now) {
    Row& row = at(chain);
    ++row.steps;
    row.seen = true;
    row.last_good = now;
    row.lost = agreement.lost;
    row.error.clear();
    judge(chain, row, now);
}

void ChainBoard::failed(
    const ChainId& chain,
    const chains::Agreement& agreement,
    const std::string& reason,
    UnixSeconds now
) {
    Row& row = at(chain);
    ++row.steps;
    ++row.failures;
    row.lost = agreement.lost;
    row.error = reason;
    judge(chain, row, now);
}

void ChainBoard::review(UnixSeconds now) {
    for (auto& [chain, row] : rows_) {
        judge(chain, row, now);
    }
}

void ChainBoard::judge(const ChainId& chain, Row& row, UnixSeconds now) {
    const auto patience = static_cast<std::uint64_t>(patience_.count());
    const bool silent = !row.error.empty() && now.value >= row.last_good.value + patience;
    const bool alarm = !row.stop && (!row.lost.empty() || silent);
    if (alarm && !row.alarm_since) {
        row.alarm_since = row.last_good;
        ++row.alarms;
        if (const auto skipped = row.limiter.pass()) {
            log_.error(
                "chain.agreement_lost",
                {{"chain", chain},
                 {"reason", why(row)},
                 {"since", row.last_good},
                 {"skipped", *skipped}}
            );
        }
    } else if (!alarm && row.alarm_since) {
        const std::uint64_t after = now.value - std::min(now.value, row.alarm_since->value);
        row.alarm_since.reset();
        // Of a chain that was halted meanwhile nothing was regained.
        if (row.stop) {
            return;
        }
        if (const auto skipped = row.limiter.pass()) {
            log_.warn(
                "chain.agreement_regained",
                {{"chain", chain}, {"after_s", after}, {"skipped", *skipped}}
            );
        }
    }
}

void ChainBoard::halt(const store::ChainStop& stop) {
    Row& row = at(stop.chain);
    row.stop = stop;
    row.alarm_since.reset();
}

void ChainBoard::resume(const ChainId& chain, UnixSeconds now) {
    Row& row = at(chain);
    row.stop.reset();
    row.seen = false;
    row.last_good = now;
    row.lost.clear();
    row.error.clear();
}

std::string ChainBoard::held(const ChainId& chain) const {
    const Row& row = this->row(chain);
    if (row.stop) {
        return {};
    }
    const std::string since = " (since " + std::to_string(row.last_good.value) + ")";
    if (row.alarm_since) {
        return chain.text() + " is held: " + why(row) + since;
    }
    if (!row.seen) {
        const std::string reason = why(row).empty() ? "it was not asked yet" : why(row);
        return chain.text() + " is held: " + reason + since;
    }
    return {};
}

UnixSeconds ChainBoard::held_since(const ChainId& chain) const {
    const Row& row = this->row(chain);
    return row.stop ? row.stop->at : row.last_good;
}

std::set<ChainId> ChainBoard::halted() const {
    std::set<ChainId> out;
    for (const auto& [chain, row] : rows_) {
        if (row.stop) {
            out.insert(chain);
        }
    }
    return out;
}

}  // namespace margrave::relayer
