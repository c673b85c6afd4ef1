#!/usr/bin/env python3
"""Branches that were taken, as a tracefile for gcovr: collect_branches.py BUILD_DIR SOURCE_FOLDER TRACEFILE

gcovr reads gcov's text, which does not say of a line that never ran in an object which of its branches only an
exception takes. As the core is compiled twice (with and without mutants) and its headers into every test, each such
branch would count as missed. gcov's JSON says it always: branches of exceptions are left out here, and those of one
place in the code are counted together over objects and over the instances of a template.
"""
import collections
import json
import os
import re
import subprocess
import sys

NO_CODE = re.compile(r"[\s{}();,]*(//.*)?")


def gcov_reports(build):
    """gcov's report of each object in `build` that was part of a program that ran, whether its own code did or not."""
    for folder, _, names in os.walk(build):
        for name in sorted(names):
            if not name.endswith(".gcda"):
                continue
            run = subprocess.run(
                ["gcov", "--json-format", "--stdout", "--branch-probabilities", os.path.join(folder, name)],
                cwd=build, capture_output=True, check=True)
            for report in run.stdout.splitlines():
                yield json.loads(report)


class SourceFile:
    """What is known of one file, over all objects: {line: count} and {line: {(place, index): count}}."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as source:
            self.text = source.read().splitlines()
        self.lines = collections.Counter()
        self.branches = collections.defaultdict(collections.Counter)

    def add(self, report):
        # Instances of a template begin at the same place, a lambda at one of its own.
        places = {one["name"]: (one["start_line"], one["start_column"]) for one in report["functions"]}
        for line in report["lines"]:
            number = line["line_number"]
            self.lines[number] += line["count"]
            if NO_CODE.fullmatch(self.text[number - 1]):
                continue  # what the compiler put at a closing bracket
            place = places.get(line.get("function_name"), (number, 0))
            taken = [branch["count"] for branch in line["branches"] if not branch["throw"]]
            for index, count in enumerate(taken):
                self.branches[number][place, index] += count

    def as_gcovr(self, path):
        return {"file": path, "functions": [], "lines": [
            {"line_number": number, "count": count, "gcovr/noncode": False, "gcovr/excluded": False,
             "branches": [{"count": taken, "fallthrough": False, "throw": False}
                          for _, taken in sorted(self.branches[number].items())]}
            for number, count in sorted(self.lines.items())]}


def main(build, folder, tracefile):
    files = {}
    for report in gcov_reports(os.path.abspath(build)):
        for one in report["files"]:
            path = os.path.relpath(os.path.join(report["current_working_directory"], one["file"]))
            if not path.startswith(folder):
                continue
            if path not in files:
                files[path] = SourceFile(path)
            files[path].add(one)
    with open(tracefile, "w", encoding="utf-8") as out:
        json.dump({"gcovr/format_version": "0.3", "files": [files[path].as_gcovr(path) for path in sorted(files)]}, out)


if __name__ == "__main__":
    main(*sys.argv[1:])
