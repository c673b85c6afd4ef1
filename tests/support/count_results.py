#!/usr/bin/env python3
"""Counts what the gate's suites have left behind and ends with the line `N passed, N failed`.

usage: count_results.py RESULTS_DIR

RESULTS_DIR/suites.tsv has a line per suite that was to run: name, exit status (or "not-run"), kind. Kinds:
  junit  NAME.xml holds its tests (JUnit XML as Catch2 and pytest write it)
  line   the last line `WORD: N passed, N failed` in NAME.log counts; without one the exit status is one test
  setup  counts only when it failed
Whatever a suite reports, a status other than 0 without a failed test is a failure by the suite's own name. Exits with 0
only when at least one test passed and none failed.
"""

import re
import sys
import xml.etree.ElementTree
from dataclasses import dataclass, field
from pathlib import Path

CLOSING_LINE = re.compile(r"^\S+: (\d+) passed, (\d+) failed\b")


@dataclass
class Count:
    passed: int = 0
    failed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def add(self, other: "Count") -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped


def junit(suite: str, path: Path) -> Count:
    """Raises OSError or ParseError when there is no whole file."""
    count = Count()
    for case in xml.etree.ElementTree.parse(path).iter("testcase"):
        name = f"{suite}: {case.get('classname', '')} {case.get('name', '')}"
        kinds = {child.tag for child in case}
        if kinds & {"failure", "error"}:
            count.failed.append(name)
        elif "skipped" in kinds:
            reason = next(child.get("message", "") for child in case if child.tag == "skipped")
            count.skipped.append(f"{name}: {reason}")
        else:
            count.passed += 1
    return count


def line(suite: str, path: Path, status: str) -> Count:
    found = None
    if path.exists():
        for text in path.read_text(errors="replace").splitlines():
            found = CLOSING_LINE.match(text) or found
    if found is None:
        return Count(passed=1) if status == "0" else Count()
    return Count(passed=int(found[1]), failed=[f"{suite}: see {path}"] * int(found[2]))


def count_suite(results: Path, suite: str, status: str, kind: str) -> Count:
    count = Count()
    if status == "not-run":
        return Count(failed=[f"{suite}: did not run, what it needs has failed"])
    if kind == "junit":
        try:
            count = junit(suite, results / f"{suite}.xml")
        except (OSError, xml.etree.ElementTree.ParseError) as error:
            return Count(failed=[f"{suite}: left no results (exit status {status}): {error}"])
        if count.passed == 0 and not count.failed:
            count.failed.append(f"{suite}: ran no test (exit status {status})")
    elif kind == "line":
        count = line(suite, results / f"{suite}.log", status)
    if status != "0" and not count.failed:
        count.failed.append(f"{suite}: ended with exit status {status}, see {results / suite}.log")
    return count


def main() -> int:
    results = Path(sys.argv[1])
    total = Count()
    for row in (results / "suites.tsv").read_text().splitlines():
        suite, status, kind = row.split("\t")
        count = count_suite(results, suite, status, kind)
        if kind != "setup" or count.failed:
            print(f"{suite:<24} {count.passed:>6} passed, {len(count.failed)} failed")
        total.add(count)
    for name in total.skipped:
        print(f"skipped: {name}")
    for name in dict.fromkeys(total.failed):
        print(f"FAILED: {name}")
    print(f"{total.passed} passed, {len(total.failed)} failed")
    return 0 if total.passed > 0 and not total.failed else 1


if __name__ == "__main__":
    sys.exit(main())
