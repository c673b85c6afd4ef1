"""The data plane between worker processes, against raw TCP, gRPC and OpenMPI on the same machine in the same rounds.

Each side times its operations itself: ours in a task (plane_probe.cpp), the others in tests/bench/yardsticks.
"""

import json
import os
from pathlib import Path

from measure import BenchmarkError, run
from rows import Row, ratios, shown

SMALL_BYTES = 64
SMALL_PULLS = 20_000
IN_FLIGHT = 64
IN_FLIGHT_PULLS = 400_000
IN_FLIGHT_PULLS_GRPC = 40_000
LARGE_BYTES = 64 * 1024 * 1024
LARGE_PULLS = 20
EPOCH_TASKS = 16
EPOCH_WORKERS = 4
EPOCHS = 4_000
BARRIERS = 300
CONGESTION = "reno"  # what the data plane uses on loopback; gRPC leaves it to the system, as it always does
HUGE_PAGES = "GLIBC_TUNABLES=glibc.malloc.hugetlb=1"


def probe_job(programs, folder: Path, name: str, tasks: int, args: dict) -> Path:
    document = {
        "version": 1,
        "job": name,
        "plugin": {"path": str(programs.plane_probe), "args": args},
        "tasks": {"count": tasks, "backups": 0},
        "links": {"hub": {"shape": "star", "hub": 0}},
    }
    path = folder / f"{name}.json"
    path.write_text(json.dumps(document))
    return path


def host(programs, folder: Path, name: str, tasks: int, workers: int, args: dict) -> list:
    job = probe_job(programs, folder, name, tasks, args)
    return [programs.host, "--topology", job, "--workers", workers, "--result", folder / f"{name}-result.json"]


def told(args: list) -> dict:
    """What one run says of itself: {"count", "seconds", "p50_ns"}."""
    ran = run(args)
    if "--result" in args:
        return json.loads(Path(args[-1]).read_text())["result"]
    try:
        return json.loads(ran.out)
    except ValueError as error:
        raise BenchmarkError(f"{shown(*args)}: no line of JSON, but {ran.out!r}") from error


def take_turns(programs: dict[str, list], rounds: int) -> dict[str, list[dict]]:
    found: dict[str, list[dict]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, args in programs.items():
            found[name].append(told(args))
    return found


def latencies_us(runs: list[dict]) -> list[float]:
    return [one["p50_ns"] / 1e3 for one in runs]


def rates(runs: list[dict]) -> list[float]:
    return [one["count"] / one["seconds"] for one in runs]


def spent(runs: list[dict]) -> list[float]:
    return [one["seconds"] / one["count"] for one in runs]


def small_pulls(programs, folder: Path, rounds: int) -> list[Row]:
    """64 bytes between two workers: one at a time, and many at once."""
    one = {"mode": "pull", "count": SMALL_PULLS, "bytes": SMALL_BYTES}
    many = one | {"count": IN_FLIGHT_PULLS, "in_flight": IN_FLIGHT}
    commands = {
        "one": host(programs, folder, "pull", 2, 2, one),
        "tcp": [programs.tcp_yardstick, SMALL_BYTES, SMALL_PULLS, CONGESTION],
        "grpc": [programs.grpc_yardstick, "sync", SMALL_BYTES, SMALL_PULLS // 2],
        "many": host(programs, folder, "pull-in-flight", 2, 2, many),
        "grpc async": [programs.grpc_yardstick, "async", SMALL_BYTES, IN_FLIGHT_PULLS_GRPC, IN_FLIGHT],
    }
    runs = take_turns(commands, 2 * rounds)
    ours = latencies_us(runs["one"])
    return [
        Row(
            "64 B pull between workers: latency / raw TCP",
            "ratio",
            ratios(ours, latencies_us(runs["tcp"])),
            at_most=1.4,
            note="medians of single pulls",
            command=shown(*commands["one"]),
        ),
        Row("  worker", "us", ours),
        Row("  raw TCP echo", "us", latencies_us(runs["tcp"]), command=shown(*commands["tcp"])),
        Row(
            "64 B pull, one at a time: rate / gRPC sync",
            "ratio",
            ratios(rates(runs["one"]), rates(runs["grpc"])),
            at_least=1.5,
            command=shown(*commands["one"]),
        ),
        Row("  worker", "pulls/s", rates(runs["one"])),
        Row("  gRPC sync", "pulls/s", rates(runs["grpc"]), command=shown(*commands["grpc"])),
        Row(
            f"64 B pull, {IN_FLIGHT} in flight: rate / gRPC callback server",
            "ratio",
            ratios(rates(runs["many"]), rates(runs["grpc async"])),
            at_least=10,
            command=shown(*commands["many"]),
        ),
        Row("  worker", "pulls/s", rates(runs["many"])),
        Row("  gRPC", "pulls/s", rates(runs["grpc async"]), command=shown(*commands["grpc async"])),
    ]


def large_pulls(programs, folder: Path, rounds: int) -> list[Row]:
    """64 MiB between two workers, one at a time."""
    args = {"mode": "pull", "count": LARGE_PULLS, "bytes": LARGE_BYTES}
    commands = {
        "worker": host(programs, folder, "pull-large", 2, 2, args),
        "raw TCP into one buffer": [programs.tcp_yardstick, LARGE_BYTES, LARGE_PULLS, CONGESTION],
        "gRPC unary": ["env", HUGE_PAGES, programs.grpc_yardstick, "sync", LARGE_BYTES, LARGE_PULLS // 2],
        "gRPC stream of 1 MiB": ["env", HUGE_PAGES, programs.grpc_yardstick, "stream", LARGE_BYTES, LARGE_PULLS // 2],
    }
    runs = take_turns(commands, rounds)
    limits = {"raw TCP into one buffer": 0.85, "gRPC unary": 5, "gRPC stream of 1 MiB": 1.5}
    gib = LARGE_BYTES / 2**30
    speed = {name: [gib / seconds for seconds in spent(found)] for name, found in runs.items()}
    rows = [
        Row(
            f"64 MiB pull between workers: rate / {name}",
            "ratio",
            ratios(speed["worker"], speed[name]),
            at_least=limit,
            command=shown(*commands["worker"]),
        )
        for name, limit in limits.items()
    ]
    return rows + [Row(f"  {name}", "GiB/s", speed[name], command=shown(*commands[name])) for name in commands]


def epoch_step(programs, folder: Path, rounds: int) -> list[Row]:
    """All tasks enter an epoch, and one knows it: what MPI calls a barrier."""
    ours = host(programs, folder, "epochs", EPOCH_TASKS, EPOCH_WORKERS, {"mode": "epochs", "count": EPOCHS})
    mpirun = ["mpirun", "-n", EPOCH_TASKS, "--oversubscribe", "--mca", "pml", "ob1", "--mca", "btl", "tcp,self"]
    mpirun += ["--mca", "btl_tcp_if_include", "lo", "--mca", "mpi_yield_when_idle", "1"]
    if os.geteuid() == 0:
        mpirun.append("--allow-run-as-root")
    commands = {"worker": ours, "mpi": [*mpirun, programs.mpi_yardstick, BARRIERS]}
    runs = take_turns(commands, rounds)
    steps = {name: [1e6 * seconds for seconds in spent(found)] for name, found in runs.items()}
    title = f"epoch step, {EPOCH_TASKS} tasks, {EPOCH_WORKERS} workers: time / MPI_Barrier over tcp"
    return [
        Row(title, "ratio", ratios(steps["worker"], steps["mpi"]), at_most=1, command=shown(*ours)),
        Row("  workers", "us", steps["worker"]),
        Row(f"  OpenMPI, {EPOCH_TASKS} ranks", "us", steps["mpi"], command=shown(*commands["mpi"])),
    ]
