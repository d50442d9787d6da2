// SPDX-License-Identifier: Apache-2.0
#include "oracle/oracle.hpp"

#include "infra/task_group.hpp"
#include "oracle/detail/judgement.hpp"
#include "oracle/source.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace margrave::oracle {
namespace {

// Settings that make no source: every answer says why, and so does the start.
class BrokenSource final : public Source {
  public:
    BrokenSource(std::string name, Error error)
        : name_(std::move(name)),
          error_(std::move(error)) {}

    [[nodiscard]] std::string origin() const override { return {}; }

    Task<Answer> read(const Heads& /*heads*/, UnixSeconds /*now*/) override {
        Answer answer;
        answer.source = name_;
        answer.error = error_.detail;
        co_return answer;
    }

    Task<Result<void>> probe(const Heads& /*heads*/) override { co_return error_; }

  private:
    std::string name_;
    Error error_;
};

std::unique_ptr<Source> source_or_broken(const SourceSettings& settings, const Reach& reach) {
    Result<std::unique_ptr<Source>> made = make_source(settings, reach);
    return made ? std::move(made).value()
                : std::make_unique<BrokenSource>(settings.name, made.error());
}

// Depth first. What is quoted in a circle comes last and finds no price; config refuses it.
class Order {
  public:
    explicit Order(const std::vector<AssetOracleSettings>& assets)
        : assets_(assets),
          seen_(assets.size(), false) {
        for (std::size_t i = 0; i < assets.size(); ++i) {
            visit(i);
        }
    }

    std::vector<std::size_t> places;

  private:
    void visit(std::size_t place) {
        if (seen_[place]) {
            return;
        }
        seen_[place] = true;
        for (const SourceSettings& source : assets_[place].sources) {
            const auto quote = std::ranges::find(assets_, source.quote, &AssetOracleSettings::name);
            if (source.quote != kDollar && quote != assets_.end()) {
                visit(static_cast<std::size_t>(quote - assets_.begin()));
            }
        }
        places.push_back(place);
    }

    const std::vector<AssetOracleSettings>& assets_;
    std::vector<bool> seen_;
};

using Judgements = std::vector<detail::Judgement>;

// The quote's price as judged so far; a row that says missing when it was not.
PriceRow price_of(
    const std::vector<AssetOracleSettings>& assets, const Judgements& judged, std::string_view name
) {
    const auto found = std::ranges::find(assets, name, &AssetOracleSettings::name);
    return found == assets.end() ? PriceRow{}
                                 : judged[static_cast<std::size_t>(found - assets.begin())].row;
}

// `answers` are in the order of the sources of all assets.
PriceSet assemble(
    const std::vector<AssetOracleSettings>& assets,
    const std::vector<std::size_t>& order,
    std::vector<Answer> answers,
    UnixSeconds now,
    const Memory& memory
) {
    PriceSet out;
    std::vector<std::vector<Answer>> by_asset;
    auto next = answers.begin();
    for (const AssetOracleSettings& settings : assets) {
        const auto count = static_cast<std::ptrdiff_t>(settings.sources.size());
        by_asset.emplace_back(std::make_move_iterator(next), std::make_move_iterator(next + count));
        next += count;
    }
    Judgements judgements(assets.size());
    for (const std::size_t place : order) {
        const AssetOracleSettings& settings = assets[place];
        for (std::size_t i = 0; i < settings.sources.size(); ++i) {
            const std::string& quote = settings.sources[i].quote;
            if (quote != kDollar) {
                Answer& answer = by_asset[place][i];
                answer = in_dollars(answer, quote, price_of(assets, judgements, quote));
            }
        }
        const auto before = memory.find(settings.name);
        judgements[place] = detail::judge(
            settings, by_asset[place], now, before == memory.end() ? AssetMemory{} : before->second
        );
        if (judgements[place].memory != AssetMemory{}) {
            out.memory.emplace(settings.name, judgements[place].memory);
        }
        for (const AssetId& asset : settings.assets) {
            out.uses.emplace(asset, judgements[place].use);
            PriceRow row = judgements[place].row;
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

Oracle::Oracle(std::vector<AssetOracleSettings> assets, const Reach& reach)
    : assets_(std::move(assets)),
      order_(Order(assets_).places) {
    for (const AssetOracleSettings& asset : assets_) {
        for (const SourceSettings& source : asset.sources) {
            sources_.push_back(source_or_broken(source, reach));
        }
    }
}

Oracle::~Oracle() = default;

Task<PriceSet> Oracle::read(std::map<ChainId, BlockRef> heads, UnixSeconds now) {
    std::vector<Task<Answer>> reads;
    reads.reserve(sources_.size());
    for (const std::unique_ptr<Source>& source : sources_) {
        reads.push_back(source->read(heads, now));
    }
    std::vector<Answer> answers = co_await infra::gather<Answer>(std::move(reads));
    PriceSet set = assemble(assets_, order_, std::move(answers), now, memory_);
    co_return set;
}

// All at once. Every source that is something else is named; if there is none, every one that could
// not be asked, by the first one's code. What a source learned it does not ask again.
Task<Result<void>> Oracle::probe(std::map<ChainId, BlockRef> heads) {
    std::vector<Task<Result<void>>> probes;
    probes.reserve(sources_.size());
    for (const std::unique_ptr<Source>& source : sources_) {
        probes.push_back(source->probe(heads));
    }
    const std::vector<Result<void>> found = co_await infra::gather<Result<void>>(std::move(probes));
    const auto is_wrong = [](const Result<void>& result) {
        return !result && result.error().code == Errc::kConfig;
    };
    const bool any_wrong = std::ranges::any_of(found, is_wrong);
    std::optional<Error> out;
    for (const Result<void>& result : found) {
        if (result || (any_wrong && !is_wrong(result))) {
            continue;
        }
        if (out) {
            out->detail += "; " + result.error().detail;
        } else {
            out = result.error();
        }
    }
    if (out) {
        co_return *std::move(out);
    }
    co_return ok();
}

}  // namespace margrave::oracle
