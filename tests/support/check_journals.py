#!/usr/bin/env python3
"""Merges the journals of a job's hosts and lives, and checks what the design promises (host/journal/README.md has the format).

usage: check_journals.py [--ended] FOLDER...      each the state folder of one host
  --ended   each job must have ended, on every host that tells of it

S1 one grant per task and term. S2 who accepted a term accepts nothing smaller, and nobody accepts a term once a later one
has acted. S3 nobody acts as a term once a later one has acted. S4 nothing of another job is accepted. S5 epochs never
fall at any observer. S8 each pull has exactly one outcome, or ends with its replica. S11 a job ends once, and nothing
happens after it. S2, S3, S4 and S8 need journals of lives (--journal full). Instants are compared within one boot of
one machine only.

Exit code: 0 all hold, 1 some do not, 2 a journal cannot be read.
"""

import json
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

VERSION = 1
VIOLATIONS_SHOWN_MAX = 50
OUTCOMES = {"value", "error", "peer lost", "epoch passed", "cancelled", "deadline"}
PHASES = ("died", "detected", "decided", "promoted", "sealed", "served")
SHARED_ENDS = {"done", "failed"}  # all others are of one host


class Unreadable(Exception):
    pass


def lines_of(path: Path):
    """(place, line) of each; what a cut write has left is passed over, where a cut is possible."""
    torn = None
    with path.open(encoding="utf-8") as file:
        for number, text in enumerate(file, 1):
            place = f"{path}:{number}"
            try:
                line = json.loads(text)
                if not isinstance(line, dict):
                    raise ValueError("it is no object")
            except ValueError as error:
                if torn is not None:
                    raise Unreadable(torn) from None
                torn = f"{place}: not a line of a journal: {error}"
                continue
            if line.get("v") != VERSION:
                raise Unreadable(f"{place}: version {line.get('v')!r}; this program reads {VERSION}")
            if torn is not None and line.get("kind") != "lost":
                raise Unreadable(torn)
            torn = None
            yield place, line


@dataclass
class Span:
    """The earliest and the latest of many instants of one boot, each with its place."""

    first: tuple[int, str]
    last: tuple[int, str]

    def add(self, first: tuple[int, str], last: tuple[int, str]):
        self.first = min(self.first, first)
        self.last = max(self.last, last)


@dataclass
class Replica:
    """Of one life, as its journal tells."""

    term: int = 0
    epoch: int | None = None
    ended: bool = False
    open: dict = field(default_factory=dict)  # epoch by pull
    done: set = field(default_factory=set)  # pulls of this epoch that have ended
    accepted: dict = field(default_factory=dict)  # newest term by peer


class Checker:
    def __init__(self):
        self.violations: list[str] = []
        self.notes: list[str] = []
        self.counts: Counter = Counter()
        self.grants: dict = {}  # (job, task, term) -> (life, replica), place
        self.seats: dict = {}  # (job, task, life, replica) -> term
        self.acts: dict = defaultdict(dict)  # (job, task) -> (term, boot) -> Span
        self.accepts: dict = defaultdict(dict)  # (job, task that sent) -> (term, boot) -> Span
        self.ends: dict = defaultdict(dict)  # job -> host -> (status, epoch, place)
        self.told_of: dict = defaultdict(set)  # job -> hosts

    def violated(self, promise: str, place: str, text: str):
        self.violations.append(f"{promise}: {place}: {text}")

    # ---------------------------------------------------------------- files

    def read_folder(self, folder: Path):
        main = [path for path in (folder / "events.jsonl.1", folder / "events.jsonl") if path.exists()]
        if not main:
            raise Unreadable(f"{folder}: there is no events.jsonl")
        self.counts["hosts"] += 1
        HostReader(self).read(main)
        for path in sorted(folder.glob("events.*-*.jsonl")):
            LifeReader(self).read(path)

    # ---------------------------------------------------------------- what several files tell of

    def granted(self, job: str, task: int, term: int, life: str, replica: int, place: str):
        """S1, from whoever tells of it."""
        before, where = self.grants.setdefault((job, task, term), ((life, replica), place))
        if before != (life, replica):
            self.violated("S1", place, f"term {term} of task {task} went to replica {replica} of {life}; by {where} it went to replica {before[1]} of {before[0]}")
        seat = self.seats.setdefault((job, task, life, replica), term)
        if seat != term:
            self.violated("S1", place, f"replica {replica} of task {task} has term {term}, and had term {seat}: a term is one grant to one replica")

    def finish(self, must_have_ended: bool):
        for key, acts in self.acts.items():
            self.compare_with_later("S3", "acted", key[1], acts, acts)
            self.compare_with_later("S2", "was accepted", key[1], self.accepts.get(key, {}), acts)
        for job, hosts in self.told_of.items():
            ends = self.ends[job]
            shared = {host: end for host, end in ends.items() if end[0] in SHARED_ENDS}
            if len({end[:2] for end in shared.values()}) > 1:
                told = "; ".join(f"{end[0]} in epoch {end[1]} by {end[2]}" for end in shared.values())
                self.violated("S11", job, f"the hosts do not agree on the end: {told}")
            for host in sorted(hosts - ends.keys()) if must_have_ended else []:
                self.violated("S11", job, f"host {host} does not tell of its end")

    def compare_with_later(self, promise: str, what: str, task: int, spans: dict, acts: dict):
        for (term, boot), span in spans.items():
            later = [(acted.first, newer) for (newer, where), acted in acts.items() if newer > term and where == boot]
            (first_ns, place), newer = min(later, default=((span.last[0], ""), 0))
            if first_ns < span.last[0]:
                late_us = (span.last[0] - first_ns) / 1000
                self.violated(promise, span.last[1], f"term {term} of task {task} {what} {late_us:.1f} us after term {newer} had acted ({place})")


class HostReader:
    """The journal of a supervisor: events.jsonl."""

    def __init__(self, checker: Checker):
        self.checker = checker
        self.epochs: dict = {}  # by (host, job)
        self.terms: dict = {}  # by (host, job, task)
        self.promotions: set = set()

    def read(self, paths):
        for path in paths:
            for place, line in lines_of(path):
                self.checker.counts["lines"] += 1
                kind = line["kind"]
                if kind == "lost":
                    self.checker.notes.append(f"{place}: {line['lines']} lines are missing")
                elif line["job"] is not None:
                    self.in_job(place, line, kind)

    def in_job(self, place, line, kind):
        checker, job, host = self.checker, line["job"], line["host"]
        checker.told_of[job].add(host)
        if host in checker.ends[job]:
            checker.violated("S11", place, f"{kind} after the job's end ({checker.ends[job][host][2]})")
        if kind == "ended":
            checker.ends[job].setdefault(host, (line["status"], line["epoch"], place))
        elif kind == "claim":
            self.claim(place, line)
        elif kind == "epoch":
            before = self.epochs.get((host, job), -1)
            if line["epoch"] <= before:
                checker.violated("S5", place, f"epoch {line['epoch']} after epoch {before}")
            self.epochs[host, job] = line["epoch"]
        elif kind == "promotion":
            self.promotion(place, line)
        elif kind not in ("job", "worker"):
            raise Unreadable(f"{place}: unknown kind {kind!r}")

    def claim(self, place, line):
        key = (line["host"], line["job"], line["task"])
        if line["term"] <= self.terms.get(key, 0):
            self.checker.violated("S1", place, f"term {line['term']} of task {line['task']} after term {self.terms[key]}")
        self.terms[key] = line["term"]
        self.checker.granted(line["job"], line["task"], line["term"], line["life"], line["replica"], place)

    def promotion(self, place, line):
        self.checker.counts["promotions"] += 1
        known = [(name, line["phases_us"][name]) for name in PHASES if line["phases_us"][name] is not None]
        for (name, us), (later, later_us) in zip(known, known[1:]):
            if later_us < us:
                self.checker.violated("phases", place, f"{later} at {later_us} us is before {name} at {us} us")
        key = (line["host"], line["job"], line["task"], line["term"])
        if key in self.promotions:
            self.checker.violated("S1", place, f"the promotion of task {line['task']} to term {line['term']} is told twice")
        self.promotions.add(key)


class LifeReader:
    """The journal of a life: events.LIFE.jsonl."""

    def __init__(self, checker: Checker):
        self.checker = checker
        self.replicas: dict = {}  # by (task, replica)
        self.stopped = ""
        self.cut = False

    def read(self, path: Path):
        lines = lines_of(path)
        place, first = next(lines, ("", {}))
        if not first:
            self.checker.notes.append(f"{path}: empty")
            return
        if first["kind"] != "life":
            raise Unreadable(f"{place}: the first line is {first['kind']!r}, not \"life\"")
        self.checker.counts["lives"] += 1
        self.job, self.life, self.boot = first["job"], first["life"], first["boot"]
        for place, line in lines:
            self.checker.counts["lines"] += 1
            self.one(place, line)
        if self.cut:
            self.checker.notes.append(f"{path}: it was cut at its limit")
        if self.stopped and not self.cut:
            self.check_all_have_ended()

    def one(self, place, line):
        kind = line["kind"]
        if self.stopped:
            self.checker.violated("S11", place, f"{kind} after all replicas had stopped ({self.stopped})")
        if kind == "stopped":
            self.stopped = place
        elif kind == "cut":
            self.cut = True
        else:
            self.of_replica(place, line, kind)

    def of_replica(self, place, line, kind):
        key = (line["task"], line["replica"])
        replica = self.replicas.setdefault(key, Replica())
        if replica.ended:
            self.checker.violated("S11", place, f"{kind} of replica {key[1]} of task {key[0]} after its end")
        handler = getattr(self, f"on_{kind}", None)
        if handler is None:
            raise Unreadable(f"{place}: unknown kind {kind!r}")
        handler(place, line, replica)

    def on_replica(self, place, line, replica):
        if line["role"] == "ended":
            replica.ended = True
            replica.open.clear()  # what it waited for ends with it, without a call
        elif line["role"] == "primary":
            replica.term = line["term"]
            self.checker.granted(self.job, line["task"], line["term"], self.life, line["replica"], place)

    def on_epoch(self, place, line, replica):
        if replica.epoch is not None and line["epoch"] <= replica.epoch:
            self.checker.violated("S5", place, f"replica {line['replica']} of task {line['task']} entered epoch {line['epoch']} after epoch {replica.epoch}")
        for pull, epoch in replica.open.items():
            if epoch < line["epoch"]:
                self.checker.violated("S8", place, f"pull {pull} of epoch {epoch} has no outcome as task {line['task']} enters epoch {line['epoch']}")
        replica.open = {pull: epoch for pull, epoch in replica.open.items() if epoch >= line["epoch"]}
        replica.epoch = line["epoch"]
        replica.done.clear()

    def on_act(self, place, line, replica):
        if line["term"] != replica.term:
            self.checker.violated("S3", place, f"replica {line['replica']} of task {line['task']} acted as term {line['term']}; it has term {replica.term}")
        self.note(self.checker.acts[self.job, line["task"]], place, line)

    def note(self, spans: dict, place, line):
        first, last = (line["first_ns"], place), (line["last_ns"], place)
        spans.setdefault((line["term"], self.boot), Span(first, last)).add(first, last)

    def on_accept(self, place, line, replica):
        newest = replica.accepted.get(line["peer"], 0)
        if line["term"] < newest:
            self.checker.violated("S2", place, f"replica {line['replica']} of task {line['task']} accepted term {line['term']} of task {line['peer']} after term {newest}")
        replica.accepted[line["peer"]] = max(newest, line["term"])
        self.note(self.checker.accepts[self.job, line["peer"]], place, line)

    def on_foreign(self, place, line, replica):
        self.checker.violated("S4", place, f"task {line['task']} accepted a frame of job {line['job']}; its job is {self.job}")

    def on_pull(self, place, line, replica):
        self.checker.counts["pulls"] += 1
        if line["pull"] in replica.open or line["pull"] in replica.done:
            self.checker.violated("S8", place, f"pull {line['pull']} of task {line['task']} has started twice")
        replica.open[line["pull"]] = line["epoch"]

    def on_pulled(self, place, line, replica):
        if line["outcome"] not in OUTCOMES:
            raise Unreadable(f"{place}: unknown outcome {line['outcome']!r}")
        if replica.open.pop(line["pull"], None) is None:
            told = "has a second outcome" if line["pull"] in replica.done else "has an outcome and never started"
            self.checker.violated("S8", place, f"pull {line['pull']} of task {line['task']} {told}: {line['outcome']}")
        replica.done.add(line["pull"])

    def check_all_have_ended(self):
        for (task, number), replica in self.replicas.items():
            if not replica.ended:
                self.checker.violated("S11", self.stopped, f"replica {number} of task {task} has not ended, and its life has stopped")
            for pull in replica.open:
                self.checker.violated("S8", self.stopped, f"pull {pull} of task {task} has no outcome, and its life has stopped")


def main(arguments: list[str]) -> int:
    must_have_ended = "--ended" in arguments
    folders = [Path(argument) for argument in arguments if argument != "--ended"]
    if not folders or any(str(folder).startswith("-") for folder in folders):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    checker = Checker()
    try:
        for folder in folders:
            checker.read_folder(folder)
    except (Unreadable, OSError, UnicodeDecodeError) as error:
        print(f"check_journals: {error}", file=sys.stderr)
        return 2
    except KeyError as error:
        print(f"check_journals: a line lacks the field {error}", file=sys.stderr)
        return 2
    checker.finish(must_have_ended)
    for note in checker.notes:
        print(f"note: {note}")
    for violation in checker.violations[:VIOLATIONS_SHOWN_MAX]:
        print(violation)
    if len(checker.violations) > VIOLATIONS_SHOWN_MAX:
        print(f"and {len(checker.violations) - VIOLATIONS_SHOWN_MAX} more")
    counts = checker.counts
    print(
        f"{counts['hosts']} hosts, {len(checker.told_of)} jobs, {counts['lives']} lives, {len(checker.grants)} grants, "
        f"{counts['promotions']} promotions, {counts['pulls']} pulls, {counts['lines']} lines: "
        f"{len(checker.violations)} violations"
    )
    if not counts["lives"]:
        print("without journals of lives (--journal full): S2, S3, S4 and S8 were not looked at")
    return 1 if checker.violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
