// SPDX-License-Identifier: Apache-2.0
#include "relayer/doctor.hpp"

#include "infra/strict_json.hpp"
#include "infra/system_clock.hpp"
#include "infra/unix_client.hpp"
#include "relayer/cli.hpp"
#include "relayer/commands/commands.hpp"
#include "relayer/detail/run_task.hpp"
#include "relayer/doctor_node.hpp"
#include "relayer/rate_rules.hpp"
#include "store/database.hpp"

#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iterator>

namespace margrave::relayer {
namespace {

constexpr int kFoundSomething = 4;
constexpr std::chrono::milliseconds kAdminTimeout{2000};

// The sender's address comes from the operator's secret; a running daemon tells it.
std::optional<Address> known_sender(const config::Settings& settings) {
    const auto line =
        infra::unix_request(settings.admin_socket, R"({"method":"status"})", kAdminTimeout);
    if (!line) {
        return std::nullopt;
    }
    const auto status = infra::parse_strict(line.value(), {});
    if (!status || !status.value().contains("chains")) {
        return std::nullopt;
    }
    for (const nlohmann::json& chain : status.value().at("chains")) {
        if (chain.contains("sender") && chain.at("sender").is_string()) {
            const auto address = parse_address(chain.at("sender").get<std::string>());
            return address ? std::optional(address.value()) : std::nullopt;
        }
    }
    return std::nullopt;
}

/// How old the newest rates are that the ledger of this machine heard, where a watch tells any.
void check_rates(const config::Settings& settings, UnixSeconds now, std::vector<CheckRow>& rows) {
    std::vector<const chains::ChainSettings*> telling;
    for (const chains::ChainSettings& chain : settings.chains) {
        if (!rate_rules(chain).empty()) {
            telling.push_back(&chain);
        }
    }
    if (telling.empty()) {
        return;
    }
    const auto judge = [&]() -> Result<std::vector<CheckRow>> {
        const Hash32 network = settings.genesis.network();
        MARGRAVE_TRY(
            const auto database, store::Database::open({settings.data_dir / "store", network, true})
        );
        const store::Ledger ledger(*database);
        MARGRAVE_TRY(const auto rates, rates_now(ledger));
        std::vector<CheckRow> out;
        for (const chains::ChainSettings* chain : telling) {
            std::vector<RateNow> own;
            std::ranges::copy_if(rates, std::back_inserter(own), [&](const RateNow& rate) {
                return rate.ledger.asset.chain() == chain->chain;
            });
            const auto head = ledger.chain_state(chain->chain).head;
            const Finding finding = judge_rates(*chain, own, head, now);
            out.push_back({chain->chain.text(), "", "rates", finding});
        }
        return out;
    };
    auto judged = judge();
    if (!judged) {
        const std::string what_to_do = "the ledger is there once the daemon or a sync ran";
        rows.push_back({"", "", "rates", {CheckState::kUnable, judged.error().detail, what_to_do}});
        return;
    }
    std::ranges::move(judged.value(), std::back_inserter(rows));
}

Result<int> doctor(Context& context) {
    MARGRAVE_TRY(const config::Settings settings, load_settings(context));
    boost::asio::io_context io(1);
    const infra::SystemClock clock;
    const auto sender = known_sender(settings);
    MARGRAVE_TRY(
        auto rows,
        run_to_end(
            io, examine(io.get_executor(), settings.chains, settings.deployed, clock, {}, sender)
        )
    );
    check_rates(settings, clock.now(), rows);
    rows.push_back({"", "", "data-dir", judge_disk(settings.data_dir)});
    rows.push_back({"", "", "keystore", judge_keystore(settings.keystore)});
    print(context, doctor_table(rows), doctor_json(rows));
    return has_failure(rows) ? kFoundSomething : 0;
}

}  // namespace

void add_doctor(CLI::App& app, Context& context) {
    CLI::App* command = app.add_subcommand(
        "doctor", "Check every node, the contracts and this machine; changes nothing"
    );
    on_run(*command, context, doctor);
}

}  // namespace margrave::relayer
