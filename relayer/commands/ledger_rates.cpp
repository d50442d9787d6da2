// SPDX-License-Identifier: Apache-2.0
#include "relayer/cli.hpp"
#include "relayer/commands/commands.hpp"
#include "relayer/rate_rules.hpp"
#include "store/database.hpp"

#include <nlohmann/json.hpp>

#include <CLI/CLI.hpp>

// What loans cost, by what events told (docs/watching-a-contract.md section 7).
namespace margrave::relayer {

namespace {

using nlohmann::json;

constexpr std::size_t kIndexDecimals = 27;

// A number of 27 decimals, exact.
std::string decimal_of(const Amount& value) {
    std::string digits = value.to_string();
    if (digits.size() <= kIndexDecimals) {
        digits.insert(0, kIndexDecimals + 1 - digits.size(), '0');
    }
    digits.insert(digits.size() - kIndexDecimals, 1, '.');
    digits.erase(digits.find_last_not_of('0') + 1);
    if (digits.back() == '.') {
        digits.pop_back();
    }
    return digits;
}

struct Row {
    RateNow rate;
    store::TrialBalance trial;
    Amount unbooked;
    std::string watch;

    [[nodiscard]] std::string total(store::AccountCode code) const {
        return trial.totals.at(code).to_string();
    }

    /// Of the telling, by the time of the head.
    [[nodiscard]] std::uint64_t age_s() const {
        const UnixSeconds since = rate.told.index.since;
        return rate.head.time > since ? rate.head.time.value - since.value : 0;
    }
};

Result<std::vector<Row>> read_rows(
    const store::Ledger& ledger, const std::vector<chains::ChainSettings>& chains
) {
    MARGRAVE_TRY(const auto rates, rates_now(ledger));
    std::vector<Row> out;
    for (const RateNow& rate : rates) {
        Row row{rate, {}, {}, watch_name(chains, rate)};
        const BlockNum head = rate.head.number;
        MARGRAVE_TRY(row.trial, ledger.trial_balance(rate.ledger.id, head));
        MARGRAVE_TRY(row.unbooked, ledger.unbooked_interest(rate.ledger.id, head));
        out.push_back(std::move(row));
    }
    return out;
}

json row_json(const Row& row) {
    const store::ToldRate& told = row.rate.told;
    json telling = json::object();
    telling["watch"] = row.watch;
    telling["contract"] = to_hex(told.emitter);
    telling["block"] = std::to_string(told.block.value);
    telling["time"] = std::to_string(told.index.since.value);
    telling["age"] = std::to_string(row.age_s());
    telling["transaction"] = to_hex(told.txn_hash);
    telling["log"] = std::to_string(told.log_index);
    json one = json::object();
    one["asset"] = row.rate.ledger.asset.text();
    one["block"] = std::to_string(row.rate.head.number.value);
    one["time"] = std::to_string(row.rate.head.time.value);
    one["rate"] = decimal_of(row.rate.index.rate);
    one["index"] = decimal_of(row.rate.index.value);
    one["loans"] = row.total(store::AccountCode::kLoan);
    one["interest"] = row.total(store::AccountCode::kInterest);
    one["unbooked"] = row.unbooked.to_string();
    one["told"] = std::move(telling);
    return one;
}

std::string row_text(const Row& row) {
    const store::ToldRate& told = row.rate.told;
    return row.rate.ledger.asset.text() + "  rate " + decimal_of(row.rate.index.rate) +
           " a year, index " + decimal_of(row.rate.index.value) + " at block " +
           std::to_string(row.rate.head.number.value) + "; loans booked " +
           row.total(store::AccountCode::kLoan) + ", interest booked " +
           row.total(store::AccountCode::kInterest) + ", not booked yet " +
           row.unbooked.to_string() + "; told by watch " + row.watch + " (" + to_hex(told.emitter) +
           ") in block " + std::to_string(told.block.value) + ", " + in_time(row.age_s()) +
           " before\n";
}

Result<int> show_rates(Context& context) {
    MARGRAVE_TRY(const auto settings, load_settings(context, config::Use::kFollow));
    const Hash32 network = settings.genesis.network();
    MARGRAVE_TRY(
        const auto database, store::Database::open({settings.data_dir / "store", network, true})
    );
    MARGRAVE_TRY(const auto rows, read_rows(store::Ledger(*database), settings.chains));
    json document = json::object();
    document["ledgers"] = json::array();
    std::string human;
    for (const Row& row : rows) {
        document["ledgers"].push_back(row_json(row));
        human += row_text(row);
    }
    if (rows.empty()) {
        human = "no event told what loans cost, so none bears interest\n";
    }
    print(context, human, document);
    return 0;
}

}  // namespace

void add_ledger_rates(CLI::App& ledger, Context& context) {
    CLI::App* rates =
        ledger.add_subcommand("rates", "What loans cost, and what they earned so far");
    on_run(*rates, context, [](Context& c) { return show_rates(c); });
}

}  // namespace margrave::relayer
