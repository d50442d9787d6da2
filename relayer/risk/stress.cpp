// SPDX-License-Identifier: Apache-2.0
#include "relayer/risk/stress.hpp"

#include "relayer/risk/words.hpp"

#include <nlohmann/json.hpp>

namespace margrave::relayer {
namespace {

using nlohmann::json;

json counts_json(const margin::StatusCounts& counts) {
    json out = json::object();
    for (std::size_t i = 0; i < counts.size(); ++i) {
        out[std::string(to_string(static_cast<Status>(i)))] = std::to_string(counts.at(i));
    }
    return out;
}

json curve_json(const margin::DepthCurve& curve) {
    json out = json::array();
    for (const margin::DepthPoint& point : curve) {
        out.push_back(
            {{"sold", point.sold.to_string_e18()}, {"impact", point.impact.to_string_e18()}}
        );
    }
    return out;
}

std::string counted(const margin::StatusCounts& counts, Status status) {
    return std::to_string(counts.at(static_cast<std::size_t>(status)));
}

}  // namespace

bool is_latched_after(const margin::Evaluation& evaluation) {
    const Status status = evaluation.state.status;
    if (status == Status::kUnattestable) {
        return evaluation.was_liquidatable;
    }
    return margin::is_seizable(status);
}

margin::StressBook stress_book(const ReplayedRound& round, const ChainId& hub) {
    margin::StressBook out;
    for (const margin::Evaluation& evaluation : round.evaluations) {
        out.accounts.push_back({evaluation.holdings, is_latched_after(evaluation)});
    }
    out.prices = round.prices;
    out.dead = round.dead;
    out.hub = hub;
    return out;
}

json depth_json(const margin::Depth& depth) {
    json out = json::object();
    out["otherwise"] = curve_json(depth.otherwise);
    for (const auto& [asset, curve] : depth.of) {
        out[asset] = curve_json(curve);
    }
    return out;
}

json stress_json(std::span<const margin::StressResult> results) {
    json out = json::array();
    for (const margin::StressResult& result : results) {
        json row = json::object();
        row["name"] = result.name;
        row["shocked"] = counts_json(result.shocked);
        row["settled"] = counts_json(result.settled);
        row["badDebtShocked"] = result.bad_debt_shocked.to_string_e18();
        row["badDebt"] = result.bad_debt_settled.to_string_e18();
        row["seized"] = result.seized.to_string_e18();
        row["repaid"] = result.repaid.to_string_e18();
        row["unsold"] = result.unsold.to_string_e18();
        row["liquidated"] = std::to_string(result.liquidated);
        row["rounds"] = std::to_string(result.rounds);
        row["isSettled"] = result.is_settled;
        row["prices"] = json::array();
        for (const margin::PricePath& path : result.prices) {
            row["prices"].push_back(
                {{"asset", path.asset},
                 {"before", path.before.to_string_e18()},
                 {"shocked", path.shocked.to_string_e18()},
                 {"settled", path.settled.to_string_e18()}}
            );
        }
        out.push_back(std::move(row));
    }
    return out;
}

std::string stress_text(std::span<const margin::StressResult> results) {
    std::vector<std::vector<std::string>> rows;
    for (const margin::StressResult& result : results) {
        const auto both = [&result](Status status) {
            const std::string before = counted(result.shocked, status);
            const std::string after = counted(result.settled, status);
            return before == after ? after : before + ">" + after;
        };
        rows.push_back(
            {result.name,
             both(Status::kHealthy),
             both(Status::kMarginCall),
             both(Status::kLiquidatable),
             both(Status::kBankrupt),
             both(Status::kUnattestable),
             in_usd(result.seized),
             in_usd(result.unsold),
             in_usd(result.bad_debt_settled),
             std::to_string(result.rounds) + (result.is_settled ? "" : "+")}
        );
    }
    return columns(
        {"SCENARIO",
         "HEALTHY",
         "CALL",
         "LIQUIDATABLE",
         "BANKRUPT",
         "UNATTESTABLE",
         "SEIZED USD",
         "UNSOLD USD",
         "BAD DEBT USD",
         "ROUNDS"},
        rows,
        1
    );
}

}  // namespace margrave::relayer
