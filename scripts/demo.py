# SPDX-License-Identifier: Apache-2.0
"""Tells the story of tests/support/story.py on fresh chains; see scripts/demo."""
import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/support"))
from story import Story  # noqa: E402
from world import World  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description="Margrave's demo")
    parser.add_argument("--keep", action="store_true", help="leave chains and daemon running until Ctrl-C")
    parser.add_argument("--binary", default=str(ROOT / "build/release/margrave"))
    parser.add_argument("--dir", help="working directory (default: a new one under the system's temporary directory)")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))

    folder = Path(options.dir or tempfile.mkdtemp(prefix="margrave-demo-"))
    print(f"Margrave demo; everything it writes is in {folder}", flush=True)
    world = World(folder, options.binary)
    story = Story(world, say=lambda text: print(text, flush=True))
    try:
        story.tell()
        story.check_books()
        if options.keep:
            print(f"\nStill running. Look around, for example:\n"
                  f"  {options.binary} -c {world.config} status\n  {options.binary} -c {world.config} account list\n"
                  f"Ctrl-C stops everything.", flush=True)
            while True:
                time.sleep(1)
                world.check_daemon()
        story.finish()
        print(f"\nAll {len(story.done)} checks held in {time.monotonic() - story.started:.0f} s.", flush=True)
        return 0
    except KeyboardInterrupt:
        print("\nstopping everything", flush=True)
        return 0 if options.keep else 130
    except BaseException as e:
        print(f"\nThe demo failed: {e}\nThe daemon's log: {folder}/daemon.log", file=sys.stderr, flush=True)
        return 1
    finally:
        world.close()


sys.exit(main())
