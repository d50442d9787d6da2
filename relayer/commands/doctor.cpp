// SPDX-License-Identifier: Apache-2.0
#include "relayer/doctor.hpp"

#include "infra/strict_json.hpp"
#include "infra/system_clock.hpp"
#include "infra/unix_client.hpp"
#include "relayer/cli.hpp"
#include "relayer/commands/commands.hpp"
#include "relayer/detail/run_task.hpp"
#include "relayer/doctor_node.hpp"

#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include <CLI/CLI.hpp>

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
