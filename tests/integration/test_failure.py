"""What faults do to whole jobs: nothing to what they compute; and what becomes of a task that fails of itself."""

import json
import random
import re
import statistics
import subprocess
from datetime import datetime

import host_pool
import host_process
import pytest
from test_pagerank import DISTANCE_MAX, distance, random_graph, read_ranks

# A build with a sanitizer is slower by the time factor; it gets fewer cases, not more time.
SEEDS_GATE = max(8, int(60 / host_process.TIME_FACTOR))
EVENT_STEP_GATE = 7
TASKS = 15

def where(case: int) -> list[str]:
    """Half of the cases in this process alone, half in worker processes."""
    return ["--local"] if case % 2 else []


INJECTED = re.compile(r"chaos: (\w+) task (\d+) at event (\d+)")


def regression(epochs: int, backups: int = 0, **changes) -> dict:
    document = host_process.regression_document(epochs)
    document["tasks"]["backups"] = backups
    host_process.merge(document, changes)
    return document


def sums_file(epochs: int) -> bytes:
    """The result file of a job without faults, to the bit; 105 * e is the sum over the tasks k of k * e."""
    sums = ",".join(str(sum(k * e for k in range(TASKS))) for e in range(epochs + 1))
    return f'{{"job":"test","status":"done","epochs":{epochs},"result":{{"sums":[{sums}]}}}}\n'.encode()


@pytest.fixture
def pool(host, tmp_path):
    return host_pool.Pool(host, tmp_path)


def check_sums(job: host_pool.Job, epochs: int) -> None:
    assert job.finished.code == 0, job.finished
    assert job.result == sums_file(epochs), job.finished


def faults_injected(job: host_pool.Job) -> int:
    found = re.search(r"chaos: (\d+) faults injected", job.finished.err)
    return int(found.group(1)) if found else 0


# ---------------------------------------------------------------- a fault at every event


def fault_at_each_event(pool, kind: str, epochs: int, backups: int, first: int, step: int) -> int:
    """One job per task and event; the number of faults that were injected. A task has an event n when a fault at it
    happened: the first n without one ends its row."""

    def row(task: int) -> int:
        event = first
        while True:
            name = f"{kind}-{task}-{event}"
            job = pool.run_job(name, regression(epochs, backups), where(task), faults=[{kind: task, "at_event": event}])
            check_sums(job, epochs)
            if faults_injected(job) == 0:
                job.forget()
                break
            text = "killed by --chaos" if kind == "kill" else 'a hook threw "injected by --chaos"'
            assert f"task {task} failed: {text}" in job.finished.err, job.finished
            job.forget()
            event += step
        return (event - first) // step

    rows = pool.each(row, range(TASKS))
    assert all(count > 0 for count in rows), rows
    return sum(rows)


@pytest.mark.parametrize("backups", [0, 1, 2])
def test_a_kill_at_any_event_changes_no_bit(pool, backups):
    assert fault_at_each_event(pool, "kill", epochs=2, backups=backups, first=1 + backups, step=EVENT_STEP_GATE) >= TASKS


def test_a_throw_at_any_event_changes_no_bit(pool):
    assert fault_at_each_event(pool, "throw", epochs=2, backups=1, first=4, step=EVENT_STEP_GATE) >= TASKS


@pytest.mark.full
@pytest.mark.parametrize("backups", [0, 1, 2])
@pytest.mark.parametrize("kind", ["kill", "throw"])
def test_a_fault_at_every_event_changes_no_bit(pool, kind, backups):
    # In 11 epochs a leaf has at least two events each, an inner task at least five.
    assert fault_at_each_event(pool, kind, epochs=10, backups=backups, first=1, step=1) >= 11 * (8 * 2 + 7 * 5)


@pytest.mark.parametrize("backups", [0, 1, 2])
def test_kills_of_all_tasks_at_once_change_no_bit(pool, backups):
    def check(event: int) -> None:
        faults = [{"kill": task, "at_event": event} for task in range(TASKS)]
        job = pool.run_job(f"all-{event}", regression(4, backups), where(event), faults=faults)
        check_sums(job, 4)
        assert faults_injected(job) == TASKS, job.finished
        assert f" pulls, {TASKS} failures)" in job.finished.err, job.finished
        assert len(re.findall(r"task \d+ failed: ", job.finished.err)) == TASKS, job.finished

    pool.each(check, [1, 2, 3, 5, 8])


def random_script(rng: random.Random) -> list[dict]:
    """Up to 30 faults of all kinds, some of one task again and again."""
    faults = []
    for _ in range(rng.randrange(2, 30)):
        kind = rng.choice(["kill", "kill", "throw", "delay", "drop"])
        fault = {kind: rng.randrange(TASKS) if rng.random() < 0.7 else 1}
        fault["at_event"] = rng.randrange(1, 40)
        if kind == "delay":
            fault["ms"] = rng.randrange(1, 20)
        elif kind in ("kill", "throw") and rng.random() < 0.3:
            del fault["at_event"]
            fault["at_epoch"] = rng.randrange(0, 7)
        faults.append(fault)
    return faults


def test_several_faults_at_once_change_no_bit(pool):
    def check(seed: int) -> int:
        faults = random_script(random.Random(seed))
        job = pool.run_job(f"script-{seed}", regression(6, backups=seed % 3), where(seed // 3), faults=faults)
        check_sums(job, 6)
        return faults_injected(job)

    assert sum(pool.each(check, range(20), host_pool.AT_ONCE_WAITING)) > 150


# ---------------------------------------------------------------- seeded plans


def regression_under_seeds(pool, seeds: range) -> None:
    def check(seed: int) -> int:
        options = ["--chaos", f"seed={seed},rate=0.01", "--threads", str(1 + seed % 3), *where(seed // 3)]
        job = pool.run_job(f"seed-{seed}", regression(10, backups=seed % 3), options)
        check_sums(job, 10)
        job.forget()
        return faults_injected(job)

    assert sum(pool.each(check, seeds, host_pool.AT_ONCE_WAITING)) > 2 * len(seeds)


def test_regression_under_seeded_plans(pool):
    regression_under_seeds(pool, range(1, 1 + SEEDS_GATE))


@pytest.mark.full
def test_regression_under_a_thousand_seeded_plans(pool):
    regression_under_seeds(pool, range(1, 1001))


GRAPHS = [(1, 5, 8), (2, 30, 100), (3, 80, 60), (4, 150, 900), (5, 300, 1500)]  # seed, vertices, edges


def pagerank_under_seeds(pool, build_dir, tmp_path, seeds: range) -> None:
    ranks = {}
    for graph, vertices, edges in GRAPHS:
        path = tmp_path / f"edges-{graph}.txt"
        path.write_bytes(random_graph(graph, vertices, edges).encode())
        serial = tmp_path / f"serial-{graph}.tsv"
        subprocess.run([build_dir / "bin" / "pagerank-serial", path, serial], check=True, capture_output=True, timeout=60)
        ranks[path] = read_ranks(serial)
    paths = list(ranks)

    def check(seed: int) -> int:
        path = paths[seed % len(paths)]
        document = {
            "version": 1,
            "job": "test",
            "plugin": {"path": "pagerank.so", "args": {"input": str(path), "output": "ranks.tsv"}},
            "tasks": {"count": 2 + seed % 7, "backups": seed % 2},
            "links": {"peers": {"shape": "full"}},
        }
        options = ["--chaos", f"seed={seed},rate=0.003", "--threads", str(1 + seed % 3), *where(seed // 3)]
        job = pool.run_job(f"seed-{seed}", document, options, timeout=60)
        assert job.finished.code == 0, job.finished
        assert json.loads(job.result)["result"]["converged"], job.finished
        assert distance(read_ranks(job.folder / "ranks.tsv"), ranks[path]) <= DISTANCE_MAX, job.finished
        job.forget()
        return faults_injected(job)

    assert sum(pool.each(check, seeds, host_pool.AT_ONCE_WAITING)) > len(seeds)


def test_pagerank_under_seeded_plans(pool, build_dir, tmp_path):
    pagerank_under_seeds(pool, build_dir, tmp_path, range(1, 1 + SEEDS_GATE))


@pytest.mark.full
def test_pagerank_under_a_thousand_seeded_plans(pool, build_dir, tmp_path):
    pagerank_under_seeds(pool, build_dir, tmp_path, range(1, 1001))


def injected(job: host_pool.Job) -> list[list[int]]:
    """By task: the numbers of the events that were faults."""
    tasks = [[] for _ in range(TASKS)]
    for _, task, event in INJECTED.findall(job.finished.err):
        tasks[int(task)].append(int(event))
    return tasks


def test_the_same_seed_gives_the_same_faults_whatever_the_threads_do(pool):
    """Nor the processes. How many events a task has depends on the threads; which of them are faults does not, while the budget lasts."""

    def run(case: tuple[int, int, list[str]]) -> list[list[int]]:
        seed, threads, more = case
        options = ["--chaos", f"seed={seed},rate=0.03,max=100000", "--threads", str(threads), "--log-level", "debug", *more]
        job = pool.run_job(f"seed-{seed}-{threads}{''.join(more)}", regression(20, backups=1), options)
        check_sums(job, 20)
        assert sum(map(len, injected(job))) == faults_injected(job), job.finished
        return injected(job)

    local, workers = ["--local"], ["--workers", "3"]
    *same, other = pool.each(run, [(7, 1, local), (7, 2, local), (7, 4, local), (7, 1, workers), (7, 2, []), (8, 1, local)])
    in_common = 0
    for lists in zip(*same):
        length = min(map(len, lists))
        assert all(each[:length] == lists[0][:length] for each in lists), lists
        in_common += length
    assert in_common >= TASKS
    assert any(a[:1] != b[:1] for a, b in zip(same[0], other)), "another seed, other faults"


# ---------------------------------------------------------------- long jobs


def ten_thousand_epochs(pool, name: str) -> None:
    job = pool.run_job(name, regression(10_000), timeout=60)
    check_sums(job, 10_000)
    job.forget()


def test_ten_thousand_epochs(pool):
    ten_thousand_epochs(pool, "once")


@pytest.mark.full
def test_ten_thousand_epochs_twenty_times(pool):
    for run in range(20):
        ten_thousand_epochs(pool, f"run-{run}")


# ---------------------------------------------------------------- the restart policy


@pytest.fixture
def misbehave(build_dir):
    """misbehave(args, **changes) -> a topology of three tasks, one of which misbehaves."""

    def document(args: dict, **changes) -> dict:
        made = {
            "version": 1,
            "job": "test",
            "plugin": {"path": str(build_dir / "tests" / "fixtures" / "plugins" / "misbehave.so"), "args": args},
            "tasks": {"count": 3},
            "links": {"peers": {"shape": "full"}},
        }
        host_process.merge(made, changes)
        return made

    return document


def log_of(job: host_pool.Job) -> list[tuple[float, str]]:
    """Seconds and message of each line of a log in JSON."""
    lines = [json.loads(line) for line in job.finished.err.splitlines()]
    return [(datetime.fromisoformat(line["time"].replace("Z", "+00:00")).timestamp(), line["message"]) for line in lines]


def pauses(job: host_pool.Job, task: int) -> list[float]:
    """Seconds from each failure of the task to its next primary."""
    found, failed = [], None
    for at, message in log_of(job):
        if message.startswith(f"task {task} failed"):
            failed = at
        elif message.startswith(f"task {task} goes on") and failed is not None:
            found.append(at - failed)
            failed = None
    return found


def test_a_task_that_always_fails_is_given_up_with_the_reason(pool, misbehave):
    args = {"task": 2, "hook": "enter_epoch", "what": "throw", "times": 0}
    restart = {"max": 3, "window": "30s", "backoff": "60ms", "backoff_max": "150ms"}
    job = pool.run_job("job", misbehave(args, restart=restart), ["--log-format", "json"])
    assert job.finished.code == 1, job.finished
    gave_up = (
        "task 2 gave up: 4 failures in 30 s (limit restart.max=3); last: "
        'hook enter_epoch threw "misbehave: enter_epoch of task 2" at epoch 0; the plugin is to blame, not the host'
    )
    assert log_of(job)[-1][1].endswith(gave_up), job.finished
    result = json.loads(job.result)
    assert result == {"job": "test", "status": "failed", "epochs": 0, "reason": gave_up, "result": {}}
    # Doubled from failure to failure, up to backoff_max. The log's times are whole milliseconds.
    waited = pauses(job, 2)
    assert len(waited) == 3
    for pause, backoff in zip(waited, [0.06, 0.12, 0.15]):
        assert pause >= backoff - 0.002, waited


def test_failures_outside_of_the_window_do_not_count(pool, misbehave):
    args = {"task": 1, "hook": "enter_epoch", "what": "throw", "times": 4}
    restart = {"max": 1, "window": "100ms", "backoff": "150ms", "backoff_max": "150ms"}
    job = pool.run_job("job", misbehave(args, restart=restart))
    assert job.finished.code == 0, job.finished
    assert job.finished.err.count("task 1 failed: hook enter_epoch threw") == 4, job.finished


def test_injected_faults_never_count_and_restart_at_once(pool):
    options = ["--chaos", "seed=1,rate=0.2,max=200", "--log-format", "json"]
    restart = {"max": 1, "backoff": "1s"}
    job = pool.run_job("job", regression(40, backups=0, restart=restart), options, timeout=60)
    check_sums(job, 40)
    assert "200 faults injected" in job.finished.err
    waited = [pause for task in range(TASKS) for pause in pauses(job, task)]
    assert len(waited) >= 50
    # Within 100 ms each; the median, as a busy machine may keep one of them waiting for longer.
    assert statistics.median(waited) < 0.1, waited


def test_injected_faults_do_not_use_up_what_the_plugin_may_fail(pool, misbehave):
    """Two failures of its own are within restart.max, however many kills come between them."""
    args = {"task": 1, "hook": "enter_epoch", "what": "throw", "times": 2, "epochs": 30}
    faults = [{"kill": 1, "at_event": event} for event in range(5, 60, 5)]
    job = pool.run_job("job", misbehave(args, restart={"max": 2, "backoff": "10ms"}), faults=faults)
    assert job.finished.code == 0, job.finished
    assert job.finished.err.count("task 1 failed: killed by --chaos") == len(faults), job.finished
    assert json.loads(job.result)["result"] == {"epochs": 30, "last": 3 * 29}
