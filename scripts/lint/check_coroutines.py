#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails on statements that g++ 12 miscompiles: a co_await together with braces, a capturing lambda, a ternary of
temporaries, or another co_await. docs/architecture.md, "Coroutines", says why; the asan build is the second check."""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def blank(text):
    """Comments and string contents become spaces, so that only code is read and line numbers stay."""
    def spaces(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    text = re.sub(r"//[^\n]*|/\*.*?\*/", spaces, text, flags=re.S)
    return re.sub(r'"(?:\\.|[^"\\\n])*"', lambda m: '"' + " " * (len(m.group(0)) - 2) + '"', text)


def is_control_head(head):
    return re.match(r"\s*(?:\}?\s*else\s+)?(?:if|while|switch|for)\b", head) is not None


def statements(text):
    """(start offset, text) of each piece between ; { and } that has a co_await, outside brackets.

    A block's opening brace ends the piece before it; a brace inside round brackets belongs to the piece."""
    start, depth = 0, 0
    initialisers = []
    for i, c in enumerate(text):
        if c in "([":
            depth += 1
        elif c in ")]":
            depth = max(0, depth - 1)
        elif c == "{" and not is_block(text[start:i]) and depth == 0:
            # An initialiser belongs to its statement.
            initialisers.append(depth)
        elif c == "}" and initialisers and depth == initialisers[-1]:
            initialisers.pop()
        elif depth == 0 and not initialisers and c in ";{}":
            yield start, text[start:i]
            start = i + 1


def is_block(before):
    before = before.rstrip()
    return not before or before[-1] in ")>;{}" or re.search(
        r"\b(else|do|try|const|noexcept|mutable|override)$", before) is not None or re.search(
        r"\b(struct|class|namespace|enum|union|extern)\b", before) is not None or "->" in before


def faults(piece):
    if "co_await" not in piece:
        return
    if piece.count("co_await") > 1 and not re.match(r"\s*co_return\s+co_await\b[^?]*$", piece):
        yield "a second co_await"
    body = piece
    if is_control_head(piece):
        body = piece[piece.find("("):]
    if "{" in body:
        yield "braces"
    if re.search(r"[(,=]\s*\[[^\]\s][^\]]*\]\s*[({]", body):
        yield "a capturing lambda"
    if re.search(r"co_await[^;]*\?[^;]*:", body) and not re.search(r"\?\s*co_await\b", body):
        yield "a conditional among its arguments"


def check(path):
    text = blank((ROOT / path).read_text())
    for start, piece in statements(text):
        for fault in faults(piece):
            line = text.count("\n", 0, start + piece.find("co_await")) + 1
            yield f"{path}:{line}: co_await with {fault}: {' '.join(piece.split())[:90]}"


def self_test():
    """The check is checked: each bad shape must be found and each good one must pass."""
    bad = ["x = co_await f({1, 2});", "auto a = co_await f(Opts{s});", "co_await g([p] { return 1; });",
           "co_return Agg{co_await a()};", "T v{co_await a(), co_await b()};", "co_await f(c ? T(a) : T(b));",
           "r = co_await a() + co_await b();"]
    good = ["auto r = co_await f(x);", "if (co_await f(x)) { g(); }", "while (co_await f(x)) { y; }",
            "co_return co_await f(std::move(x));", "v = c ? co_await a : co_await b;", "co_await f(std::string(s));"]
    for text in bad:
        if not any(True for _, p in statements(text) for _ in faults(p)):
            sys.exit(f"the lint does not see: {text}")
    for text in good:
        seen = [f for _, p in statements(text) for f in faults(p)]
        if seen and not ("?" in text and seen == ["a second co_await"]):
            sys.exit(f"the lint wrongly refuses: {text}: {seen}")


def main():
    self_test()
    files = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.hpp", "*.cpp"],
                           cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    problems = [p for f in sorted(files) if (ROOT / f).exists() for p in check(f)]
    print("\n".join(problems) if problems else f"{len(files)} files: every co_await stands alone")
    return 1 if problems else 0


sys.exit(main())
