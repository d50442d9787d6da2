#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails when a room includes what it may not see (docs/architecture.md), or a heavy library reaches a header."""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MAY_SEE = {
    "core": {"core"},
    "infra": {"core", "infra"},
    "margin": {"core", "margin"},
    "store": {"core", "store"},
    "chains": {"core", "infra", "chains"},
    "oracle": {"core", "infra", "oracle"},
    "attest": {"core", "infra", "attest"},
    "config": {"core", "infra", "config"},
    "relayer": {"core", "infra", "margin", "store", "chains", "oracle", "attest", "config", "relayer"},
}
# config reads only each room's settings types and the checks that belong to them.
CONFIG_HEADERS = {"chains/settings.hpp", "chains/evm/watch.hpp", "margin/parameters.hpp", "margin/venue.hpp",
                  "oracle/kinds.hpp",
                  "oracle/oracle.hpp"}
HEADER_BAN = re.compile(r"^(rocksdb/|boost/beast|nlohmann/json\.hpp|CLI/|spdlog/)")
ONLY_IN = {"rocksdb/": "store", "boost/beast": "infra", "secp256k1": ("attest", "chains", "oracle"), "CLI/": "relayer"}
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)


def check(path):
    room = path.split("/")[0]
    problems = []
    for mark, name in INCLUDE.findall((ROOT / path).read_text()):
        target = name.split("/")[0]
        if target in MAY_SEE:
            allowed = target in MAY_SEE[room] or (room == "config" and name in CONFIG_HEADERS)
            if not allowed:
                problems.append(f"{path}: {room} may not see {name}")
            other_detail = re.match(r"(.*?)/detail/", name)
            if other_detail and not path.startswith(other_detail.group(1) + "/"):
                problems.append(f"{path}: {name} is a detail of {other_detail.group(1)}")
        if mark == "<" and path.endswith(".hpp") and HEADER_BAN.match(name) and "/detail/" not in path:
            problems.append(f"{path}: <{name}> belongs in a .cpp file")
        for prefix, rooms in ONLY_IN.items():
            if mark == "<" and name.startswith(prefix) and room not in (rooms if isinstance(rooms, tuple) else (rooms,)):
                problems.append(f"{path}: <{name}> is used outside {rooms}")
    return problems


def main():
    files = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.hpp", "*.cpp"],
                           cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    rooms = [f for f in files if f.split("/")[0] in MAY_SEE]
    if not rooms:
        sys.exit("found no source to check")
    problems = [p for f in sorted(rooms) if (ROOT / f).exists() for p in check(f)]
    print("\n".join(problems) if problems else f"{len(rooms)} files keep to their rooms")
    return 1 if problems else 0


sys.exit(main())
