// SPDX-License-Identifier: Apache-2.0
#include "relayer/custody_reading.hpp"

#include "relayer/detail/trouble.hpp"

#include <algorithm>
#include <utility>

namespace margrave::relayer {

namespace {

/// What a node said, for the public log: for_the_log ASCII, cut.
std::string for_the_log(std::string text, std::size_t most) {
    text.resize(std::min(text.size(), most));
    for (char& c : text) {
        c = c >= ' ' && c <= '~' ? c : '?';
    }
    return text;
}

std::vector<store::LedgerDefinition> ledgers_of(const store::Ledger& ledger, const ChainId& chain) {
    std::vector<store::LedgerDefinition> out = ledger.ledgers();
    std::erase_if(out, [&chain](const store::LedgerDefinition& each) {
        return each.asset.chain() != chain;
    });
    std::ranges::sort(out, {}, &store::LedgerDefinition::asset);
    return out;
}

}  // namespace

Task<Result<CustodyReading>> read_custody(
    chains::ChainAdapter& adapter, const store::Ledger& ledger, BlockRef block
) {
    CustodyReading out;
    out.reading.chain = adapter.settings().chain;
    out.reading.block = block;
    const std::vector<store::LedgerDefinition> ledgers = ledgers_of(ledger, out.reading.chain);
    for (const store::LedgerDefinition& definition : ledgers) {
        auto trial = ledger.trial_balance(definition.id, block.number);
        if (!trial) {
            co_return trial.as_failure();
        }
        attest::CustodyRow row;
        row.asset = definition.asset;
        row.booked = trial.value().totals[store::AccountCode::kVault];
        const Address token = definition.asset.token();
        auto held = co_await adapter.custody_at(token, block.hash);
        if (held) {
            row.held = held.value();
        } else if (must_stop(held.error().code)) {
            co_return held.as_failure();
        } else {
            row.why = for_the_log(held.error().detail, attest::Reconciliation::kWhyMax);
            out.trouble = out.trouble ? out.trouble : std::optional<Error>(held.error());
        }
        out.reading.rows.push_back(std::move(row));
    }
    co_return out;
}

}  // namespace margrave::relayer
