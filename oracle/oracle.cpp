// SPDX-License-Identifier: Apache-2.0
#include "oracle/oracle.hpp"

#include "infra/task_group.hpp"
#include "oracle/detail/judgement.hpp"
#include "oracle/source.hpp"

#include <algorithm>
#include <utility>

namespace margrave::oracle {
namespace {

// `answers` are in the order of the sources of all assets.
PriceSet assemble(
    const std::vector<AssetOracleSettings>& assets, std::vector<Answer> answers, UnixSeconds now
) {
    PriceSet out;
    std::vector<std::vector<Answer>> by_asset;
    std::vector<detail::Judgement> judgements;
    auto next = answers.begin();
    for (const AssetOracleSettings& settings : assets) {
        const auto count = static_cast<std::ptrdiff_t>(settings.sources.size());
        by_asset.emplace_back(std::make_move_iterator(next), std::make_move_iterator(next + count));
        next += count;
        judgements.push_back(detail::judge(settings, by_asset.back(), now));
        for (const AssetId& asset : settings.assets) {
            PriceRow row = judgements.back().row;
            row.asset = asset;
            out.rows.push_back(std::move(row));
        }
    }
    std::ranges::sort(out.rows, [](const PriceRow& a, const PriceRow& b) {
        return a.asset.key() < b.asset.key();
    });
    out.document = detail::document(assets, by_asset, judgements, now);
    return out;
}

}  // namespace

Oracle::Oracle(std::vector<AssetOracleSettings> assets, CallAt call_at)
    : assets_(std::move(assets)) {
    for (const AssetOracleSettings& asset : assets_) {
        for (const SourceSettings& source : asset.sources) {
            sources_.push_back(make_source(source, call_at));
        }
    }
}

Oracle::~Oracle() = default;

Task<PriceSet> Oracle::read(std::map<ChainId, Hash32> heads, UnixSeconds now) {
    std::vector<Task<Answer>> reads;
    reads.reserve(sources_.size());
    for (const std::unique_ptr<Source>& source : sources_) {
        reads.push_back(source->read(heads, now));
    }
    std::vector<Answer> answers = co_await infra::gather<Answer>(std::move(reads));
    PriceSet set = assemble(assets_, std::move(answers), now);
    co_return set;
}

Task<Result<void>> Oracle::probe(std::map<ChainId, Hash32> heads) {
    for (const std::unique_ptr<Source>& source : sources_) {
        Result<void> probed = co_await source->probe(heads);
        if (!probed) {
            co_return probed;
        }
    }
    co_return ok();
}

}  // namespace margrave::oracle
