# SPDX-License-Identifier: Apache-2.0
"""Tells the demo's story, then lets others verify the log: Go's x/mod, ethers and OpenZeppelin's trees."""
import os
import subprocess
import sys

from command_ends import check_ends
from harness import ROOT, World, arguments, require, run, say
from history import check_counts, check_history, check_quiet
from risk import MARKETS, check_risk
from store_life import back_up, restore
from story import Story


def verify(what, args, **env):
    done = subprocess.run(args, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **env})
    require(done.returncode == 0, f"{what} ended with {done.returncode}: {done.stderr.strip()[-1500:]}")
    say(f"   ok  {what}: {' '.join(done.stdout.split())[:300]}")


def tell(folder, options):
    world = World(folder, options.binary, sale_duration="40s", markets=MARKETS)
    world.patience = options.patience
    try:
        story = Story(world, say=say)
        story.tell()
        story.check_books()
        check_counts(world)
        story.fact(check_risk(world, world.alice, world.bob))
        story.fact(back_up(story))
        story.settle()
        report = story.finish()
        story.fact(check_history(world))
        check_quiet(world)
        log = str(folder / "data/log")
        verify("verify_log.go", ["go", "run", "tests/integration/verify_log.go", log, report["vkey"]],
               GO111MODULE="off", GOPATH="/usr/share/gocode", GOFLAGS="")
        verify("verify_leaf.mjs", ["node", "tests/integration/verify_leaf.mjs", log])
        story.fact(restore(story))
        check_ends(story)
    finally:
        world.close()


def main():
    parser = arguments(__doc__)
    parser.add_argument("--patience", type=float, default=2, help="factor on every wait (default 2)")
    options = parser.parse_args()
    return run("story", options, lambda folder: tell(folder, options))


sys.exit(main())
