#!/usr/bin/env python3
"""Jobs one after another for minutes, without any fault of ours: no worker may be given up (L6), no sum be wrong.

    tests/support/soak.py --minutes 30 --stress       # with stress-ng on all cores
    tests/support/soak.py --minutes 10                # pulls at full rate

Prints what was seen, and ends with 1 when a worker was lost, a replica failed or the job did not go on."""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOPOLOGY = """{ "version": 1, "job": "soak",
  "plugin": { "path": "regression.so", "args": { "epochs": 30000 } },
  "tasks": { "count": 15, "backups": 1 },
  "links": { "parents": { "shape": "tree", "arity": 2, "role": "parents" },
             "children": { "shape": "tree", "arity": 2, "role": "children" } } }
"""
LOST = re.compile(r"failed|did not run|goes on|gave up|killed|ended by")
END = re.compile(r'job "soak" done in epoch (\d+) \((\d+) pulls, (\d+) failures\)')


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--stress", action="store_true", help="load all cores, caches and the memory by stress-ng")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release")
    return parser.parse_args()


def start_stress(seconds):
    cores = str(os.cpu_count())
    return subprocess.Popen(
        ["stress-ng", "--quiet", "--cpu", cores, "--cache", cores, "--vm", "1", "--vm-bytes", "512M", "--switch", cores,
         "--timeout", f"{seconds:.0f}s"])


def run_job(asked, folder, topology):
    """Epochs, pulls and what is wrong of one job."""
    result = folder / "result.json"
    ran = subprocess.run(
        [asked.build / "bin" / "taskgraph-host", "--topology", topology, "--workers", str(asked.workers), "--result", result],
        stderr=subprocess.PIPE, text=True, env={**os.environ, "XDG_STATE_HOME": str(folder)}, check=False)
    lines = ran.stderr.splitlines()
    end = next((found for line in lines if (found := END.search(line))), None)
    if ran.returncode != 0 or end is None or end[3] != "0":
        return 0, 0, lines[-20:] or [f"exit code {ran.returncode}"]
    sums = json.loads(result.read_text())["result"]["sums"]
    wrong = [f"epoch {epoch}: {value}" for epoch, value in enumerate(sums) if value != 105 * epoch]
    return int(end[1]), int(end[2]), [line for line in lines if LOST.search(line)] + wrong


def main():
    asked = arguments()
    seconds = asked.minutes * 60
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        topology = folder / "soak.json"
        topology.write_text(TOPOLOGY)
        stress = start_stress(seconds) if asked.stress else None
        jobs = epochs = pulls = 0
        wrong = []
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not wrong:
            more_epochs, more_pulls, wrong = run_job(asked, folder, topology)
            jobs, epochs, pulls = jobs + 1, epochs + more_epochs, pulls + more_pulls
        if stress is not None:
            stress.terminate()
            stress.wait()
    if wrong:
        print("\n".join(wrong[:20]))
    print(f"soak: {'FAILED' if wrong else 'passed'}: {asked.minutes:g} min asked, {asked.workers} workers"
          f"{', stress-ng on all cores' if stress else ''}: {jobs} jobs, {epochs} epochs, {pulls} pulls"
          f"{'' if wrong else ', no worker lost, no failure, every sum right'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
