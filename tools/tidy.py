#!/usr/bin/env python3
"""The rules of STYLE.md that a program can check. Prints `file:line: rule: what` for each breach.

    tools/tidy.py [--root FOLDER] [RULE...]

A line may break a rule when it, or the line above it, says why: `tidy: allow RULE: reason`. For a
rule about the whole file, the note stands in its first 15 lines.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys

import cpp_text

LINE_MAX = 100
FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 60

GENERATED = re.compile(r"^src/wire/tables/")

# (what, where it may stand)
BANNED_CALLS = [
    (r"system_clock::now|steady_clock::now|\bclock_gettime\s*\(", r"^src/base/clock\.cpp$"),
    (r"\bsteady_timer\b|\bsystem_timer\b", r"^src/async/"),
    (r"(?<![\w.>:])s?rand\s*\(|\brandom_device\b", r"^src/base/random\.cpp$"),
    (r"this_thread::sleep_\w+|(?<![\w.>:])u?sleep\s*\(", r"^src/sandbox/testcases/"),
    (r"(?<![\w.>])(::)?v?fork\s*\(\s*\)|\bclone3?\s*\(",
     r"^src/(sandbox/(linux|snapshot|testcases)/|async/subprocess)"),
    (r"\bgetenv\s*\(", r"(/main\.cpp$|_test\.cpp$|^tests/)"),
    (r"\b(f?printf|f?puts)\s*\(|std::c(out|err)\b",
     r"(/main\.cpp$|^cli/|^src/base/(log|result)\.cpp$|^src/sandbox/testcases/|_bench\.cpp$)"),
]

# (headers, the folder that may include them)
JAILS = [
    (r"boost/beast", r"^(src/net|examples)/"),
    (r"openssl/", r"^src/crypto/"),
    (r"(sqlite3|libpq-fe|libpq/)", r"^src/storage/"),
    (r"(seccomp\.h|sys/capability\.h|linux/(sched|seccomp|landlock|capability|filter)\.h)",
     r"^src/sandbox/(linux|testcases)/"),
    (r"archive(_entry)?\.h", r"^(src/runtime/|src/oci/|cli/)"),
    (r"spdlog/", r"^src/base/"),
    (r"CLI/", r"(^cli/|/main\.cpp$)"),
]

POOR_NAMES = r"\b(class|struct)\s+(\w*(Manager|Helper|Util|Utils|Impl))\b(?!\s*;)"

COMMENTED_CODE = re.compile(
    r"^ ?([\w:<>*&]+\s+\w+\s*=[^=].*;|[\w.:]+(->\w+)*\(.*\);|return\b.*;|if \(.*\) ?\{|"
    r"\}( else.*)?|#include .*)$"
)


class Tree:
    """The tracked (or about to be tracked) files of a checkout."""

    def __init__(self, root):
        self.root = pathlib.Path(root).resolve()
        listing = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
            cwd=self.root, capture_output=True, text=True, check=True,
        ).stdout.split("\n")
        self.files = sorted(name for name in listing if name and (self.root / name).is_file())
        self.texts = {}

    def text(self, name):
        if name not in self.texts:
            self.texts[name] = (self.root / name).read_text(encoding="utf-8", errors="replace")
        return self.texts[name]

    def cpp(self):
        return [n for n in self.files if n.endswith((".h", ".cpp")) and not GENERATED.match(n)]

    def prose(self):
        return [n for n in self.files if n.endswith(".md")]


RULES = {}


def rule(check):
    RULES[check.__name__.replace("_", "-")] = check
    return check


@rule
def line_length(tree):
    endings = (".h", ".cpp", ".py", ".sh", ".mjs")
    for name in tree.files:
        if not (name.endswith(endings) or name == "dev") or GENERATED.match(name):
            continue
        for number, line in enumerate(tree.text(name).split("\n"), 1):
            if len(line) > LINE_MAX:
                yield name, number, f"{len(line)} characters, {LINE_MAX} at most"


@rule
def file_length(tree):
    for name in tree.files:
        if not name.endswith((".h", ".cpp", ".py", ".sh", ".mjs")) or GENERATED.match(name):
            continue
        lines = tree.text(name).count("\n")
        if lines > FILE_LINES_MAX:
            yield name, 1, f"{lines} lines, {FILE_LINES_MAX} at most"


@rule
def function_length(tree):
    for name in tree.cpp():
        for function in cpp_text.functions_of(cpp_text.code_of(tree.text(name))):
            # A function of hardly a statement is a table.
            if function.lines > FUNCTION_LINES_MAX and function.statements > 3:
                yield name, function.line, (
                    f"{function.name} has {function.lines} lines, {FUNCTION_LINES_MAX} at most")


@rule
def banned_call(tree):
    for name in tree.cpp():
        code = cpp_text.code_of(tree.text(name))
        for pattern, home in BANNED_CALLS:
            if re.search(home, name):
                continue
            for match in re.finditer(pattern, code):
                yield name, cpp_text.line_at(code, match.start()), (
                    f"{match.group(0).strip()} is banned here")


@rule
def include_jail(tree):
    for name in tree.cpp():
        for number, line in enumerate(tree.text(name).split("\n"), 1):
            match = re.match(r"\s*#\s*include\s*[<\"]([^>\"]+)", line)
            if not match:
                continue
            for pattern, home in JAILS:
                if re.match(pattern, match.group(1)) and not re.search(home, name):
                    yield name, number, f"{match.group(1)} is included only by {home}"


@rule
def header_top(tree):
    for name in tree.cpp():
        lines = tree.text(name).split("\n")
        if not name.endswith(".h"):
            continue
        if lines[0] != "#pragma once":
            yield name, 1, "the first line is `#pragma once`"
        elif len(lines) < 2 or not lines[1].startswith("//"):
            yield name, 2, "after the pragma: the concept and its invariant, in prose"


@rule
def await_temporary(tree):
    for name in tree.cpp():
        code = cpp_text.code_of(tree.text(name))
        for position, expression in cpp_text.await_expressions(code):
            if cpp_text.dangerous_temporary(expression):
                yield name, cpp_text.line_at(code, position), "name it before you await it"


@rule
def range_temporary(tree):
    """g++ 12 frees `f(x)` before the first turn of `for (y : f(x).g())`; clang 19 keeps it."""
    for name in tree.cpp():
        code = cpp_text.code_of(tree.text(name))
        for match in re.finditer(r"\bfor \([^;:]*[^:;]:\s[^;{]*\bparse\([^;{]*\)\.\w+\(\)\)", code):
            yield name, cpp_text.line_at(code, match.start()), "name what the loop runs over"


@rule
def unfinished(tree):
    for name in tree.cpp() + [n for n in tree.files if n.endswith((".py", ".sh", ".mjs"))]:
        for number, line in enumerate(tree.text(name).split("\n"), 1):
            if re.search(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b", line):
                yield name, number, "finish it, or say in an issue what is missing"


@rule
def commented_code(tree):
    for name in tree.cpp():
        for number, comment in cpp_text.comments_of(tree.text(name)):
            if COMMENTED_CODE.match(comment):
                yield name, number, "looks like commented-out code"


@rule
def poor_name(tree):
    for name in tree.cpp():
        code = cpp_text.code_of(tree.text(name))
        for match in re.finditer(POOR_NAMES, code):
            yield name, cpp_text.line_at(code, match.start()), (
                f"{match.group(2)}: the noun of the product is the noun in the code")


@rule
def own_path(tree):
    """Nothing may depend on where somebody's checkout happens to be."""
    for name in tree.files:
        for number, line in enumerate(tree.text(name).split("\n"), 1):
            if f"{tree.root}/" in line:
                yield name, number, "names the path of this checkout"


@rule
def lock_file(tree):
    for name in tree.files:
        if name.endswith("package-lock.json") and '"resolved"' in tree.text(name):
            yield name, 1, "names registry hosts; npm's omit-lockfile-registry-resolved avoids it"


@rule
def doc_link(tree):
    for name in tree.prose():
        for number, line in enumerate(tree.text(name).split("\n"), 1):
            for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", line):
                if re.match(r"[a-z]+:", target):
                    continue
                if not ((tree.root / name).parent / target).exists():
                    yield name, number, f"link to {target}, which does not exist"


@rule
def changelog(tree):
    if "CHANGELOG.md" not in tree.files or "## Unreleased" not in tree.text("CHANGELOG.md"):
        yield "CHANGELOG.md", 1, "needs an `## Unreleased` section"


@rule
def format(tree):
    tool = shutil.which("clang-format-19")
    if not tool:
        yield "clang-format-19", 1, "is not installed: ./dev setup"
        return
    names = tree.cpp()
    if not names:
        return
    run = subprocess.run([tool, "--dry-run", *names], cwd=tree.root, capture_output=True, text=True)
    seen = set()
    for match in re.finditer(r"^([^:\n]+):(\d+):\d+: (?:warning|error):", run.stderr, re.MULTILINE):
        if match.group(1) not in seen:
            seen.add(match.group(1))
            yield match.group(1), int(match.group(2)), "not as clang-format has it: ./dev fmt"


def allowed(tree, name, number, rule_name):
    if name not in tree.files:
        return False
    lines = tree.text(name).split("\n")
    near = lines[max(0, number - 2) : number] if number > 1 else lines[:15]
    return any(f"tidy: allow {rule_name}:" in line for line in near)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--root", default=pathlib.Path(__file__).resolve().parent.parent)
    parser.add_argument("rules", nargs="*", metavar="RULE", help=" ".join(RULES))
    arguments = parser.parse_args()
    tree = Tree(arguments.root)
    breaches = 0
    for name in arguments.rules or RULES:
        for file, line, what in RULES[name](tree):
            if not allowed(tree, file, line, name):
                print(f"{file}:{line}: {name}: {what}")
                breaches += 1
    print(f"tidy: {len(tree.files)} files, {breaches} breaches")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
