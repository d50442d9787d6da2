#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails on a bare division, a shift to the right or a floating point number in margin/: there every quotient is a call
that names its rounding (margin/numeric.hpp). The files that make those calls are the only exception."""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROFILE = {"margin/fixed.cpp", "margin/fixed.hpp", "margin/detail/lanes.cpp",
           "margin/detail/lanes.hpp", "margin/detail/reciprocal.cpp", "margin/detail/reciprocal.hpp"}
NOT_CODE = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|^\s*#[^\n]*", re.S | re.M)
RULES = (
    (re.compile(r"/"), "a bare division; call mul_div, times or over"),
    (re.compile(r"\s>>=?\s"), "a shift to the right; call half or mul_div"),
    (re.compile(r"\b(double|float)\b"), "floating point"),
)


def check(path):
    code = NOT_CODE.sub(lambda found: "\n" * found.group().count("\n"), (ROOT / path).read_text())
    for number, line in enumerate(code.splitlines(), 1):
        for rule, what in RULES:
            if rule.search(line):
                yield f"{path}:{number}: {what}"


def main():
    files = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "margin/*.cpp", "margin/*.hpp"],
                           cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    if not files:
        sys.exit("found no source to check")
    problems = [p for f in sorted(files) if f not in PROFILE and (ROOT / f).exists() for p in check(f)]
    print("\n".join(problems) if problems else f"{len(files)} files of margin/ round where they say so")
    return 1 if problems else 0


sys.exit(main())
