"""Tasks in worker processes: real ones that are killed, stopped and left behind."""

import json
import os
import random
import re
import signal
import time
from pathlib import Path

import pytest

import host_process

DONE, FAILED, STOPPED, REFUSED = 0, 1, 3, 78
EPOCHS = 60


@pytest.fixture
def regression(topology):
    def write(backups=1, pause_ms=0, **changes):
        return topology(
            plugin={"path": "regression.so", "args": {"epochs": EPOCHS, "pause_ms": pause_ms}},
            tasks={"count": 15, "backups": backups},
            **changes,
        )

    return write


def is_alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(condition, what: str, timeout: float = 10):
    deadline = time.monotonic() + timeout * host_process.TIME_FACTOR
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.002)


def workers(child) -> list[int]:
    """Pids of all workers that there have been, the oldest first."""
    return [int(pid) for pid in re.findall(r"worker \d+ is process (\d+)", child.err())]


def check_sums(finished, result_file):
    assert finished.code == DONE, finished
    assert json.loads(result_file.read_text())["result"]["sums"] == [105 * epoch for epoch in range(EPOCHS + 1)], finished


@pytest.fixture
def result_file(tmp_path):
    return tmp_path / "result.json"


def options(path, result_file, count=2):
    return ["--topology", path, "--result", result_file, "--workers", str(count), "--log-level", "debug"]


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("backups", [0, 1])
def test_the_sums_are_right_and_no_process_stays(start_host, regression, result_file, count, backups):
    child = start_host(options(regression(backups), result_file, count))
    wait_until(lambda: not child.running(), "the job does not end", 30)
    pids = workers(child)
    assert len(pids) == count
    assert not any(is_alive(pid) for pid in pids)
    check_sums(child.wait(), result_file)


@pytest.mark.parametrize("seed", range(6))
def test_kill_9_of_any_worker_changes_no_bit(start_host, regression, result_file, seed):
    choose = random.Random(seed)
    child = start_host(options(regression(seed % 2, pause_ms=25), result_file, 2 + seed % 3))
    killed = 0
    while child.running() and killed < 8:
        alive = [pid for pid in workers(child) if is_alive(pid)]
        if alive:
            try:
                os.kill(choose.choice(alive), signal.SIGKILL)
                killed += 1
            except ProcessLookupError:
                pass
        time.sleep(choose.uniform(0.01, 0.1))
    finished = child.wait()
    check_sums(finished, result_file)
    assert killed > 2, finished
    assert not any(is_alive(pid) for pid in workers(child))


def test_all_workers_at_once(start_host, regression, result_file):
    child = start_host(options(regression(1, pause_ms=25), result_file, 3))
    child.wait_for("is process")
    wait_until(lambda: len(workers(child)) == 3, "three workers")
    time.sleep(0.1)
    for pid in workers(child):
        os.kill(pid, signal.SIGKILL)
    check_sums(child.wait(), result_file)


def test_a_stopped_worker_is_replaced_after_failure_stall(start_host, regression, result_file):
    child = start_host(options(regression(1, pause_ms=25, failure={"stall": "300ms"}), result_file, 2))
    wait_until(lambda: child.err().count("is ready") == 2, "two workers that are ready")
    os.kill(workers(child)[0], signal.SIGSTOP)
    finished = child.wait()
    check_sums(finished, result_file)
    assert "did not run for failure.stall, and was killed" in finished.err
    assert "goes on" in finished.err


def test_workers_do_not_outlive_their_supervisor(start_host, regression, result_file):
    child = start_host(options(regression(1, pause_ms=100), result_file, 3))
    wait_until(lambda: len(workers(child)) == 3, "three workers")
    pids = workers(child)
    child.signal(signal.SIGKILL)
    wait_until(lambda: not any(is_alive(pid) for pid in pids), "workers live on", 2)


def test_a_signal_drains_the_tasks_of_all_workers(start_host, topology, build_dir, tmp_path, result_file):
    saved = tmp_path / "saved"
    saved.mkdir()
    document = {
        "version": 1,
        "job": "test",
        "plugin": {
            "path": str(build_dir / "tests" / "fixtures" / "plugins" / "witness.so"),
            "args": {"end": "never", "folder": str(saved)},
        },
        "tasks": {"count": 4},
        "links": {"peers": {"shape": "full"}},
    }
    child = start_host(options(topology(text=json.dumps(document)), result_file, 2))
    for task in range(4):
        child.wait_for(f"epoch 0 task={task}")
    child.signal(signal.SIGTERM)
    finished = child.wait()
    assert finished.code == STOPPED, finished
    assert sorted(path.name.split("-")[1] for path in saved.iterdir()) == ["0", "1", "2", "3"], finished


def test_a_plugin_that_is_refused_ends_the_job_with_its_reason(run_host, topology, result_file):
    path = topology(plugin={"path": "regression.so", "args": {"no_such_argument": 1}})
    finished = run_host(options(path, result_file))
    assert finished.code == REFUSED, finished
    assert "no_such_argument" in finished.err
    assert not result_file.exists()


def test_a_plugin_that_crashes_again_and_again_fails_the_job(run_host, topology, build_dir, result_file):
    document = {
        "version": 1,
        "job": "test",
        "plugin": {
            "path": str(build_dir / "tests" / "fixtures" / "plugins" / "misbehave.so"),
            "args": {"task": 1, "hook": "enter_epoch", "what": "crash", "times": 0},
        },
        "tasks": {"count": 3},
        "links": {"peers": {"shape": "full"}},
        "restart": {"max": 2, "backoff": "1ms"},
    }
    finished = run_host(options(topology(text=json.dumps(document)), result_file))
    assert finished.code == FAILED, finished
    assert "gave up: 3 failures" in finished.err, finished
    assert "ended by SIGSEGV" in finished.err, finished


def test_large_answers_cross_from_worker_to_worker(run_host, topology, result_file):
    """PageRank's exchanges among few partitions are larger than what goes along with a frame."""
    graph = result_file.parent / "graph.txt"
    choose = random.Random(1)
    graph.write_text("".join(f"{choose.randrange(40_000)} {choose.randrange(40_000)}\n" for _ in range(200_000)))
    ranks = []
    for count in (None, "3"):
        output = result_file.parent / f"ranks-{count}"
        path = topology(
            plugin={
                "path": "pagerank.so",
                "args": {"epochs": None, "input": str(graph), "output": str(output), "iterations_max": 5},
            },
            tasks={"count": 3, "backups": 0},
            links={"parents": None, "children": None, "peers": {"shape": "full"}},
        )
        extra = [] if count is None else ["--workers", count]
        finished = run_host(["--topology", path, "--result", result_file, *extra])
        assert finished.code == DONE, finished
        ranks.append({line.split("\t")[0]: float(line.split("\t")[1]) for line in output.read_text().splitlines()})
    assert ranks[0].keys() == ranks[1].keys()
    assert sum(abs(ranks[0][vertex] - ranks[1][vertex]) for vertex in ranks[0]) < 1e-9
