#!/usr/bin/env python3
"""Checks the protocol's models with Spin: each full model must hold, each variant without one guard must break.

A variant must break the very property that is named here, in a replay of its counterexample; each statement of a full
model must be reached in one of its instances. The last line counts: `model: N passed, M failed`. Exits with 0 only when
nothing failed.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
MEMORY_MIB_MAX = 1900
DEPTH_MAX = 100_000
CASE_S_MAX = 300 * float(os.environ.get("TASKGRAPH_TIME_FACTOR", "1"))

NOT_OF_STORY = re.compile(r"spin: |#|\s*\d+:|ltl |Never claim")

OLDER_ACTS = "nobody acts as an older term"
OLDER_ACCEPTED = "nobody accepts an older term"
PROVEN_SENDS = "a proven life sends nothing"
ONE_GRANT = "a term is granted once"
HAS_SEAT = "who holds the office has a seat"
REPLACED_LONG = "only who has been absent for the wait is replaced"
LEASE_OVER = "no term while a lease of the one before runs"
STATE_LOST = "state is lost only when nobody has it"
STATE_PROMOTED = "who is promoted has the state"
PROOF_OF_SEAT = "a proof is of the life that has the seat"
NO_WAY_BACK = "no replica goes back to an epoch"
WAS_ASKED = "each step of the epoch was asked for"
TERM_ADVANCES = "only the current term advances"
EPOCH_RISES = "the epoch never goes back"
ONE_END = "a job ends once"
HEALS = "a healed system gets a primary"


@dataclass(frozen=True)
class Case:
    model: str
    flags: tuple[str, ...] = ()
    breaks: str = ""  # the property that is violated; empty: the model holds
    live: bool = False  # an LTL property under weak fairness, instead of assertions

    @property
    def name(self) -> str:
        return " ".join((self.model,) + self.flags)


def full(model: str, *flags: str) -> Case:
    return Case(model, flags)


def without(model: str, guard: str, breaks: str, *flags: str) -> Case:
    return Case(model, (guard,) + flags, breaks)


# The variants run on the smallest instance that shows the harm.
SMALL = ("CANDIDATES=1", "HOSTS_STAY")
ONE = "CANDIDATES=1"
CASES = [
    full("failover"),
    full("failover", ONE, "TERMS=3"),
    full("failover", *SMALL, "RECEIVERS=2"),
    full("failover", *SMALL, "RECEIVER_DIES"),
    without("failover", "NO_CONSISTENT_READ", OLDER_ACTS, *SMALL),
    without("failover", "NO_PRESENCE_IN_READ", OLDER_ACTS, *SMALL),
    without("failover", "NO_SEND_TIME", OLDER_ACTS, *SMALL),
    without("failover", "NO_RECEIVER_LEASE", OLDER_ACCEPTED, *SMALL),
    without("failover", "NO_APPLIED_LEASE", OLDER_ACCEPTED, *SMALL),
    without("failover", "NO_ONE_STEP_ACCEPT", OLDER_ACCEPTED, *SMALL),
    without("failover", "NO_WAIT", OLDER_ACTS, *SMALL),
    without("failover", "NO_OWN_WAIT", OLDER_ACTS, *SMALL),
    without("failover", "NO_WAIT_FROM_ABSENCE", OLDER_ACTS, *SMALL),
    without("failover", "NO_NEW_UUID", OLDER_ACTS, *SMALL),
    without("failover", "NO_QUIESCE", PROVEN_SENDS, ONE),
    without("failover", "NO_VERSION_COMPARE", ONE_GRANT, "HOSTS_STAY"),
    without("failover", "NO_SEAL", OLDER_ACCEPTED, *SMALL),
    without("failover", "NO_WHOLE_SEAL", OLDER_ACCEPTED, *SMALL, "RECEIVERS=2", "LEASE=1"),
    without("failover", "NO_APPLIED_ACK", OLDER_ACCEPTED, *SMALL),
    without("failover", "NO_SEAL_FROM_SIGHT", OLDER_ACCEPTED, *SMALL),
    full("reregistration"),
    without("reregistration", "NO_ONE_TRANSACTION", STATE_LOST),
    without("reregistration", "NO_SAME_PROCESS", STATE_PROMOTED),
    without("reregistration", "NO_SUCCESSOR_IN_PROOF", STATE_LOST),
    without("reregistration", "NO_LAST_MEMBERS", STATE_LOST),
    without("reregistration", "NO_VIEW_COMPARE", PROOF_OF_SEAT),
    full("candidates"),
    without("candidates", "NO_VIEW_COMPARE", "only a candidate decides"),
    without("candidates", "NO_OFFICE_COMPARE", HAS_SEAT),
    without("candidates", "NO_LOCK_COMPARE", HAS_SEAT),
    without("candidates", "NO_REPLACEMENT_COMPARE", REPLACED_LONG),
    without("candidates", "NO_REPLACEMENT_WAIT", REPLACED_LONG),
    without("candidates", "NO_ALL_ABSENT", REPLACED_LONG),
    without("candidates", "NO_WAIT_PER_LIST", REPLACED_LONG),
    without("candidates", "NO_OWN_WAIT", LEASE_OVER),
    full("epochs"),
    without("epochs", "NO_TERM_COMPARE", TERM_ADVANCES),
    without("epochs", "NO_FROM_COMPARE", WAS_ASKED),
    without("epochs", "NO_EPOCH_COMPARE", EPOCH_RISES),
    without("epochs", "NO_STATUS_COMPARE", ONE_END),
    without("epochs", "NO_NEWER_ONLY", NO_WAY_BACK),
    Case("healing", live=True),
    Case("healing", ("NO_SUCCESSION",), HEALS, live=True),
    Case("healing", ("NO_SUSPICION_MARK",), HEALS, live=True),
    Case("healing", ("NO_JUDGE_OF_HOLDER",), HEALS, live=True),
    Case("healing", ("NO_REPLACEMENT",), HEALS, live=True),
]


@dataclass
class Outcome:
    passed: bool
    text: str
    story: str = ""
    unreached: frozenset[str] = frozenset()


class ToolFailed(Exception):
    pass


def run(command: list[str], folder: Path) -> str:
    """What it printed; a tool that fails, or takes too long, ends the case."""
    try:
        done = subprocess.run(command, cwd=folder, timeout=CASE_S_MAX, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    except subprocess.TimeoutExpired:
        raise ToolFailed(f"{command[0]} did not end within {CASE_S_MAX:g} s") from None
    if done.returncode != 0:
        raise ToolFailed(f"{command[0]} ended with status {done.returncode}:\n{done.stdout[-2000:]}")
    return done.stdout


def unreached(log: str) -> frozenset[str]:
    """Statements that were never come to, but for the ends of endless loops and the reports of violations."""
    found = set()
    process = ""
    for line in log.splitlines():
        if heading := re.match(r"unreached in (.*)", line):
            process = heading[1]
        elif statement := re.match(r"\t(\S+\.pml:\d+), state \d+, \"(.*)\"$", line):
            if statement[2] != "-end-" and not statement[2].startswith("printf('violates: "):
                found.add(f"{statement[1]} {statement[2]} ({process})")
    return frozenset(found)


def judge_full(log: str) -> str:
    """Why the model does not hold; empty when it does."""
    if "errors: 0" not in log:
        return "is violated"
    for sign in ("max search depth too small", "Search not completed", "out of memory"):
        if sign in log:
            return f"was not searched to the end: {sign}"
    return ""


def check(case: Case) -> Outcome:
    started = time.monotonic()
    defines = [f"-D{flag}" for flag in case.flags]
    source = f"{case.model}.pml"
    with tempfile.TemporaryDirectory(prefix="taskgraph-model-") as name:
        folder = Path(name)
        for path in HERE.glob("*.pml"):
            shutil.copy(path, folder)
        run(["spin", "-a", *defines, source], folder)
        # For a variant the compiler would take longer than the search.
        compiler = ["gcc", "-w", "-O0" if case.breaks else "-O2", f"-DMEMLIM={MEMORY_MIB_MAX}"]
        compiler += ["-DNFAIR=4"] if case.live else ["-DSAFETY"]
        if case.breaks and not case.live:
            compiler.append("-DBFS")  # the shortest counterexample
        run(compiler + ["-o", "pan", "pan.c"], folder)
        # -E: that nothing more can happen is no error where everybody may stop for ever.
        log = run(["./pan", "-E", f"-m{DEPTH_MAX}"] + (["-a", "-f"] if case.live else []), folder)
        story = ""
        if (folder / f"{source}.trail").exists():
            replay = run(["spin", "-t", "-B", "-T", *defines, source], folder)
            story = "\n".join(line for line in replay.splitlines() if line and not NOT_OF_STORY.match(line))
    took = time.monotonic() - started
    states = int(float((re.search(r"([\d.e+]+) states, stored", log) or [0, "0"])[1]))
    figures = f"{states:>9,} states {took:6.1f} s"
    if not case.breaks:
        why = judge_full(log)
        return Outcome(not why, f"{figures}  {why or 'holds'}", story, unreached(log))
    if case.live:
        broken = HEALS if "acceptance cycle" in log else ""
    else:
        found = re.findall(r"^\s*violates: (.*)$", story, re.MULTILINE)
        broken = found[-1] if found and "assertion violated" in log else ""
    if broken == case.breaks:
        return Outcome(True, f"{figures}  breaks, as it must: {broken}", story)
    instead = f"breaks: {broken}" if broken else "holds"
    return Outcome(False, f"{figures}  should break \"{case.breaks}\", but {instead}", story)


def guards_without_case() -> str:
    """Guards of the models that no case removes, and the other way round; empty when there are none."""
    removed = {(case.model, flag) for case in CASES for flag in case.flags if flag.startswith("NO_")}
    guards = {(path.stem, flag) for path in HERE.glob("*.pml")
              for flag in re.findall(r"\bNO_[A-Z_]+\b", path.read_text(encoding="utf-8"))}
    return ", ".join(f"{model} {flag}" for model, flag in sorted(removed ^ guards))


def never_reached(model: str, outcomes: dict[Case, Outcome]) -> str | None:
    """Statements that no full instance of the model has come to; empty: none. Nothing where not all have held."""
    instances = [case for case in CASES if case.model == model and not case.breaks]
    if not all(case in outcomes and outcomes[case].passed for case in instances):
        return None
    return "; ".join(sorted(frozenset.intersection(*(outcomes[case].unreached for case in instances))))


def outcome_of(case: Case) -> Outcome:
    try:
        return check(case)
    except ToolFailed as failure:
        return Outcome(False, str(failure))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", metavar="TEXT", default="", help="cases whose name contains TEXT")
    parser.add_argument("--show", action="store_true", help="prints the counterexample of each variant as a story")
    parser.add_argument("--jobs", metavar="N", type=int, default=1, help="cases at a time (1)")
    options = parser.parse_args()
    cases = [case for case in CASES if options.only in case.name]
    if not cases:
        print(f"check_model.py: no case's name contains \"{options.only}\"", file=sys.stderr)
        return 64

    passed = 0
    failed = 0
    outcomes: dict[Case, Outcome] = {}
    with ThreadPoolExecutor(options.jobs) as pool:
        for case, outcome in zip(cases, pool.map(outcome_of, cases)):
            outcomes[case] = outcome
            passed += outcome.passed
            failed += not outcome.passed
            print(f"{'' if outcome.passed else 'FAILED: '}{case.name:<56} {outcome.text}", flush=True)
            if outcome.story and (options.show or not outcome.passed):
                print(outcome.story)
    lists = [("each guard has a case", guards_without_case())]
    for model in dict.fromkeys(case.model for case in cases):
        if (dead := never_reached(model, outcomes)) is not None:
            lists.append((f"{model}: each statement is reached", dead))
    for title, exceptions in lists:
        passed += not exceptions
        failed += bool(exceptions)
        print(f"{title}" if not exceptions else f"FAILED: {title}, but for {exceptions}")
    print(f"model: {passed} passed, {failed} failed")
    return 0 if failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
