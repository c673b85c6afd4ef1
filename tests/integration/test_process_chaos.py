"""Faults that hit whole worker processes: by --chaos, exact to the event, and by kill -9 from outside."""

import json
import random
import re
import signal
import subprocess
import time

import host_process
import job_processes
import pytest
from test_failure import regression
from test_pagerank import DISTANCE_MAX, distance, random_graph, read_ranks

# A build with a sanitizer is slower by the time factor: it gets fewer cases, and more time until a worker counts as stopped.
SEEDS = max(1, int(3 / host_process.TIME_FACTOR))
STALL = f"{250 * min(4, max(1, int(host_process.TIME_FACTOR)))}ms"
TASKS = 15
EPOCHS = 200
SUMS = [sum(k * e for k in range(TASKS)) for e in range(EPOCHS + 1)]
# Of a supervisor of 4 workers, or of one of them; with some room, but not for one more with each kill.
DESCRIPTORS_MAX = 48
INJECTED = re.compile(r"chaos: (\w+) (?:worker of )?task (\d+) at (event|epoch) (\d+)")
KILLED = re.compile(r"worker \d+ \(process \d+, life [0-9a-f-]+\) was killed by --chaos")
STOPPED = re.compile(r"worker \d+ \(process \d+, life [0-9a-f-]+\) was stopped by --chaos, and killed after failure\.stall")


class Jobs:
    """Starts jobs of both plugins in 4 workers, in an empty folder for temporary files, and looks at what they leave."""

    def __init__(self, start_host, folder, build_dir):
        self._start_host = start_host
        self._folder = folder
        self._temporary = folder / "temporary"
        self._temporary.mkdir()
        self._edges = folder / "edges.txt"
        self._serial = build_dir / "bin" / "pagerank-serial"
        self._ranks = None

    def start(self, document: dict, *options) -> host_process.Child:
        path = self._folder / "topology.json"
        path.write_text(json.dumps(document))
        arguments = ["--topology", path, "--result", self._folder / "result.json", "--workers", "4", *options]
        return self._start_host(arguments, env={"TMPDIR": self._temporary})

    def start_regression(self, *options, pause_ms=0, backups=1, epochs=EPOCHS, **changes) -> host_process.Child:
        plugin = {"args": {"pause_ms": pause_ms}}
        return self.start(regression(epochs, backups, plugin=plugin, failure={"stall": STALL}, **changes), *options)

    def start_pagerank(self, *options, backups=1) -> host_process.Child:
        if self._ranks is None:
            self._edges.write_bytes(random_graph(40, 2_000, 12_000).encode())
            serial = self._folder / "serial.tsv"
            subprocess.run([self._serial, self._edges, serial], check=True, capture_output=True, timeout=60)
            self._ranks = read_ranks(serial)
        document = {
            "version": 1,
            "job": "test",
            "plugin": {"path": "pagerank.so", "args": {"input": str(self._edges), "output": "ranks.tsv"}},
            "tasks": {"count": 8, "backups": backups},
            "links": {"peers": {"shape": "full"}},
            "failure": {"stall": STALL},
        }
        return self.start(document, *options)

    def check_regression(self, finished) -> None:
        assert finished.code == 0, finished
        assert json.loads((self._folder / "result.json").read_text())["result"]["sums"] == SUMS, finished

    def check_pagerank(self, finished) -> None:
        assert finished.code == 0, finished
        assert json.loads((self._folder / "result.json").read_text())["result"]["converged"], finished
        assert distance(read_ranks(self._folder / "ranks.tsv"), self._ranks) <= DISTANCE_MAX, finished

    def wait(self, child: host_process.Child, timeout: float = 60) -> host_process.Finished:
        """Until it ends by itself, with nothing left of it."""
        end = time.monotonic() + timeout * host_process.TIME_FACTOR
        while child.running() and time.monotonic() < end:
            time.sleep(0.01)
        left = job_processes.of_session(child.pid)
        finished = child.wait(timeout=0.1)
        assert left == [], f"processes {left} are left: {finished}"
        assert list(self._temporary.iterdir()) == [], finished
        return finished


@pytest.fixture
def jobs(start_host, tmp_path, build_dir):
    return Jobs(start_host, tmp_path, build_dir)


def injected(finished) -> list[tuple[str, int, str, int]]:
    return [(kind, int(task), when, int(at)) for kind, task, when, at in INJECTED.findall(finished.err)]


def write_faults(tmp_path, faults: list[dict]):
    path = tmp_path / "chaos.json"
    path.write_text(json.dumps(faults))
    return path


def test_workers_are_hit_exactly_where_a_file_says_and_nobody_is_blamed(jobs, tmp_path):
    faults = [
        {"sigkill": "worker of 3", "at_epoch": 20},
        {"sigstop": "worker of 0", "at_epoch": 60},
        {"sigkill": "worker of 0", "at_event": 300},
        {"sigkill": "worker of 3", "at_epoch": 90},
    ]
    # One failure by its own fault would fail the job, and the first restart would wait for longer than a test may.
    child = jobs.start_regression(
        "--chaos", write_faults(tmp_path, faults), "--log-level", "debug", restart={"max": 0, "backoff": "1h", "backoff_max": "1h"}
    )
    finished = jobs.wait(child)
    jobs.check_regression(finished)
    wanted = [("sigkill", 3, "epoch", 20), ("sigstop", 0, "epoch", 60), ("sigkill", 0, "event", 300), ("sigkill", 3, "epoch", 90)]
    assert sorted(injected(finished)) == sorted(wanted), finished
    assert "chaos: 4 faults injected" in finished.err, finished
    assert (len(KILLED.findall(finished.err)), len(STOPPED.findall(finished.err))) == (3, 1), finished
    assert "warning worker" not in finished.err, finished


def test_counts_and_budget_outlive_the_workers(jobs, tmp_path):
    """Every fault kills the one who counts; each is given once all the same, at its number."""
    faults = [{"sigkill": "worker of 0", "at_event": event} for event in range(10, 120, 10)]
    path = write_faults(tmp_path, faults)
    child = jobs.start_regression("--chaos", path, "--log-level", "debug", backups=0)
    child.wait_for("is ready")
    path.unlink()  # what it said is known, to later workers too
    finished = jobs.wait(child)
    jobs.check_regression(finished)
    assert injected(finished) == [("sigkill", 0, "event", event) for event in range(10, 120, 10)], finished
    assert f"chaos: {len(faults)} faults injected" in finished.err, finished

    # On one thread: of two, one that has counted its fault may be ended by the other's before it tells.
    options = ["--chaos", "seed=1,rate=0.2,max=7,workers=1", "--threads", "1", "--log-level", "debug"]
    finished = jobs.wait(jobs.start_regression(*options))
    jobs.check_regression(finished)
    assert len(injected(finished)) == 7, finished
    assert "chaos: 7 faults injected" in finished.err, finished


def by_task(finished) -> list[list[tuple[str, int]]]:
    tasks = [[] for _ in range(TASKS)]
    for kind, task, _, at in injected(finished):
        tasks[task].append((kind, at))
    return tasks


def test_a_seed_hits_the_same_workers_at_the_same_events(jobs):
    runs = []
    for threads in ("1", "2"):
        options = ["--chaos", "seed=11,rate=0.02,max=40,workers=0.3", "--threads", threads, "--log-level", "debug"]
        finished = jobs.wait(jobs.start_regression(*options))
        jobs.check_regression(finished)
        runs.append(by_task(finished))
    in_common = 0
    for one, other in zip(*runs):
        length = min(len(one), len(other))
        # What an event is decides between kill and delay, and threads may change it; workers are hit whatever it is.
        hits = [[fault if "sig" in fault[0] else fault[1] for fault in faults[:length]] for faults in (one, other)]
        assert hits[0] == hits[1], runs
        in_common += sum("sig" in kind for kind, _ in one[:length])
    assert in_common >= 3, runs


@pytest.mark.parametrize("seed", range(1, 1 + SEEDS))
def test_regression_under_process_chaos(jobs, seed):
    finished = jobs.wait(jobs.start_regression("--chaos", f"seed={seed},rate=0.005,workers=0.5", backups=seed % 3))
    jobs.check_regression(finished)
    assert len(KILLED.findall(finished.err)) + len(STOPPED.findall(finished.err)) >= 3, finished


@pytest.mark.parametrize("seed", range(1, 1 + SEEDS))
def test_pagerank_under_process_chaos(jobs, seed):
    finished = jobs.wait(jobs.start_pagerank("--chaos", f"seed={seed},rate=0.002,max=12,workers=0.5", backups=seed % 2))
    jobs.check_pagerank(finished)
    assert len(KILLED.findall(finished.err)) + len(STOPPED.findall(finished.err)) >= 2, finished


@pytest.mark.parametrize(
    "chaos, text",
    [
        ("seed=1,rate=0.1,workers=0.5", "--chaos: workers= needs worker processes; leave --local away"),
        ([{"sigkill": "worker of 1", "at_epoch": 1}], 'chaos.json:1:14: "worker of" needs worker processes; leave --local away'),
    ],
)
def test_without_workers_none_can_be_hit(run_host, topology, tmp_path, chaos, text):
    value = chaos if isinstance(chaos, str) else write_faults(tmp_path, chaos)
    finished = run_host(["--topology", topology(), "--local", "--chaos", value])
    assert finished.code == 64, finished
    assert text in finished.err, finished


# ---------------------------------------------------------------- kill -9 from outside


class Killer:
    """Kills workers at random, and keeps what it has seen of the job's descriptors."""

    def __init__(self, seed: int):
        self._choose = random.Random(seed)
        self.kills = 0
        self.supervisor_descriptors = 0
        self.worker_descriptors = 0

    def work_on(self, child: host_process.Child, kills_max: int) -> None:
        killed = 0
        while child.running() and killed < kills_max:
            time.sleep(self._choose.uniform(0.005, 0.08))
            self.supervisor_descriptors = max(self.supervisor_descriptors, job_processes.descriptors(child.pid))
            alive = job_processes.workers(child.pid)
            if not alive:
                continue
            victim = self._choose.choice(alive)
            self.worker_descriptors = max(self.worker_descriptors, job_processes.descriptors(victim))
            killed += job_processes.send(victim, child.pid, signal.SIGKILL)
        self.kills += killed


def kill_workers_of_many_jobs(jobs, kills: int, kills_per_job: int) -> dict:
    killer, rounds = Killer(seed=kills), 0
    started = time.monotonic()
    while killer.kills < kills:
        assert rounds < 4 * kills // kills_per_job, f"jobs end too soon: {killer.kills} kills in {rounds} rounds"
        if rounds % 2 == 0:
            child, check = jobs.start_regression(pause_ms=3, backups=rounds // 2 % 3), jobs.check_regression
        else:
            child, check = jobs.start_pagerank(backups=rounds // 2 % 2), jobs.check_pagerank
        killer.work_on(child, min(kills_per_job, kills - killer.kills))
        check(jobs.wait(child))
        rounds += 1
    assert max(killer.supervisor_descriptors, killer.worker_descriptors) <= DESCRIPTORS_MAX, vars(killer)
    return {
        "kills": killer.kills,
        "rounds": rounds,
        "seconds": round(time.monotonic() - started, 1),
        "descriptors of a supervisor, at most": killer.supervisor_descriptors,
        "descriptors of a worker, at most": killer.worker_descriptors,
    }


def test_kill_9_of_workers_of_both_jobs(jobs):
    kill_workers_of_many_jobs(jobs, kills=20, kills_per_job=10)


@pytest.mark.full
def test_a_thousand_kill_9(jobs, capsys):
    figures = kill_workers_of_many_jobs(jobs, kills=1_000, kills_per_job=20)
    with capsys.disabled():
        print("\na thousand kill -9:", figures)
