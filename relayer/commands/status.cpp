// SPDX-License-Identifier: Apache-2.0
#include "infra/strict_json.hpp"
#include "infra/unix_client.hpp"
#include "relayer/cli.hpp"
#include "relayer/commands/commands.hpp"

#include <nlohmann/json.hpp>

#include <CLI/CLI.hpp>
#include <sstream>

namespace margrave::relayer {

namespace {

constexpr std::chrono::milliseconds kAnswerTimeout{5000};

std::string text(const nlohmann::json& object, const char* name) {
    const auto it = object.find(name);
    return it != object.end() && it->is_string() ? it->get<std::string>() : std::string("-");
}

std::string number_of(const nlohmann::json& chain, const char* name) {
    return chain.contains(name) ? text(chain.at(name), "number") : std::string("-");
}

void print_chain(std::ostream& out, const nlohmann::json& chain) {
    out << text(chain, "chain") << "  head " << number_of(chain, "head") << "  final "
        << number_of(chain, "final") << "  lag " << text(chain, "lag") << "  events "
        << text(chain, "events") << "  reorgs " << text(chain, "reorgs") << "  registry round "
        << text(chain, "registryRound") << "  sender balance " << text(chain, "senderBalance")
        << '\n';
    const std::string error = text(chain, "error");
    if (!error.empty() && error != "-") {
        out << "    error: " << error << '\n';
    }
}

std::string table(const nlohmann::json& status) {
    std::ostringstream out;
    out << text(status, "node") << "  signer " << text(status, "signer") << "  network "
        << text(status, "network") << '\n';
    for (const nlohmann::json& chain : status.at("chains")) {
        print_chain(out, chain);
    }
    out << "round " << text(status, "round") << "  issued at " << text(status, "issuedAt")
        << "  accounts " << text(status, "accounts");
    for (const auto& [name, count] : status.at("accountsByStatus").items()) {
        out << "  " << name << ' ' << count.get<std::string>();
    }
    out << "  log leaves " << text(status, "leaves") << '\n';
    const std::string waiting = text(status, "waitingFor");
    if (!waiting.empty()) {
        out << "waiting for: " << waiting << '\n';
    }
    return out.str();
}

Result<int> show_status(Context& context) {
    MARGRAVE_TRY(auto settings, load_settings(context));
    MARGRAVE_TRY(
        auto line,
        infra::unix_request(settings.admin_socket, R"({"method":"status"})", kAnswerTimeout)
    );
    MARGRAVE_TRY(auto status, infra::parse_strict(line, {}));
    print(context, table(status), status);
    return 0;
}

}  // namespace

void add_status(CLI::App& app, Context& context) {
    CLI::App* status = app.add_subcommand("status", "What the running daemon sees and last signed");
    on_run(*status, context, show_status);
}

}  // namespace margrave::relayer
