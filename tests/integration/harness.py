# SPDX-License-Identifier: Apache-2.0
"""What the integration tests have in common: a folder, a binary, and an end that says what happened."""
import argparse
import shutil
import signal
import sys
import tempfile
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from world import Failed, World  # noqa: E402,F401


def say(text):
    print(text, flush=True)


def require(condition, text):
    if not condition:
        raise Failed(text)


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--binary", default=str(ROOT / "build/release/margrave"))
    parser.add_argument("--dir", help="working folder, kept (default: a temporary one, kept only after a failure)")
    return parser


def run(name, options, body):
    """body(folder) in a fresh folder; the exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = Path(options.dir or tempfile.mkdtemp(prefix=f"margrave-{name}-")).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        body(folder)
    except KeyboardInterrupt:
        return 130
    except BaseException as e:
        traceback.print_exc()
        print(f"\n{name} failed: {e}\nWhat was written is in {folder}", file=sys.stderr, flush=True)
        return 1
    if not options.dir:
        shutil.rmtree(folder)
    return 0
