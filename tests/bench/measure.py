"""Runs the programs of the benchmarks: wall and CPU time of a child, memory of one that never ends."""

import resource
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support.host_process import Child, clean_environment  # noqa: E402

CHILD_SECONDS_MAX = 300
SETTLE_SECONDS_MAX = 60


class BenchmarkError(Exception):
    """What could not be measured, and what to do about it."""


@dataclass(frozen=True)
class Ran:
    """`cpu_s` is user and system time of the child and all its own children."""

    wall_s: float
    cpu_s: float
    out: str


def run(args: list, cwd: Path | None = None) -> Ran:
    args = [str(arg) for arg in args]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    try:
        done = subprocess.run(
            args,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=CHILD_SECONDS_MAX,
            env=clean_environment(),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BenchmarkError(f"{' '.join(args)}: {error}") from error
    wall_s = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise BenchmarkError(f"{' '.join(args)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Ran(wall_s, cpu_s, done.stdout)


def resident_kib_when_idle(args: list, folder: Path, awaited: str) -> int:
    """Starts a child that never ends, waits until it has written `awaited` and computes nothing any more, stops it."""
    child = Child(args, folder)
    try:
        child.wait_for(awaited, SETTLE_SECONDS_MAX)
        deadline = time.monotonic() + SETTLE_SECONDS_MAX
        ticks_before = -1
        while (ticks := cpu_ticks(child.pid)) != ticks_before:
            if time.monotonic() > deadline:
                raise BenchmarkError(f"{' '.join(child.args)}: not idle after {SETTLE_SECONDS_MAX} s")
            ticks_before = ticks
            time.sleep(0.3)
        resident = resident_kib(child.pid)
        child.signal(signal.SIGTERM)
        child.wait(SETTLE_SECONDS_MAX)
        return resident
    finally:
        child.kill()


def cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def resident_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Rss:"):
            return int(line.split()[1])
    raise BenchmarkError(f"/proc/{pid}/smaps_rollup has no line Rss")
