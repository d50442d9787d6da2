// SPDX-License-Identifier: Apache-2.0
#include "infra/files.hpp"
#include "infra/system_clock.hpp"
#include "relayer/app.hpp"
#include "relayer/cli.hpp"
#include "relayer/commands/commands.hpp"
#include "relayer/commands/logs.hpp"
#include "relayer/detail/run_task.hpp"

#include <boost/asio/io_context.hpp>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <ostream>

namespace margrave::relayer {

namespace {

Result<void> check_may_sign(const config::Settings& settings) {
    if (!settings.deployed) {
        return fail(
            Errc::kConfig,
            "no contracts are known: " + settings.deployment_file.string() +
                " does not exist and no chain has \"contracts\"; run `margrave deploy` first"
        );
    }
    return ok();
}

/// Before anything is opened: a key that nobody counts must not begin a log.
Result<void> check_signer(const config::Settings& settings, const attest::SecretKey& key) {
    MARGRAVE_TRY(auto signer, attest::address_of(key));
    const std::vector<Address>& signers = settings.genesis.signers;
    if (std::find(signers.begin(), signers.end(), signer) == signers.end()) {
        return fail(
            Errc::kConfig,
            "the key in " + settings.keystore.string() + " is " + to_checksum(signer) +
                ", which is none of /network/signers: no contract would count its signatures"
        );
    }
    return ok();
}

Result<int> run_daemon(Context& context, bool dry_run) {
    MARGRAVE_TRY(auto settings, load_settings(context));
    if (!dry_run) {
        MARGRAVE_TRY(check_may_sign(settings));
    }
    MARGRAVE_TRY(auto logs, infra::LogSink::open(log_options(settings)));
    MARGRAVE_TRY(infra::make_dirs(settings.data_dir));
    // Held for the whole run: two daemons on one directory would be two signers with one record.
    MARGRAVE_TRY(auto lock, infra::lock_file(settings.data_dir / "lock"));
    MARGRAVE_TRY(auto password, config::read_secret(settings.password));
    MARGRAVE_TRY(auto json, infra::read_file(settings.keystore, attest::kKeystoreBytesMax));
    MARGRAVE_TRY(auto key, attest::decrypt_keystore(json, password));
    if (!dry_run) {
        MARGRAVE_TRY(check_signer(settings, key));
    }

    boost::asio::io_context io(1);
    const infra::SystemClock clock;
    MARGRAVE_TRY(
        auto app,
        App::make(io.get_executor(), std::move(settings), std::move(key), *logs, clock, {dry_run})
    );
    auto result = run_to_end(io, app->run());
    logs->flush();
    if (!result) {
        return result.as_failure();
    }
    return 0;
}

}  // namespace

void add_run(CLI::App& app, Context& context) {
    CLI::App* run = app.add_subcommand("run", "Follow the chains, sign and deliver: the daemon");
    const auto dry_run = std::make_shared<bool>(false);
    run->add_flag("--dry-run", *dry_run, "Watch only: sign nothing, send nothing");
    on_run(*run, context, [dry_run](Context& c) { return run_daemon(c, *dry_run); });
}

}  // namespace margrave::relayer
