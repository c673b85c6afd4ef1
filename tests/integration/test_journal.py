"""The journal of real jobs: what a kill leaves in it, and that what it says keeps the promises."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

import pytest

import host_process

CHECKER = Path(__file__).parents[1] / "support" / "check_journals.py"
PHASES = ["died", "detected", "decided", "promoted", "sealed", "served"]
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture
def regression(topology):
    def write(backups=1, pause_ms=0, epochs=40, **changes):
        plugin = {"path": "regression.so", "args": {"epochs": epochs, "pause_ms": pause_ms}}
        return topology(plugin=plugin, tasks={"count": 15, "backups": backups}, **changes)

    return write


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state"


def lines_of(path: Path) -> list[dict]:
    """Whole lines only: of a running host the last one may be on its way."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]


def kinds(lines, kind, **fields):
    return [line for line in lines if line["kind"] == kind and fields.items() <= line.items()]


def wait_for_lines(state, what, condition, timeout=20):
    deadline = time.monotonic() + timeout * host_process.TIME_FACTOR
    while not condition(lines_of(state / "events.jsonl")):
        assert time.monotonic() < deadline, what
        time.sleep(0.005)
    return lines_of(state / "events.jsonl")


def check(state):
    finished = subprocess.run([sys.executable, CHECKER, "--ended", state], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished
    return finished.stdout


def check_phases(promotion):
    phases = promotion["phases_us"]
    assert list(phases) == PHASES
    known = [phases[name] for name in PHASES if phases[name] is not None]
    assert known == sorted(known), promotion
    return phases


def test_a_killed_worker_leaves_its_promotions_with_cause_and_rising_phases(start_host, regression, state):
    path = regression(pause_ms=25)
    child = start_host(["--topology", path, "--workers", "2", "--state-dir", state])
    begun = wait_for_lines(state, "epoch 3", lambda lines: kinds(lines, "epoch", epoch=3))
    victim = kinds(begun, "worker", what="started", worker=0)[0]
    lost = {line["task"] for line in kinds(begun, "claim", life=victim["life"])}
    assert 0 < len(lost) < 15
    os.kill(victim["pid"], signal.SIGKILL)
    finished = child.wait()
    assert finished.code == 0, finished

    lines = lines_of(state / "events.jsonl")
    promotions = kinds(lines, "promotion")
    assert {line["task"] for line in promotions} == lost
    for promotion in promotions:
        assert promotion["cause"] == "signal 9" and promotion["lost_worker"] == 0 and promotion["term"] == 2
        phases = check_phases(promotion)
        assert phases["died"] == 0 and None not in (phases["detected"], phases["decided"], phases["promoted"], phases["sealed"])
    assert any(promotion["phases_us"]["served"] is not None for promotion in promotions)
    died = kinds(lines, "worker", what="died", worker=0)[0]
    assert died["cause"] == "signal 9" and died["pid"] == victim["pid"] and died["died_ns"] <= died["ns"]
    assert kinds(lines, "worker", what="restarted", worker=0)[0]["after"] == victim["life"]
    assert len(kinds(lines, "claim", term=2, cause="signal 9")) == len(lost)
    check(state)

    # The summary says the same.
    assert f"{len(lost)} failovers ({len(lost)} by signal 9); from the last sign of life p50 " in finished.err
    assert f"task {min(lost)} term 2: signal 9 of worker 0: detected " in finished.err
    assert "slowest pulls: " in finished.err


def test_a_job_without_a_fault_from_first_to_last_line(run_host, regression, state):
    finished = run_host(["--topology", regression(epochs=5), "--workers", "2", "--state-dir", state])
    assert finished.code == 0, finished
    assert "failovers" not in finished.err
    lines = lines_of(state / "events.jsonl")
    for line in lines:
        assert line["v"] == 1 and UUID.fullmatch(line["host"])
        written = datetime.strptime(line["time"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
        assert abs((datetime.now(timezone.utc) - written).total_seconds()) < 3600
    assert len({line["host"] for line in lines}) == 1
    job = kinds(lines, "job", what="started", tasks=15, journal="plain")[0]
    assert len({line["job"] for line in lines} - {None}) == 1 and UUID.fullmatch(job["job"])
    assert [line["epoch"] for line in kinds(lines, "epoch")] == list(range(6))
    assert sorted(line["task"] for line in kinds(lines, "claim", term=1)) == list(range(15))
    assert [line["what"] for line in kinds(lines, "worker", worker=1)] == ["started", "ready"]
    assert lines[-1]["kind"] == "ended" and lines[-1]["status"] == "done" and lines[-1]["epoch"] == 5
    assert not list(state.glob("events.*-*.jsonl"))  # of lives: only when all is wanted
    assert "S2, S3, S4 and S8 were not looked at" in check(state)


@pytest.mark.parametrize("workers", [2, 3])
def test_the_promises_hold_in_a_full_journal_of_a_job_with_many_kills(start_host, regression, state, workers):
    choose = random.Random(workers)
    path = regression(backups=workers - 2, pause_ms=25, epochs=60)
    child = start_host(["--topology", path, "--workers", str(workers), "--state-dir", state, "--journal", "full"])
    killed = 0
    while child.running() and killed < 8:
        started = kinds(lines_of(state / "events.jsonl"), "worker")
        alive = {line["pid"] for line in started} - {line["pid"] for line in started if line["what"] == "died"}
        ready = sorted(alive & {line["pid"] for line in started if line["what"] == "ready"})
        if ready:
            try:
                os.kill(choose.choice(ready), signal.SIGKILL)
                killed += 1
            except ProcessLookupError:
                pass
        time.sleep(choose.uniform(0.02, 0.15))
    finished = child.wait()
    assert finished.code == 0, finished
    assert killed > 2, finished
    out = check(state)
    lives, pulls = (int(re.search(rf"(\d+) {what}", out).group(1)) for what in ("lives", "pulls"))
    assert lives > workers and pulls > 500, out


def test_chaos_and_failed_hooks_in_one_process_have_their_causes(run_host, regression, tmp_path, state):
    faults = tmp_path / "faults.json"
    faults.write_text(json.dumps([{"kill": 3, "at_epoch": 2}, {"throw": 5, "at_epoch": 4}]))
    options = ["--topology", regression(epochs=10), "--state-dir", state, "--journal", "full", "--chaos", faults]
    finished = run_host(options)
    assert finished.code == 0, finished
    promotions = kinds(lines_of(state / "events.jsonl"), "promotion")
    assert sorted((line["task"], line["cause"], line["detail"]) for line in promotions) == [
        (3, "chaos", "killed by --chaos"),
        (5, "chaos", 'a hook threw "injected by --chaos"'),
    ]
    for promotion in promotions:
        assert check_phases(promotion)["sealed"] is not None
    assert "2 failovers (2 by chaos)" in finished.err
    check(state)


def test_a_refused_plugin_and_a_crashing_one(run_host, topology, state, build_dir):
    finished = run_host(
        ["--topology", topology(plugin={"path": "regression.so", "args": {"no_such": 1}}), "--workers", "2", "--state-dir", state]
    )
    assert finished.code == 78, finished
    lines = lines_of(state / "events.jsonl")
    assert "no_such" in kinds(lines, "worker", what="refused", exit_code=78)[0]["reason"]
    assert lines[-1]["kind"] == "ended" and lines[-1]["status"] == "refused"

    document = {
        "version": 1,
        "job": "crash",
        "plugin": {
            "path": str(build_dir / "tests" / "fixtures" / "plugins" / "misbehave.so"),
            "args": {"task": 1, "hook": "enter_epoch", "what": "crash", "times": 0},
        },
        "tasks": {"count": 3},
        "links": {"peers": {"shape": "full"}},
        "restart": {"max": 1, "backoff": "1ms"},
    }
    other = state.with_name("other")
    finished = run_host(["--topology", topology(text=json.dumps(document)), "--workers", "1", "--state-dir", other])
    assert finished.code == 1, finished
    lines = lines_of(other / "events.jsonl")
    assert {line["cause"] for line in kinds(lines, "worker", what="died")} == {"signal 11"}
    assert lines[-1]["status"] == "failed" and "gave up" in lines[-1]["reason"]
    check(other)


def test_the_job_goes_on_without_room_for_its_journal(start_host, run_host, regression, state):
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    state.mkdir(mode=0o700)
    (state / "events.jsonl").symlink_to("/dev/full")
    finished = run_host(["--topology", regression(epochs=5), "--workers", "2", "--state-dir", state])
    assert finished.code == 0, finished
    assert finished.err.count("events are missing from events.jsonl: No space left on device") == 1, finished
