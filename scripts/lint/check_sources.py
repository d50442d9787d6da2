#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails when a source file is in no target: a test that is not built finds nothing, and nobody misses it."""
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# A loop over names makes these targets, so their files are named nowhere.
BY_LOOP = re.compile(r"^tests/(bench|fuzz)/[^/]+\.cpp$|^tests/sim/planted_\w+\.cpp$")


def tracked(pattern):
    return subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", pattern],
                          cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()


def named():
    """The path of every .cpp that a CMakeLists.txt names outside of its comments."""
    out = set()
    for listing in tracked("*CMakeLists.txt"):
        code = re.sub(r"#[^\n]*", "", (ROOT / listing).read_text())
        for word in re.findall(r"[\w./${}-]+\.cpp", code):
            folder = Path("") if word.startswith("${PROJECT_SOURCE_DIR}/") else Path(listing).parent
            out.add(os.path.normpath(folder / word.removeprefix("${PROJECT_SOURCE_DIR}/")))
    return out


def main():
    files = [f for f in tracked("*.cpp") if (ROOT / f).exists()]
    if not files:
        sys.exit("found no source to check")
    known = named()
    lost = [f for f in files if f not in known and not BY_LOOP.match(f)]
    print("\n".join(f"{f}: no CMakeLists.txt names it, so it is never built" for f in lost)
          if lost else f"{len(files)} sources are in a target")
    return 1 if lost else 0


sys.exit(main())
