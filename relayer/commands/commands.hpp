// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace CLI {
class App;
}

namespace margrave::relayer {

struct Context;

// One function a command, each in the file of its name. It adds the command's options to `app` and,
// through `on_run` of relayer/cli.hpp, what runs when the command is chosen. relayer/main.cpp lists
// them in the order in which help shows them.
void add_init(CLI::App& app, Context& context);
void add_config(CLI::App& app, Context& context);
void add_keys(CLI::App& app, Context& context);
void add_deploy(CLI::App& app, Context& context);
void add_doctor(CLI::App& app, Context& context);
void add_run(CLI::App& app, Context& context);
void add_sync(CLI::App& app, Context& context);
void add_backfill(CLI::App& app, Context& context);
void add_status(CLI::App& app, Context& context);
void add_chains(CLI::App& app, Context& context);
void add_oracle(CLI::App& app, Context& context);
void add_account(CLI::App& app, Context& context);
/// `explain` and `what-if`, below the command that `add_account` makes.
void add_account_risk(CLI::App& account, Context& context);
void add_risk(CLI::App& app, Context& context);
void add_ledger(CLI::App& app, Context& context);
void add_ledger_rates(CLI::App& ledger, Context& context);
void add_order(CLI::App& app, Context& context);
void add_audit(CLI::App& app, Context& context);
void add_guard(CLI::App& app, Context& context);
void add_store(CLI::App& app, Context& context);
/// `backup`, `backups` and `restore`, below the command that `add_store` makes.
void add_store_backup(CLI::App& store, Context& context);
void add_version(CLI::App& app, Context& context);

}  // namespace margrave::relayer
