// SPDX-License-Identifier: Apache-2.0
#include "relayer/cli.hpp"
#include "relayer/commands/commands.hpp"
#include "store/database.hpp"
#include "store/ledger.hpp"

#include <nlohmann/json.hpp>

#include <CLI/CLI.hpp>
#include <sstream>

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
    store::TrialBalance trial;
    InterestIndex index;
    BlockRef head;

    [[nodiscard]] std::string total(store::AccountCode code) const {
        return trial.totals.at(code).to_string();
    }
};

Result<std::vector<Row>> read_rows(const store::Ledger& ledger) {
    std::vector<Row> out;
    for (const store::LedgerDefinition& definition : ledger.ledgers()) {
        const auto head = ledger.chain_state(definition.asset.chain()).head;
        if (!head) {
            continue;
        }
        MARGRAVE_TRY(const auto index, ledger.interest(definition.id, head->number));
        if (index) {
            MARGRAVE_TRY(auto trial, ledger.trial_balance(definition.id, head->number));
            out.push_back({std::move(trial), *index, *head});
        }
    }
    return out;
}

Result<int> show_rates(Context& context) {
    MARGRAVE_TRY(const auto settings, load_settings(context, config::Use::kFollow));
    const Hash32 network = settings.genesis.network();
    MARGRAVE_TRY(
        const auto database, store::Database::open({settings.data_dir / "store", network, true})
    );
    MARGRAVE_TRY(const auto rows, read_rows(store::Ledger(*database)));
    json document = json::object();
    document["ledgers"] = json::array();
    std::ostringstream human;
    for (const Row& row : rows) {
        json one = json::object();
        one["asset"] = row.trial.ledger.asset.text();
        one["block"] = std::to_string(row.head.number.value);
        one["time"] = std::to_string(row.head.time.value);
        one["rate"] = decimal_of(row.index.rate);
        one["index"] = decimal_of(row.index.value);
        one["loans"] = row.total(store::AccountCode::kLoan);
        one["interest"] = row.total(store::AccountCode::kInterest);
        document["ledgers"].push_back(std::move(one));
        human << row.trial.ledger.asset.text() << "  rate " << decimal_of(row.index.rate)
              << " a year, index " << decimal_of(row.index.value) << " at block "
              << row.head.number.value << "; loans booked " << row.total(store::AccountCode::kLoan)
              << ", interest booked " << row.total(store::AccountCode::kInterest) << '\n';
    }
    if (rows.empty()) {
        human << "no event told what loans cost, so none bears interest\n";
    }
    print(context, human.str(), document);
    return 0;
}

}  // namespace

void add_ledger_rates(CLI::App& ledger, Context& context) {
    CLI::App* rates =
        ledger.add_subcommand("rates", "What loans cost, and what they earned so far");
    on_run(*rates, context, [](Context& c) { return show_rates(c); });
}

}  // namespace margrave::relayer
