// SPDX-License-Identifier: Apache-2.0
#include "relayer/cli.hpp"
#include "relayer/commands/commands.hpp"

#include <array>
#include <iostream>

int main(int argc, char** argv) {
    using namespace margrave::relayer;
    constexpr std::array kCommands{
        AddCommand{add_init},
        AddCommand{add_config},
        AddCommand{add_keys},
        AddCommand{add_deploy},
        AddCommand{add_doctor},
        AddCommand{add_run},
        AddCommand{add_sync},
        AddCommand{add_backfill},
        AddCommand{add_status},
        AddCommand{add_chains},
        AddCommand{add_oracle},
        AddCommand{add_account},
        AddCommand{add_audit},
        AddCommand{add_version},
    };
    return run_command_line(argc, argv, kCommands, std::cout, std::cerr);
}
