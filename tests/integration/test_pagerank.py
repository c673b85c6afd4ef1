"""The pagerank job against the serial program, which shares no code with it, on graphs made here; and its scripts."""

import gzip
import json
import os
import random
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "plugins" / "pagerank"
DISTANCE_MAX = 1e-9


def random_graph(seed: int, vertices: int, edges: int) -> str:
    """An edge list with all that may be in one: dangling vertices, loops, repeated edges, ids of all sizes, comments, empty
    lines, blanks, tabs, CRLF, and no line feed at the end."""
    rng = random.Random(seed)
    ids = [rng.choice([i, rng.getrandbits(20), rng.getrandbits(63), 2**63 - 1 - i, 2**63 + i]) for i in range(vertices)]
    lines = ["# Directed graph", "", f"#from\tto ({seed})"]
    for _ in range(edges):
        # Few lead out of the later half, so that many of them dangle.
        source = ids[rng.randrange(max(1, vertices // 2))] if rng.random() < 0.95 else rng.choice(ids)
        target = source if rng.random() < 0.05 else rng.choice(ids)
        line = f"{source}{rng.choice([' ', chr(9), '  ', ' ' + chr(9)])}{target}"
        lines += [line] * (2 if rng.random() < 0.1 else 1)
        if rng.random() < 0.02:
            lines.append(rng.choice(["", "# comment", "   ", "\t# more"]))
    return "".join(line + rng.choice(["\n", "\n", "\r\n"]) for line in lines).rstrip()


def read_ranks(path: Path) -> list[tuple[int, float]]:
    ranks = []
    for line in path.read_text().splitlines():
        vertex, rank = line.split("\t")
        assert rank == "%.17g" % float(rank)
        ranks.append((int(vertex), float(rank)))
    return ranks


def distance(a: list, b: list) -> float:
    ranks = dict(b)
    assert len(a) == len(dict(a)) == len(ranks), "each vertex once"
    return sum(abs(rank - ranks[vertex]) for vertex, rank in a)


@pytest.fixture
def serial(build_dir, tmp_path):
    """serial(*arguments) -> (ranks, numbers) of the serial program for edges.txt."""

    def run(*arguments):
        program = build_dir / "bin" / "pagerank-serial"
        command = [program, tmp_path / "edges.txt", tmp_path / "serial.tsv", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done
        return read_ranks(tmp_path / "serial.tsv"), json.loads(done.stdout)

    return run


@pytest.fixture
def pagerank(topology):
    """pagerank(tasks=8, **args) -> path of a topology; input is edges.txt beside it, output ranks.tsv."""

    def write(tasks=8, **args):
        return topology(
            plugin={"path": "pagerank.so", "args": {"epochs": None, "input": "edges.txt", "output": "ranks.tsv", **args}},
            tasks={"count": tasks},
            links={"parents": None, "children": None, **({"peers": {"shape": "full"}} if tasks > 1 else {})},
        )

    return write


@pytest.fixture
def run_job(run_host, pagerank, tmp_path):
    """run_job(options=[], tasks=8, **args) -> (ranks, the job's result)."""

    def run(options=(), tasks=8, **args):
        result = tmp_path / "result.json"
        # From another folder: relative paths start at the topology.
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir(exist_ok=True)
        topology = pagerank(tasks, **args)
        finished = run_host(["--topology", topology, "--result", result, *options], timeout=60, cwd=elsewhere)
        assert finished.code == 0, finished
        document = json.loads(result.read_text())
        assert document["status"] == "done"
        assert list(elsewhere.iterdir()) == []
        return read_ranks(tmp_path / "ranks.tsv"), document["result"]

    return run


def check(ranks, result, serial_ranks, serial_numbers):
    assert distance(ranks, serial_ranks) <= DISTANCE_MAX
    assert result["converged"]
    assert result["step"] < 1e-10
    assert (result["vertices"], result["edges"]) == (serial_numbers["vertices"], serial_numbers["edges"])
    assert ranks == sorted(ranks, key=lambda pair: (-pair[1], pair[0])), "by falling rank, ties by rising id"
    assert abs(sum(rank for _, rank in ranks) - 1) < 1e-12


@pytest.mark.parametrize("seed, tasks", [(1, 1), (2, 2), (3, 3), (4, 8), (5, 16)])
def test_the_ranks_are_those_of_the_serial_program(run_job, serial, tmp_path, seed, tasks):
    (tmp_path / "edges.txt").write_bytes(random_graph(seed, 300, 1500).encode())
    ranks, result = run_job(tasks=tasks)
    serial_ranks, numbers = serial()
    check(ranks, result, serial_ranks, numbers)
    assert result["iterations"] == numbers["iterations"]
    assert result["restarts"] == 0


@pytest.mark.parametrize("seed", range(10, 16))
def test_seeded_faults_do_not_change_the_ranks(run_job, serial, tmp_path, seed):
    rng = random.Random(seed)
    (tmp_path / "edges.txt").write_bytes(random_graph(seed, rng.randrange(5, 400), rng.randrange(5, 2000)).encode())
    ranks, result = run_job(["--chaos", f"seed={seed},rate=0.002"], tasks=rng.randrange(2, 9))
    check(ranks, result, *serial())


def test_killed_tasks_begin_anew_and_the_job_goes_on(run_job, serial, tmp_path):
    (tmp_path / "edges.txt").write_bytes(random_graph(20, 500, 3000).encode())
    kills = [{"kill": 3, "at_epoch": 4}, {"kill": 0, "at_epoch": 6}, {"kill": 7, "at_epoch": 8}, {"kill": 3, "at_epoch": 9}]
    (tmp_path / "chaos.json").write_text(json.dumps(kills))
    ranks, result = run_job(["--chaos", tmp_path / "chaos.json"])
    serial_ranks, numbers = serial()
    check(ranks, result, serial_ranks, numbers)
    assert result["restarts"] == 4
    assert result["iterations"] > 9


def test_graphs_that_do_not_meet_forget_a_fault_as_slowly_as_can_be(run_job, serial, tmp_path):
    """Each of many cycles with a tail keeps what it has: the error fades by the damping only, here and in the serial run."""
    lines = []
    for i in range(40):
        lines += [f"{10 * i} {10 * i + 1}", f"{10 * i + 1} {10 * i}", f"{10 * i + 2} {10 * i}"] + [f"{10 * i + 3} {10 * i + 1}"] * (i % 2)
    (tmp_path / "edges.txt").write_text("\n".join(lines))
    kills = [{"kill": task, "at_epoch": 100 + task} for task in range(8)]
    (tmp_path / "chaos.json").write_text(json.dumps(kills))
    ranks, result = run_job(["--chaos", tmp_path / "chaos.json"])
    check(ranks, result, *serial())
    assert result["restarts"] == 8


def test_damping_tolerance_and_a_limit_of_iterations(run_job, serial, tmp_path):
    (tmp_path / "edges.txt").write_bytes(random_graph(30, 100, 500).encode())
    ranks, result = run_job(tasks=4, damping=0.5, tolerance=1e-3)
    serial_ranks, numbers = serial(0.5, 1e-3)
    assert distance(ranks, serial_ranks) < 1e-14
    assert result["iterations"] == numbers["iterations"]

    ranks, result = run_job(tasks=4, iterations_max=3, tolerance=0)
    assert (result["iterations"], result["converged"]) == (3, False)
    assert distance(ranks, serial(0.85, 0, 3)[0]) < 1e-14


def test_no_edges_no_ranks(run_job, tmp_path):
    (tmp_path / "edges.txt").write_text("# nobody\n")
    ranks, result = run_job(tasks=3)
    assert ranks == []
    assert result["vertices"] == 0


@pytest.mark.parametrize(
    "args, text",
    [
        ({"input": None}, 'argument "input" is missing; expected a string'),
        ({"output": None}, 'argument "output" is missing; expected a string'),
        ({"input": "none.txt"}, "none.txt: No such file or directory"),
        ({"input": "."}, "is no regular file"),
        ({"input": "bad.txt"}, "bad.txt:4: expected two vertex numbers from 0 to 18446744073709551615"),
        ({"output": "none/ranks.tsv"}, 'argument "output": there is no folder'),
        ({"damping": 1}, 'argument "damping" is 1.000000; expected 0 or more, and less than 1'),
        ({"tolerance": -1}, 'argument "tolerance" is -1.000000; expected 0 or more'),
        ({"iterations_max": 0}, 'argument "iterations_max" is 0; expected 1 to 1000000000'),
        ({"iteration_max": 5}, 'unknown argument "iteration_max"'),
    ],
)
def test_arguments_that_cannot_be_refuse_the_plugin(run_host, pagerank, tmp_path, args, text):
    (tmp_path / "edges.txt").write_text("1 2\n")
    (tmp_path / "bad.txt").write_text("# a comment\n1 2\n\n1 -2\n")
    finished = run_host(["--topology", pagerank(**args)])
    assert finished.code == 78, finished
    assert text in finished.err, finished
    assert not (tmp_path / "ranks.tsv").exists()


def test_tasks_that_are_not_linked_to_all_fail_the_job(run_host, topology, tmp_path):
    (tmp_path / "edges.txt").write_text("1 2\n")
    changes = {
        "plugin": {"path": "pagerank.so", "args": {"epochs": None, "input": "edges.txt", "output": "ranks.tsv"}},
        "tasks": {"count": 4},
        "links": {"parents": None, "children": None, "peers": {"shape": "star"}},
        "restart": {"max": 1, "backoff": "10ms"},
    }
    finished = run_host(["--topology", topology(**changes)])
    assert finished.code == 1, finished
    assert 'the link "peers" must join each task to all others (shape "full")' in finished.err, finished


STANZAS = """Package: a
Version: 1
Pre-Depends: b (>= 1.0)
Depends: c:any | d, e [amd64], a,
 f (= 1),b, virtual
Description: words
 Depends: nothing

Package: b
Status: install ok installed
Depends: a

Package: c
Package: d
Package: e
Package: f
Depends: gone

Package: gone
Status: deinstall ok config-files
Depends: a
"""


def debian_graph(folder: Path, root: Path):
    done = subprocess.run([SCRIPTS / "debian-graph.sh", folder, root], capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        return done, None
    names = dict(line.split("\t") for line in (folder / "names.txt").read_text().splitlines())
    lines = [line for line in (folder / "edges.txt").read_text().splitlines() if not line.startswith("#")]
    return done, sorted(tuple(names[vertex] for vertex in line.split("\t")) for line in lines)


EDGES = [("a", "a"), ("a", "b"), ("a", "c"), ("a", "e"), ("a", "f"), ("b", "a")]


def test_debian_graph_of_the_installed_packages(tmp_path):
    status = tmp_path / "root" / "var" / "lib" / "dpkg" / "status"
    status.parent.mkdir(parents=True)
    status.write_text(STANZAS)
    done, edges = debian_graph(tmp_path / "out", tmp_path / "root")
    assert done.stdout == "6 packages, 6 dependencies, from the installed packages\n"
    assert edges == EDGES


def test_debian_graph_prefers_apts_lists(tmp_path):
    root = tmp_path / "root" / "var" / "lib"
    (root / "dpkg").mkdir(parents=True)
    (root / "dpkg" / "status").write_text("Package: x\nStatus: install ok installed\nDepends: x\n")
    lists = root / "apt" / "lists"
    lists.mkdir(parents=True)
    one, other = STANZAS.split("\n\n", 1)
    (lists / "mirror_main_binary-amd64_Packages").write_text(one)
    if os.access("/usr/lib/apt/apt-helper", os.X_OK):
        (lists / "mirror_security_binary-amd64_Packages.gz").write_bytes(gzip.compress(other.encode()))
    else:
        (lists / "mirror_security_binary-amd64_Packages").write_text(other)
    done, edges = debian_graph(tmp_path / "out", tmp_path / "root")
    assert done.stdout == "6 packages, 6 dependencies, from apt's package lists\n"
    assert edges == EDGES


def test_debian_graph_without_any_says_so(tmp_path):
    done, _ = debian_graph(tmp_path / "out", tmp_path)
    assert done.returncode == 1
    assert "neither apt's package lists nor dpkg's status is here" in done.stderr
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.skipif(not Path("/var/lib/dpkg/status").exists(), reason="no Debian: there are no packages to rank")
def test_the_job_of_the_quickstart(build_dir):
    done = subprocess.run([SCRIPTS / "quickstart-job.sh", build_dir], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    table = done.stdout.split("needed by\n")[1].split("\n\n")[0].splitlines()
    assert [line.split()[0] for line in table] == [str(place) for place in range(1, 11)]
    assert done.stdout.count("was killed by --chaos") == 2, done.stdout
    for task, epoch in ((3, 10), (5, 25)):
        told = rf"^SIGKILL of the worker of task {task} in epoch {epoch}: its \d tasks had new primaries \d+ ms later\.$"
        assert len(re.findall(told, done.stdout, re.MULTILINE)) == 1, done.stdout
    assert "tasks were killed on the way and began anew" in done.stdout
    assert "The ranks agree with the serial program's" in done.stdout
