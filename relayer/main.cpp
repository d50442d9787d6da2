// SPDX-License-Identifier: Apache-2.0
#include "relayer/cli.hpp"
#include "relayer/commands/commands.hpp"

#include <array>
#include <iostream>
#include <malloc.h>

namespace {

// Answers of a megabyte come and go all the time. By default glibc gives such memory back at once
// and takes it again page by page, which is a seventh of the time that filling a ledger takes. What
// is much larger still goes back at once: a hostile answer must not stay in our memory.
void keep_freed_memory() {
    constexpr int kAnswer = 4 << 20;
    constexpr int kKept = 32 << 20;
    mallopt(M_MMAP_THRESHOLD, kAnswer);
    mallopt(M_TRIM_THRESHOLD, kKept);
}

}  // namespace

int main(int argc, char** argv) {
    using namespace margrave::relayer;
    keep_freed_memory();
    constexpr std::array kCommands{
        AddCommand{add_init},    AddCommand{add_config},   AddCommand{add_keys},
        AddCommand{add_deploy},  AddCommand{add_doctor},   AddCommand{add_run},
        AddCommand{add_sync},    AddCommand{add_backfill}, AddCommand{add_status},
        AddCommand{add_chains},  AddCommand{add_oracle},   AddCommand{add_account},
        AddCommand{add_risk},    AddCommand{add_ledger},   AddCommand{add_order},
        AddCommand{add_audit},   AddCommand{add_guard},    AddCommand{add_store},
        AddCommand{add_version},
    };
    return run_command_line(argc, argv, kCommands, std::cout, std::cerr);
}
