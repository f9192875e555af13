#!/usr/bin/env python3
"""Prints one line, `N passed, N failed`, that sums up the suites in a results folder.

A suite is a folder with `status` (its exit code) and the reports its tests wrote: GoogleTest's,
pytest's or ctest's XML. Every single test counts once. A suite that failed without a failing test
in a report (a crash, a build error) counts as one failure; one without reports counts as one test.
Exit code 0 only when something passed and nothing failed.
"""
import pathlib
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass


@dataclass
class Count:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped


def case_count(case):
    tags = {child.tag for child in case}
    if tags & {"failure", "error"} or case.get("status") == "fail":
        return Count(failed=1)
    if "skipped" in tags or case.get("status") in ("notrun", "disabled"):
        return Count(skipped=1)
    return Count(passed=1)


def read_report(path):
    """{test name: Count}; a report cut off by a crash is as good as none."""
    try:
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError:
        return {}
    cases = {}
    for number, case in enumerate(root.iter("testcase")):
        name = f"{case.get('classname')}.{case.get('name')}.{number}"
        cases[name] = (case.get("name"), case_count(case))
    return cases


def suite_count(folder):
    total = Count()
    failures = []
    programs = {path.stem: read_report(path) for path in folder.glob("*_tests.xml")}
    reports = [path for path in folder.glob("*.xml") if path.stem not in programs]
    for name, cases in programs.items():
        for case, count in cases.values():
            total.add(count)
            if count.failed:
                failures.append(f"{name}: {case}")
    for path in reports:
        for case, count in read_report(path).values():
            inner = programs.get(case.removeprefix("unit.") + "_tests") if case else None
            if inner:
                # Already counted one by one; but a crash after its report is a failure too.
                if not count.failed or any(c.failed for _, c in inner.values()):
                    continue
            total.add(count)
            if count.failed:
                failures.append(case)
    status = (folder / "status").read_text() if (folder / "status").exists() else "none"
    if status != "0" and not total.failed:
        total.failed += 1
        failures.append(f"exit code {status}")
    elif status == "0" and total == Count():
        total.passed += 1
    return total, failures


def main():
    results = pathlib.Path(sys.argv[1])
    total = Count()
    for folder in sorted(path for path in results.iterdir() if path.is_dir()):
        count, failures = suite_count(folder)
        total.add(count)
        figures = f"{count.passed} passed, {count.failed} failed, {count.skipped} skipped"
        print(f"{folder.name}: {figures}")
        for failure in failures:
            print(f"    FAILED {failure}")
    line = f"{total.passed} passed, {total.failed} failed"
    if total.skipped:
        line += f", {total.skipped} skipped"
    print(line)
    return 0 if total.passed and not total.failed else 1


if __name__ == "__main__":
    sys.exit(main())
