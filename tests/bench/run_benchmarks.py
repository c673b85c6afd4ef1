#!/usr/bin/env python3
"""Measures what TaskGraph promises of its speed and prints a table; ratios compare programs of the same run.

usage: tests/bench/run_benchmarks.py --build build/release [--rounds N] [--json FILE]

Run from the root of the repository. The programs of a comparison take turns, round by round, and medians count, so that
other work on the machine meets all of them. Needs what packaging/install-deps.sh full installs, and taskgraph-*_bench,
taskgraph-*_yardstick and plane_probe.so of the same build or of build/bench. Ends with `benchmarks: N passed, N failed`; status 0 when every target is reached, 1 when one is not, 2 when
something could not be measured.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import measure
from measure import BenchmarkError, run
from plane_benchmarks import epoch_step, large_pulls, small_pulls
from power_law_graph import write_graph
from rows import Row, print_table, ratios, shown

REGRESSION_EPOCHS = 15_000
IDLE_TASKS = 10_000
FEW_TASKS = 10
GRAPH = {"edges": 1_000_000, "vertices": 200_000, "seed": 1}
DAMPING = 0.85
TREE = {
    "parents": {"shape": "tree", "arity": 2, "role": "parents"},
    "children": {"shape": "tree", "arity": 2, "role": "children"},
}


class Programs:
    """Where the programs of a build are. Raises BenchmarkError when one is missing."""

    def __init__(self, build: Path):
        self.host = self._find("taskgraph-host", [build])
        self.serial = self._find("pagerank-serial", [build])
        self.pull_bench = self._find("taskgraph-pull_bench", [build, Path("build/bench")])
        self.wire_bench = self._find("taskgraph-wire_bench", [build, Path("build/bench")])
        self.tcp_yardstick = self._find("taskgraph-tcp_yardstick", [build, Path("build/bench")])
        self.grpc_yardstick = self._find("taskgraph-grpc_yardstick", [build, Path("build/bench")])
        self.mpi_yardstick = self._find("taskgraph-mpi_yardstick", [build, Path("build/bench")])
        self.plane_probe = self._find("plane_probe.so", [build, Path("build/bench")], "tests/plugins")
        for program, package in [("erlc", "erlang-base"), ("mpirun", "openmpi-bin")]:
            if shutil.which(program) is None:
                raise BenchmarkError(f"there is no {program}; run packaging/install-deps.sh full, or install {package}")

    @staticmethod
    def _find(name: str, builds: list[Path], folder: str = "bin") -> Path:
        for build in builds:
            program = build / folder / name
            if program.exists():
                return program.resolve()
        raise BenchmarkError(
            f"there is no {folder}/{name} in {' or '.join(map(str, builds))}; run packaging/install-deps.sh full, "
            "then cmake --preset bench && cmake --build --preset bench"
        )


def write_job(path: Path, plugin: str, tasks: int, args: dict, links: dict) -> Path:
    document = {
        "version": 1,
        "job": path.stem,
        "plugin": {"path": f"{plugin}.so", "args": args},
        "tasks": {"count": tasks, "backups": 0},
        "links": links,
    }
    path.write_text(json.dumps(document))
    return path


def pulls(programs: Programs, folder: Path, rounds: int) -> list[Row]:
    """CPU time of the whole process per pull between two tasks in one worker."""
    args = [programs.pull_bench, "--benchmark_filter=^pull/", "--benchmark_format=json", "--benchmark_min_time=0.01"]
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        for result in json.loads(run(args).out)["benchmarks"]:
            threads = result["name"].split("threads:")[1].split("/")[0]
            found.setdefault(threads, []).append(result["cpu_ns_per_pull"])
    return [
        Row(f"CPU per pull, threads: {threads}", "ns", values, at_most=1000, command=shown(*args))
        for threads, values in found.items()
    ]


def wire(programs: Programs, folder: Path, rounds: int) -> list[Row]:
    """CPU time to write and to read a pull request with a body of 64 bytes, as one of many in a batch."""
    args = [programs.wire_bench, "--benchmark_format=json", "--benchmark_min_time=0.05"]
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        for result in json.loads(run(args).out)["benchmarks"]:
            found.setdefault(result["name"], []).append(1e9 / result["items_per_second"])
    return [
        Row("CPU to encode a small pull request", "ns", found["wire/encode"], at_most=100, command=shown(*args)),
        Row("  to decode it", "ns", found["wire/decode"]),
    ]


def regression(programs: Programs, folder: Path, rounds: int) -> list[Row]:
    """15 tasks in one worker against 15 processes in one node of Erlang: 8 doubles down, 16 x 8 doubles up."""
    job = write_job(folder / "regression.json", "regression", 15, {"epochs": REGRESSION_EPOCHS, "payload": "wide"}, TREE)
    result = folder / "regression-result.json"
    ours = [programs.host, "--local", "--topology", job, "--result", result]
    run(["erlc", "-o", folder, Path(__file__).with_name("regression_tree.erl")])
    node = ["-noshell", "-pa", folder, "-s", "regression_tree", "main", REGRESSION_EPOCHS]
    nodes = {"default": ["erl", *node], "+S 1:1": ["erl", "+S", "1:1", *node]}

    our_rates, our_cpu = [], []
    rates: dict[str, list[float]] = {name: [] for name in nodes}
    cpu: dict[str, list[float]] = {name: [] for name in nodes}
    for _ in range(rounds):
        ran = run(ours)
        sums = json.loads(result.read_text())["result"]["sums"]
        if sums != [105 * epoch for epoch in range(REGRESSION_EPOCHS + 1)]:
            raise BenchmarkError("the regression job gave wrong sums")
        our_rates.append(REGRESSION_EPOCHS / ran.wall_s)
        our_cpu.append(ran.cpu_s / REGRESSION_EPOCHS * 1e6)
        for name, args in nodes.items():
            told = json.loads(run(args).out)
            rates[name].append(told["epochs"] / told["seconds"])
            cpu[name].append(told["cpu_s"] / told["epochs"] * 1e6)
    fastest = max(rates, key=lambda name: statistics.median(rates[name]))
    return [
        Row(
            "regression tree: epochs/s, worker / Erlang node",
            "ratio",
            ratios(our_rates, rates[fastest]),
            at_least=1,
            note=f"the host with its start against the loop of erl {fastest} alone",
            command=shown(*ours),
        ),
        Row("  worker", "epochs/s", our_rates, command=shown(*ours)),
        *[Row(f"  Erlang node, {name}", "epochs/s", rates[name], command=shown(*nodes[name])) for name in nodes],
        Row("  worker, CPU", "us/epoch", our_cpu),
        *[Row(f"  Erlang node, {name}, CPU", "us/epoch", cpu[name]) for name in nodes],
    ]


def start(programs: Programs, folder: Path, rounds: int) -> list[Row]:
    """From the spawn of the host to the end of a job whose first epoch is its last: a bound for the first epoch."""
    job = write_job(folder / "start.json", "regression", 15, {"epochs": 0}, TREE)
    steps = {
        "start to the end of epoch 0": [programs.host, "--local", "--topology", job],
        "  of it: the process alone": [programs.host, "--version"],
        "  of it: and topology, plugin": [programs.host, "--topology", job, "--validate"],
    }
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(4 * rounds):
        for name, args in steps.items():
            times[name].append(run(args).wall_s * 1e3)
    limits = {"start to the end of epoch 0": 50}
    return [Row(name, "ms", times[name], at_most=limits.get(name), command=shown(*steps[name])) for name in steps]


def pagerank(programs: Programs, folder: Path, rounds: int) -> list[Row]:
    """8 tasks against the serial program on the same file: CPU from start to end, reading and writing included."""
    write_graph(folder / "graph.txt", **GRAPH)
    rows = []
    for title, tolerance, iterations_max in [("to convergence", 1e-10, 200), ("100 iterations", 0, 100)]:
        args = {
            "input": "graph.txt",
            "output": "ranks.tsv",
            "damping": DAMPING,
            "tolerance": tolerance,
            "iterations_max": iterations_max,
        }
        job = write_job(folder / "pagerank.json", "pagerank", 8, args, {"peers": {"shape": "full"}})
        result = folder / "pagerank-result.json"
        ours = [programs.host, "--local", "--topology", job, "--result", result]
        theirs = [programs.serial, folder / "graph.txt", folder / "serial.tsv", DAMPING, tolerance, iterations_max]
        our_cpu, their_cpu = [], []
        for _ in range(rounds):
            our_cpu.append(run(ours).cpu_s)
            serial = run(theirs)
            their_cpu.append(serial.cpu_s)
        counts = [json.loads(result.read_text())["result"]["iterations"], json.loads(serial.out)["iterations"]]
        distance = ranks_distance(folder / "ranks.tsv", folder / "serial.tsv")
        if counts[0] != counts[1] or distance > 1e-9:
            raise BenchmarkError(f"pagerank and the serial program differ: iterations {counts}, L1 {distance}")
        rows += [
            Row(
                f"pagerank {title}: CPU, 8 tasks / serial",
                "ratio",
                ratios(our_cpu, their_cpu),
                at_most=2,
                note=f"{counts[0]} iterations each, L1 of the ranks {distance:.1e}",
                command=shown(*ours),
            ),
            Row("  8 tasks", "s", our_cpu, command=shown(*ours)),
            Row("  serial", "s", their_cpu, command=shown(*theirs)),
        ]
    return rows


def ranks_distance(ours: Path, theirs: Path) -> float:
    def read(path: Path) -> dict:
        return {key: float(rank) for key, rank in (line.split("\t") for line in path.read_text().splitlines())}

    one, other = read(ours), read(theirs)
    return sum(abs(one.get(key, 0) - other.get(key, 0)) for key in one.keys() | other.keys())


def idle_memory(programs: Programs, folder: Path, rounds: int) -> list[Row]:
    """Resident memory of the host with many idle tasks and with few."""
    resident: dict[int, list[float]] = {}
    for _ in range(rounds):
        for tasks in [IDLE_TASKS, FEW_TASKS]:
            job = write_job(folder / f"idle-{tasks}.json", "echo", tasks, {}, {"ring": {"shape": "ring", "role": "both"}})
            args = [programs.host, "--local", "--topology", job]
            up = f"{tasks} of {tasks} tasks up"
            resident.setdefault(tasks, []).append(measure.resident_kib_when_idle(args, folder, up))
    each = [(many - few) / IDLE_TASKS for many, few in zip(resident[IDLE_TASKS], resident[FEW_TASKS])]
    command = shown(programs.host, "--local", "--topology", Path(f"idle-{IDLE_TASKS}.json"))
    return [
        Row(f"memory of each of {IDLE_TASKS} idle tasks", "KiB", each, at_most=4, command=command),
        Row(f"  host with {IDLE_TASKS} tasks", "KiB", resident[IDLE_TASKS]),
        Row(f"  host with {FEW_TASKS} tasks", "KiB", resident[FEW_TASKS]),
    ]


BENCHMARKS = {
    "pulls": pulls,
    "wire": wire,
    "regression": regression,
    "start": start,
    "pagerank": pagerank,
    "idle_memory": idle_memory,
    "small_pulls": small_pulls,
    "large_pulls": large_pulls,
    "epoch_step": epoch_step,
}


def main() -> int:
    parser = argparse.ArgumentParser(description="Measures the targets of TaskGraph's speed.")
    parser.add_argument("--build", type=Path, required=True, help="a Release build, like build/release")
    parser.add_argument("--rounds", type=int, default=5, help="how often each program runs (5)")
    parser.add_argument("--json", type=Path, default=Path("build/results/benchmarks.json"), help="where the figures go")
    parser.add_argument("--only", choices=BENCHMARKS, action="append", help="this one alone; may be repeated")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds must be 1 or more")

    rows: list[Row] = []
    try:
        programs = Programs(options.build)
        for name in options.only or BENCHMARKS:
            with tempfile.TemporaryDirectory(prefix="taskgraph-bench-") as folder:
                os.environ["XDG_STATE_HOME"] = str(Path(folder) / "state")
                rows += BENCHMARKS[name](programs, Path(folder), options.rounds)
    except BenchmarkError as error:
        print(f"run_benchmarks.py: {error}", file=sys.stderr)
        return 2
    machine = {"cpus": os.cpu_count(), "system": platform.platform(), "load_at_end": os.getloadavg()}
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(
        json.dumps({"rounds": options.rounds, "machine": machine, "rows": [asdict(row) for row in rows]}, indent=2) + "\n"
    )
    print_table(rows)
    judged = [row.reached for row in rows if row.reached is not None]
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs; all rounds and commands: {options.json}")
    print(f"benchmarks: {judged.count(True)} passed, {judged.count(False)} failed")
    return 0 if all(judged) else 1


if __name__ == "__main__":
    sys.exit(main())
