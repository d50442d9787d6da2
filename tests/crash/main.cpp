// SPDX-License-Identifier: Apache-2.0
// What a process, a disk and chance can do to a signing firm. See docs/ledger.md section 13.
#include "tests/crash/runs.hpp"
#include "tests/unit/store/fixture.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

struct Mode {
    const char* name;
    int (*run)(const margrave::crash::Run&);
};

constexpr Mode kModes[] = {
    {"kills", margrave::crash::run_kills},
    {"points", margrave::crash::run_points},
    {"faults", margrave::crash::run_faults},
    {"flips", margrave::crash::run_flips},
};

}  // namespace

int main(int argc, char** argv) {
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    for (const Mode& mode : kModes) {
        if (argc >= 3 && std::strcmp(argv[1], mode.name) == 0) {
            const margrave::store::test::TempDir dir;
            margrave::crash::Run run;
            run.dir = dir.path();
            run.count = std::strtoull(argv[2], nullptr, 10);
            run.seed = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1;
            run.only = argc > 4 ? argv[4] : "";
            return mode.run(run);
        }
    }
    std::printf("margrave_crash kills|points|faults|flips COUNT [SEED [MOMENT OR FAULT]]\n");
    return 2;
}
