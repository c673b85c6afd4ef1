"""What a task lives through, in which order, and how a job ends: by itself, by a signal, and in spite of hooks that hang."""

import json
import os
import re
import signal
import time
from datetime import datetime

import host_process
import pytest

DONE = 0
FAILED = 1
STOPPED = 3


@pytest.fixture
def witness(build_dir, topology):
    """witness(args, **changes) -> path of a topology of three tasks that tell all their hooks."""

    def write(args: dict, **changes):
        document = {
            "version": 1,
            "job": "test",
            "plugin": {"path": str(build_dir / "tests" / "fixtures" / "plugins" / "witness.so"), "args": args},
            "tasks": {"count": 3},
            "links": {"peers": {"shape": "full"}},
        }
        host_process.merge(document, changes)
        return topology(text=json.dumps(document))

    return write


@pytest.fixture
def result_file(tmp_path):
    return tmp_path / "result.json"


class Replicas:
    """By replica, in order of their making: the task and what its hooks said, from a log in JSON."""

    def __init__(self, err: str):
        self.task, self.said = {}, {}
        for line in map(json.loads, err.splitlines()):
            told = re.fullmatch(r"witness (\d+): (.*)", line["message"])
            if told is None:
                continue
            number = int(told.group(1))
            assert self.task.setdefault(number, line["task"]) == line["task"]
            self.said.setdefault(number, []).append(told.group(2))

    def of_task(self, task: int) -> list[list[str]]:
        return [self.said[number] for number in sorted(self.said) if self.task[number] == task]


def check_order(said: list[str]) -> None:
    """init; roles; epochs, which rise; of each epoch its flags; neighbours fail before they restart; exit; nothing more."""
    assert said[0] == "init", said
    assert said[-1] == "destroyed", said
    assert said.count("init") == said.count("destroyed") == 1, said
    exits = [i for i, word in enumerate(said) if word.startswith("exit")]
    assert exits in ([], [len(said) - 2]), said
    epoch, term, is_primary, failed = -1, 0, False, {}
    for word in said[1:-1]:
        first, *rest = word.split()
        if first == "backup":
            assert not is_primary and epoch == -1, said
        elif first == "primary":
            assert not is_primary, said
            is_primary, term = True, int(rest[2])
        elif first == "epoch":
            assert is_primary and int(rest[0]) > epoch, said
            epoch = int(rest[0])
        elif first == "flag":
            assert is_primary and rest[0] == f'"{epoch}"', said
        elif first == "neighbour":
            assert is_primary and epoch >= 0, said
            assert rest[3] == ("restarted" if failed.get(rest[0]) else "failed"), said
            failed[rest[0]] = rest[3] == "failed"
        else:
            assert first == "exit", said
    assert not is_primary or term > 0, said


@pytest.mark.parametrize("backups", [0, 1, 2])
def test_neighbours_fail_and_restart_in_order(run_host, witness, tmp_path, backups):
    """Tasks 1 and 2 are killed far from each other in time, so that none of it falls together."""
    faults = [{"kill": 1, "at_event": 20}, {"throw": 2, "at_event": 70}, {"kill": 1, "at_event": 120}, {"throw": 1, "at_event": 200}]
    chaos = tmp_path / "chaos.json"
    chaos.write_text(json.dumps(faults))
    path = witness({"epochs": 3, "restarts": 4}, tasks={"backups": backups})
    finished = run_host(["--topology", path, "--chaos", chaos, "--log-format", "json"])
    assert finished.code == DONE, finished
    replicas = Replicas(finished.err)
    for said in replicas.said.values():
        check_order(said)

    # Task 0 saw each of them go and come back; it lives through it all.
    root = [said for said in replicas.of_task(0) if "epoch 2" in said]
    assert len(root) == 1, finished
    told = [word for word in root[0] if word.startswith("neighbour")]
    pair = [f"neighbour {{}} on peers {change}" for change in ("failed", "restarted")]
    assert told == [word.format(task) for task in (1, 2, 1, 1) for word in pair], finished

    # Each term is granted once, to a replica of its own; who was killed gets no exit.
    for task, terms in [(0, 1), (1, 4), (2, 2)]:
        primaries = [word for said in replicas.of_task(task) for word in said if word.startswith("primary")]
        assert sorted(primaries) == [f"primary of term {term} fresh" for term in range(1, terms + 1)], finished
        killed = [said for said in replicas.of_task(task) if not said[-2].startswith("exit")]
        assert len(killed) == terms - 1, finished
        promoted = [said for said in replicas.of_task(task) if "backup" in said and any("primary" in w for w in said)]
        assert len(promoted) == (terms - 1 if backups > 0 else 0), finished


def wait_until_all_are_up(child, tasks=3, backups=0):
    for task in range(tasks):
        child.wait_for(f"epoch 0 task={task}")
    if backups > 0:
        child.wait_for(": backup task=0")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains(start_host, witness, result_file, tmp_path, number):
    """Each replica gets `exit` and the time that it needs to save."""
    saved = tmp_path / "saved"
    saved.mkdir()
    path = witness({"end": "never", "folder": str(saved), "exit_ms": 200}, tasks={"backups": 1})
    child = start_host(["--topology", path, "--result", result_file])
    wait_until_all_are_up(child)
    for task in range(3):
        child.wait_for(f": backup task={task}")
    child.signal(number)
    finished = child.wait()
    assert finished.code == STOPPED, finished
    assert "stopping: tasks have 10s to save; a second signal stops at once" in finished.err
    files = sorted(path.name for path in saved.iterdir())
    assert [name.split("-")[1] for name in files] == ["0", "0", "1", "1", "2", "2"], finished
    assert {path.read_text() for path in saved.iterdir()} == {"drain"}
    assert json.loads(result_file.read_text()) == {"job": "test", "status": "stopped", "epochs": 0, "result": {}}


@pytest.mark.parametrize("first, second", [(signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGTERM)])
def test_a_second_signal_stops_at_once(start_host, witness, result_file, first, second):
    child = start_host(["--topology", witness({"end": "never", "hang": "exit"}), "--result", result_file])
    wait_until_all_are_up(child)
    child.signal(first)
    child.wait_for(": hangs")
    time.sleep(0.6)  # sooner, it would be one request with the first
    child.signal(second)
    finished = child.wait(timeout=5)
    assert finished.code == STOPPED, finished
    assert "stopped at once: the tasks had no time to save" in finished.err, finished
    assert json.loads(result_file.read_text())["status"] == "stopped"


def test_two_signals_at_once_are_one_request(start_host, witness, result_file):
    """As timeout(1) sends them: to the process, and to its group."""
    child = start_host(["--topology", witness({"end": "never"}), "--result", result_file])
    wait_until_all_are_up(child)
    child.signal(signal.SIGTERM)
    child.signal(signal.SIGINT)
    finished = child.wait()
    assert finished.code == STOPPED, finished
    assert "stopped at once" not in finished.err, finished


@pytest.mark.parametrize("threads", ["1", "2"])
@pytest.mark.parametrize("hook", ["exit", "enter_epoch"])
def test_a_hook_that_hangs_does_not_outlast_the_drain(start_host, witness, result_file, hook, threads):
    path = witness({"end": "never", "hang": hook}, failure={"drain": "200ms"})
    child = start_host(["--topology", path, "--result", result_file, "--threads", threads])
    if hook == "exit":
        wait_until_all_are_up(child)
    else:
        child.wait_for(": hangs")
    child.signal(signal.SIGTERM)
    finished = child.wait(timeout=5)
    assert finished.code == STOPPED, finished
    assert "stopping: tasks have 200ms to save" in finished.err
    assert "a hook did not return within failure.drain; stopped without it" in finished.err
    assert json.loads(result_file.read_text())["status"] == "stopped"


@pytest.mark.parametrize("status, code", [("done", DONE), ("failed", FAILED)])
def test_the_task_that_ends_the_job_decides_how(run_host, witness, result_file, status, code):
    path = witness({"end": status, "result": '{"answer": [42, null]}', "epochs": 5}, tasks={"backups": 1})
    finished = run_host(["--topology", path, "--result", result_file, "--log-format", "json"])
    assert finished.code == code, finished
    document = json.loads(result_file.read_text())
    assert document == {"job": "test", "status": status, "epochs": 4, "result": {"answer": [42, None]}}
    replicas = Replicas(finished.err)
    assert len(replicas.said) == 6
    for said in replicas.said.values():
        check_order(said)
        assert said[-2] == "exit job ended", finished


@pytest.mark.parametrize("status, code", [("done", DONE), ("failed", FAILED)])
def test_a_hook_that_hangs_does_not_keep_the_result_back(run_host, witness, result_file, status, code):
    path = witness({"end": status, "hang": "exit", "hang_task": 1, "result": '{"a": 1}'}, failure={"drain": "200ms"})
    finished = run_host(["--topology", path, "--result", result_file], timeout=5)
    assert finished.code == code, finished
    assert "a hook did not return within failure.drain; stopped without it" in finished.err
    assert json.loads(result_file.read_text()) == {"job": "test", "status": status, "epochs": 0, "result": {"a": 1}}


def test_a_signal_gives_the_exits_of_a_job_that_has_ended_no_more_time(start_host, witness, result_file):
    drain = 2
    path = witness({"hang": "exit", "hang_task": 1}, failure={"drain": f"{drain}s"})
    child = start_host(["--topology", path, "--result", result_file, "--log-format", "json"])
    child.wait_for(": hangs")
    time.sleep(drain / 2)
    child.signal(signal.SIGTERM)
    finished = child.wait()
    assert finished.code == DONE, finished
    at = {}
    for line in map(json.loads, finished.err.splitlines()):
        at[line["message"]] = datetime.fromisoformat(line["time"].replace("Z", "+00:00")).timestamp()
    stopping = at["stopping: the job has ended and its tasks exit already; a second signal stops at once"]
    left = at["a hook did not return within failure.drain; stopped without it"]
    assert left - stopping < 0.95 * drain, finished
    assert json.loads(result_file.read_text())["status"] == "done"


def test_the_result_is_there_whole_or_not_at_all(start_host, run_host, witness, result_file, tmp_path):
    """A result of before stays until the new one takes its name, also when the host is killed on the way."""
    result_file.write_text("of before")
    other_name = tmp_path / "other-name"
    os.link(result_file, other_name)
    child = start_host(["--topology", witness({"end": "never"}), "--result", result_file])
    wait_until_all_are_up(child)
    child.kill()
    assert result_file.read_text() == "of before"
    finished = run_host(["--topology", witness({"result": '{"a": 2}'}), "--result", result_file])
    assert finished.code == DONE, finished
    assert json.loads(result_file.read_text())["result"] == {"a": 2}
    assert other_name.read_text() == "of before", "renamed over, not written into"


@pytest.mark.parametrize("size, code", [(256 * 1024, DONE), (256 * 1024 + 1, FAILED)])
def test_the_largest_result(run_host, witness, result_file, size, code):
    path = witness({"result_bytes": size}, restart={"max": 0})
    finished = run_host(["--topology", path, "--result", result_file])
    assert finished.code == code, finished
    refused = "finish_job: it has 262145 bytes; at most 262144 (256 KiB) are kept; write large results to a file"
    assert (refused in finished.err) == (code == FAILED), finished
    kept = json.loads(result_file.read_text())["result"]
    assert kept == ({"a": "x" * (size - 8)} if code == DONE else {})


@pytest.mark.parametrize("backups", [0, 1])
def test_a_hook_that_hangs_holds_up_its_own_task_only(run_host, witness, result_file, tmp_path, backups):
    """Others fail over, and what waited for their new terms goes on, although task 2 cannot apply a view."""
    chaos = tmp_path / "chaos.json"
    chaos.write_text(json.dumps([{"kill": 0, "at_epoch": 1}, {"kill": 1, "at_epoch": 2}, {"kill": 0, "at_epoch": 3}]))
    path = witness(
        {"epochs": 5, "hang": "enter_epoch", "hang_task": 2}, failure={"drain": "100ms"}, tasks={"backups": backups}
    )
    finished = run_host(["--topology", path, "--result", result_file, "--chaos", chaos, "--threads", "3"])
    assert finished.code == DONE, finished
    assert finished.err.count("killed by --chaos") == 3, finished
    assert json.loads(result_file.read_text())["status"] == "done"
