"""What a plugin can do to its worker, and what becomes of the job, its log, and the processes of all."""

import json
import os
import re
import signal
import statistics
import time
import uuid
from pathlib import Path

import pytest

import host_process

DONE, FAILED, STOPPED = 0, 1, 3
MARK = "HOSTILE_TEST"
EPOCHS = 20
UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
DIED = rf"warning worker \d \(process \d+, life {UUID}\) "


def is_alive(pid) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def processes_with(mark: str) -> list[int]:
    """Of a test: all that has its mark in its environment, whoever its parent is."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            environment = (folder / "environ").read_bytes()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if f"{MARK}={mark}".encode() in environment.split(b"\0") and is_alive(folder.name):
            found.append(int(folder.name))
    return found


def wait_until(condition, what: str, timeout: float = 20):
    deadline = time.monotonic() + timeout * host_process.TIME_FACTOR
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.002)


@pytest.fixture
def mark():
    return uuid.uuid4().hex


@pytest.fixture
def result_file(tmp_path):
    return tmp_path / "result.json"


@pytest.fixture
def start_misbehave(build_dir, start_host, topology, tmp_path, result_file, mark):
    """start_misbehave(what, times=1, workers=2, ...) -> a running host; task 1 misbehaves in a hook that all tasks have.

    One thread in each worker, so that no other hook runs at the same time.
    """

    def start(what, hook="enter_epoch", times=1, workers=2, epochs=EPOCHS, at_epoch=2, options=(), **changes):
        marks = tmp_path / "marks"
        marks.mkdir()
        args = {"task": 1, "hook": hook, "what": what, "times": times, "marks": str(marks), "at_epoch": at_epoch, "epochs": epochs}
        document = {
            "version": 1,
            "job": "test",
            "plugin": {"path": str(build_dir / "tests" / "fixtures" / "plugins" / "misbehave.so"), "args": args},
            "tasks": {"count": 3},
            "links": {"peers": {"shape": "full"}},
            "restart": {"max": 2, "backoff": "1ms"},
        }
        host_process.merge(document, changes)
        arguments = ["--topology", topology(text=json.dumps(document)), "--result", result_file, "--threads", "1", "--log-level", "debug"]
        arguments += ["--workers", str(workers)] if workers else ["--local"]
        return start_host([*arguments, *options], env={MARK: mark}, cwd=tmp_path)

    return start


@pytest.fixture
def check_done(result_file, mark):
    def check(finished):
        assert finished.code == DONE, finished
        assert json.loads(result_file.read_text())["result"] == {"epochs": EPOCHS, "last": 3 * (EPOCHS - 1)}, finished
        assert processes_with(mark) == [], finished

    return check


# What the log says of the death, and what the restart policy says of the last of them.
DEATHS = {
    "crash": ("ended by SIGSEGV while hook {hook} of task 1 ran", "its worker ended by SIGSEGV during hook {hook}"),
    "exit": ("exited with 3: hook {hook} of task 1 called exit()", "hook {hook} ended its worker by exit()"),
    "_exit": ("exited with 3 while hook {hook} of task 1 ran", "its worker exited with 3 during hook {hook}"),
    "abort": ("ended by SIGABRT in hook {hook} of task 1", "hook {hook} ended its worker by SIGABRT"),
    "wild_write": ("ended by SIGSEGV in hook {hook} of task 1", "hook {hook} ended its worker by SIGSEGV"),
    "overflow": ("ended by SIGSEGV in hook {hook} of task 1", "hook {hook} ended its worker by SIGSEGV"),
}


@pytest.mark.parametrize("hook", ["enter_epoch", "serve"])
@pytest.mark.parametrize("what", DEATHS)
def test_a_hook_that_ends_its_worker_is_named_and_the_job_goes_on(start_misbehave, check_done, what, hook):
    finished = start_misbehave(what, hook=hook).wait()
    check_done(finished)
    death = DIED + re.escape(DEATHS[what][0].format(hook=hook)) + "$"
    assert len(re.findall(death, finished.err, re.MULTILINE)) == 1, finished
    assert ", 1 failures)" in finished.err, finished
    if what == "abort":
        assert "misbehave: these are its last words\n" in finished.err, finished


@pytest.mark.parametrize("what", DEATHS)
def test_a_task_that_ends_its_workers_again_and_again_fails_the_job(start_misbehave, result_file, mark, what):
    finished = start_misbehave(what, times=0).wait()
    assert finished.code == FAILED, finished
    assert json.loads(result_file.read_text())["status"] == "failed"
    reason = DEATHS[what][1].format(hook="enter_epoch")
    gave_up = f"task 1 gave up: 3 failures in 60 s (limit restart.max=2); last: {reason}; the plugin is to blame, not the host"
    assert finished.err.splitlines()[-1].endswith(gave_up), finished
    assert processes_with(mark) == [], finished


LIMIT = {"limits": {"hook": "300ms"}}
OVERLONG = r"hook enter_epoch ran for 0\.[3-9] s, beyond limits\.hook of 0\.3 s"


def test_a_hook_that_never_returns_is_ended_with_its_worker(start_misbehave, check_done):
    finished = start_misbehave("hang", **LIMIT).wait()
    check_done(finished)
    assert len(re.findall(f"{DIED}was killed: task 1: {OVERLONG}$", finished.err, re.MULTILINE)) == 1, finished


def test_a_hook_that_never_returns_again_and_again_fails_the_job(start_misbehave):
    finished = start_misbehave("hang", times=0, **LIMIT).wait()
    assert finished.code == FAILED, finished
    assert re.search(rf"task 1 gave up: 3 failures .*; last: {OVERLONG}; its worker was killed; the plugin", finished.err), finished


def test_in_one_process_a_long_hook_is_told_once_and_the_job_goes_on(start_misbehave, check_done):
    finished = start_misbehave("slow", workers=None, **LIMIT).wait()
    check_done(finished)
    assert len(re.findall(f"warning task 1: {OVERLONG}; it holds up its task and a thread", finished.err)) == 1, finished


def test_a_crash_on_a_thread_of_the_plugins_own_blames_no_task(start_misbehave, check_done):
    finished = start_misbehave("thread_crash").wait()
    check_done(finished)
    assert re.search(DIED + "ended by SIGSEGV on a thread of the plugin's own: no task is known to be to blame", finished.err), finished


def test_threads_of_the_plugins_own_that_crash_again_and_again_fail_the_job(start_misbehave):
    finished = start_misbehave("thread_crash", times=0, workers=1).wait()
    assert finished.code == FAILED, finished
    assert re.search(r"worker 0 gave up: 3 failures .*on a thread of the plugin's own", finished.err), finished


def test_a_worker_that_stops_itself_is_replaced_after_failure_stall(start_misbehave, check_done):
    finished = start_misbehave("stop", times=4, failure={"stall": "200ms"}).wait()
    check_done(finished)
    # Four times, with restart.max of 2: nobody knows who has stopped it.
    assert len(re.findall(DIED + "did not run for failure.stall, and was killed$", finished.err, re.MULTILINE)) == 4, finished


def test_what_a_plugin_starts_ends_with_its_job(start_misbehave, check_done):
    check_done(start_misbehave("fork", times=6).wait())


def test_what_a_plugin_starts_ends_with_its_worker(start_misbehave, mark):
    """A process that ignores SIGTERM, and a daemon."""
    child = start_misbehave("fork", epochs=10**9)
    child.wait_for("misbehave: has forked")
    assert len(processes_with(mark)) == 1 + 2 + 2
    workers = {int(pid) for pid in re.findall(r"worker \d is process (\d+)", child.err())}
    started = set(processes_with(mark)) - workers - {child.pid}
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    child.wait_for("; 2 processes that it had started were ended")
    assert not any(is_alive(pid) for pid in started)


@pytest.mark.parametrize("signals", [1, 2])
def test_a_supervisor_that_leaves_at_once_leaves_nothing_behind(start_misbehave, mark, signals):
    """By a second signal, or by failure.drain while a hook does not return."""
    failure = {"drain": "200ms"} if signals == 1 else {"stall": "10s", "drain": "10s"}
    child = start_misbehave("fork", epochs=10**9, at_epoch=0, failure=failure)
    child.wait_for("misbehave: has forked")
    assert len(processes_with(mark)) == 1 + 2 + 2
    workers = [int(pid) for pid in re.findall(r"worker \d is process (\d+)", child.err())]
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)  # so that they do not leave by themselves
    for _ in range(signals):
        child.signal(signal.SIGTERM)
        child.wait_for("stopping: ")
        time.sleep(0.6 if signals == 2 else 0)  # those of the first half second are one
    wait_until(lambda: not child.running(), "it does not leave")
    assert processes_with(mark) == []
    finished = child.wait()
    assert finished.code == STOPPED, finished
    assert ("stopped at once" if signals == 2 else "did not return within failure.drain") in finished.err, finished


def test_nothing_outlives_a_supervisor_that_is_killed(start_misbehave, mark, tmp_path):
    """Workers, and what their plugins have started: 100 ms, and what a busy machine adds."""
    seconds = []
    for round_ in range(20):
        if round_ != 0:
            for file in (tmp_path / "marks").iterdir():
                file.unlink()
            (tmp_path / "marks").rmdir()
        child = start_misbehave("fork", epochs=10**9, at_epoch=0)
        child.wait_for("misbehave: has forked")
        assert len(processes_with(mark)) == 1 + 2 + 2
        pids = processes_with(mark)
        child.signal(signal.SIGKILL)
        killed = time.monotonic()
        wait_until(lambda: not any(is_alive(pid) for pid in pids), "they live on", 5)
        seconds.append(time.monotonic() - killed)
        assert processes_with(mark) == []
    print(f"gone after: median {1e3 * statistics.median(seconds):.1f} ms, at most {1e3 * max(seconds):.1f} ms")
    assert statistics.median(seconds) < 0.1 * host_process.TIME_FACTOR


def test_descriptors_that_a_plugin_leaks_cost_no_more_than_its_worker(start_misbehave, mark, result_file):
    """It may fail, as it finds no descriptor any more; it must end, and leave nothing."""
    finished = start_misbehave("leak", times=0).wait()
    assert finished.code in (DONE, FAILED), finished
    assert processes_with(mark) == [], finished


def descriptors(pid: int) -> dict[str, str]:
    found = {}
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found[link.name] = re.sub(r"\d+", "N", os.readlink(link))
        except FileNotFoundError:
            pass
    return found


def test_fifty_deaths_leak_nothing_in_the_supervisor(start_misbehave):
    child = start_misbehave("throw", epochs=10**9, at_epoch=10**9)
    started = lambda: [int(pid) for pid in re.findall(r"worker \d is process (\d+)", child.err())]

    def settled() -> bool:
        tail = re.findall(r"task (\d) goes on|worker \d is process", child.err())
        return len(started()) >= 2 and sum(is_alive(pid) for pid in started()) == 2 and bool(tail)

    def facts():
        maps = Path(f"/proc/{child.pid}/maps").read_text()
        return sorted(descriptors(child.pid).values()), maps.count("memfd:"), len(list(Path(f"/proc/{child.pid}/task").iterdir()))

    wait_until(settled, "two workers")
    wait_until(lambda: sum(name.startswith("anon_inode:[pidfd]") for name in descriptors(child.pid).values()) == 2, "two pidfds")
    # The journal has a thread of its own, which opens the file.
    wait_until(lambda: any(name.endswith("/events.jsonl") for name in descriptors(child.pid).values()), "the journal")
    before = facts()
    for death in range(50):
        alive = [pid for pid in started() if is_alive(pid)]
        os.kill(alive[death % len(alive)], signal.SIGKILL)
        wait_until(lambda: len(started()) == 3 + death and settled(), "the next worker")
    wait_until(lambda: facts() == before, f"{facts()} is not {before}")
    child.signal(signal.SIGTERM)
    finished = child.wait()
    assert len(re.findall(DIED + "ended by SIGKILL", finished.err)) == 50, finished
    assert finished.code == STOPPED, finished


def test_a_core_dump_is_named(start_misbehave, check_done, tmp_path):
    finished = start_misbehave("dump_core").wait()
    if "this process may dump no core" in finished.err:
        pytest.skip("RLIMIT_CORE")
    check_done(finished)
    death = re.search(DIED + r"ended by SIGSEGV in hook enter_epoch of task 1; core dump(?:: (\S+)| handed to (\S+))$", finished.err, re.MULTILINE)
    assert death, finished
    if death.group(1):
        found = list(Path(death.group(1)).parent.glob(Path(death.group(1)).name))
        assert found, finished
        for file in found:
            file.unlink()


def test_who_cannot_start_says_so_once(run_host, topology, build_dir, result_file):
    document = {
        "version": 1,
        "job": "test",
        "plugin": {"path": str(build_dir / "tests" / "fixtures" / "plugins" / "misbehave.so"), "args": {"tusk": 1}},
        "tasks": {"count": 3},
        "links": {"peers": {"shape": "full"}},
    }
    finished = run_host(["--topology", topology(text=json.dumps(document)), "--result", result_file, "--workers", "3"])
    assert finished.code == 78, finished
    lines = [line for line in finished.err.splitlines() if " info " not in line]
    assert len(lines) == 1 and 'unknown argument "tusk"' in lines[0], finished
