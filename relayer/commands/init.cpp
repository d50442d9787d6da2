// SPDX-License-Identifier: Apache-2.0
#include "attest/keys.hpp"
#include "config/settings.hpp"
#include "infra/files.hpp"
#include "relayer/cli.hpp"
#include "relayer/commands/commands.hpp"
#include "relayer/commands/new_file.hpp"

#include <nlohmann/json.hpp>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace margrave::relayer {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr unsigned kConfigMode = 0640;

struct InitOptions {
    std::vector<std::string> chains;
    std::string keystore;
    std::string password_file;
    std::string out;
    std::string name{"op-1"};
    std::string network{"margrave"};
    std::vector<std::string> signers;
    std::string guardian;
    std::vector<std::string> endpoints;
    bool accept_single_source{false};
};

Result<std::vector<ChainId>> parse_chains(const std::vector<std::string>& names) {
    std::vector<ChainId> out;
    for (const std::string& name : names) {
        MARGRAVE_TRY(ChainId chain, config::parse_chain_name(name));
        if (std::ranges::find(out, chain) != out.end()) {
            return fail(Errc::kUsage, "--chains has " + chain.text() + " twice");
        }
        out.push_back(std::move(chain));
    }
    return out;
}

// "CHAIN=URL"; the URL may hold a key, so no message repeats it.
Result<void> add_endpoint(
    config::ExampleOptions& out, const std::vector<ChainId>& chains, const std::string& text
) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos) {
        return fail(
            Errc::kUsage, "--endpoint needs CHAIN=URL, e.g. ethereum=https://node.internal"
        );
    }
    MARGRAVE_TRY(const ChainId chain, config::parse_chain_name(text.substr(0, equals)));
    if (std::ranges::find(chains, chain) == chains.end()) {
        return fail(
            Errc::kUsage, "--endpoint is for " + chain.text() + ", which --chains leaves out"
        );
    }
    out.endpoints[chain].push_back(text.substr(equals + 1));
    return ok();
}

Result<Address> parse_person(const std::string& option, const std::string& text) {
    Result<Address> address = parse_address(text);
    if (!address) {
        return fail(Errc::kUsage, option + ": expected an address, 0x and 40 hex digits");
    }
    return address;
}

// The config names files relative to itself, the command line relative to where it is typed.
std::string seen_from(const fs::path& config, const std::string& file) {
    const fs::path path(file);
    if (path.empty() || path.is_absolute()) {
        return file;
    }
    return fs::absolute(path).lexically_normal().lexically_proximate(
        fs::absolute(config).lexically_normal().parent_path()
    );
}

Result<std::vector<Address>> find_signers(Context& context, const InitOptions& options) {
    std::vector<Address> out;
    for (const std::string& text : options.signers) {
        MARGRAVE_TRY(const Address signer, parse_person("--signer", text));
        out.push_back(signer);
    }
    if (!out.empty()) {
        return out;
    }
    const Result<std::string> keystore =
        infra::read_file(options.keystore, attest::kKeystoreBytesMax);
    if (!keystore && keystore.error().code == Errc::kNotFound) {
        advise(
            context,
            options.keystore + " is not there yet; `margrave keys new --keystore " +
                options.keystore + "` makes it"
        );
        return out;
    }
    MARGRAVE_TRY(const std::string text, keystore);
    Result<Address> address = attest::keystore_address(text);
    if (!address) {
        return fail(Errc::kConfig, "keystore " + options.keystore + ": " + address.error().detail);
    }
    out.push_back(address.value());
    return out;
}

Result<config::ExampleOptions> example_options(
    Context& context,
    const InitOptions& options,
    const std::vector<ChainId>& chains,
    const fs::path& file
) {
    config::ExampleOptions out;
    out.node_name = options.name;
    out.network_name = options.network;
    out.accept_single_source = options.accept_single_source;
    out.password_file = seen_from(file, options.password_file);
    MARGRAVE_TRY(out.signers, find_signers(context, options));
    if (!options.guardian.empty()) {
        MARGRAVE_TRY(out.guardian, parse_person("--guardian", options.guardian));
    }
    for (const std::string& endpoint : options.endpoints) {
        MARGRAVE_TRY(add_endpoint(out, chains, endpoint));
    }
    return out;
}

json problems_json(const std::vector<config::Problem>& problems) {
    json out = json::array();
    for (const config::Problem& problem : problems) {
        out.push_back({{"pointer", problem.pointer}, {"what", problem.what}});
    }
    return out;
}

Result<int> init(Context& context, const InitOptions& options) {
    const fs::path file = options.out.empty() ? context.config_file : fs::path(options.out);
    MARGRAVE_TRY(const std::vector<ChainId> chains, parse_chains(options.chains));
    MARGRAVE_TRY(
        const config::ExampleOptions example, example_options(context, options, chains, file)
    );
    const std::string text =
        config::example_config(chains, seen_from(file, options.keystore), example);
    MARGRAVE_TRY(write_new_file(file, text, kConfigMode));

    const config::Loaded loaded = config::load(file);
    std::string human = "wrote " + file.string() + "\n";
    for (const config::Problem& problem : loaded.problems) {
        human += "fill in  " + problem.pointer + ": " + problem.what + "\n";
    }
    for (const config::Problem& note : loaded.notes) {
        advise(context, "note: " + note.pointer + ": " + note.what);
    }
    if (options.password_file.empty()) {
        advise(
            context,
            "note: /signer/password: comes from the systemd credential keystore-password; "
            "{\"file\": \"PATH\"} or {\"env\": \"NAME\"} may stand there too"
        );
    }
    print(
        context,
        human,
        {{"config", fs::absolute(file).lexically_normal().string()},
         {"problems", problems_json(loaded.problems)},
         {"notes", problems_json(loaded.notes)}}
    );
    return 0;
}

}  // namespace

void add_init(CLI::App& app, Context& context) {
    CLI::App* command = app.add_subcommand("init", "Write a starting config");
    const auto options = std::make_shared<InitOptions>();
    command
        ->add_option(
            "--chains", options->chains, "Chains, the hub first: ethereum,base or eip155:N"
        )
        ->required()
        ->delimiter(',')
        ->type_name("A,B");
    command->add_option("--keystore", options->keystore, "Keystore of this operator")
        ->required()
        ->type_name("FILE");
    command->add_option("--password-file", options->password_file, "File with its password")
        ->type_name("FILE");
    command->add_option("-o,--out", options->out, "Where to write (default: the file of -c)")
        ->type_name("FILE");
    command
        ->add_option(
            "--endpoint", options->endpoints, "Node of a chain, CHAIN=URL; may be repeated"
        )
        ->type_name("CHAIN=URL");
    command
        ->add_option("--signer", options->signers, "Operator's address (default: the keystore's)")
        ->type_name("ADDRESS");
    command->add_option("--guardian", options->guardian, "Guardian (default: the first signer)")
        ->type_name("ADDRESS");
    command->add_option("--name", options->name, "Name of this operator (default op-1)");
    command->add_option("--network", options->network, "Name of the network (default margrave)");
    command->add_flag(
        "--accept-single-source",
        options->accept_single_source,
        "Accept that one lying node can make this daemon sign a lie"
    );
    on_run(*command, context, [options](Context& c) { return init(c, *options); });
}

}  // namespace margrave::relayer
