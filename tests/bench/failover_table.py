#!/usr/bin/env python3
"""How long a failover takes, seen by a client that keeps asking: from the fault to the first answer of a new primary.

    tests/bench/failover_table.py --build build/release [--kills 1000] [--stops 100]

A host with 2 workers runs the echo plugin with one backup. A client asks task 0 for `whoami` over the control listener,
one request after another. A round waits until each task has a backup again, then sends SIGKILL (or SIGSTOP) to the
worker that answers. Clocks: CLOCK_MONOTONIC of this process. Prints p50, p90, p99 and the largest; status 1 when a limit
is not kept: SIGKILL p50 20 ms and p99 60 ms, SIGSTOP failure.stall + 100 ms at most."""
import argparse
import http.client
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
STALL_MS = 500
TOPOLOGY = {
    "version": 1,
    "job": "failover",
    "plugin": {"path": "echo.so"},
    "tasks": {"count": 2, "backups": 1},
    "links": {"peers": {"shape": "full"}},
    "failure": {"stall": f"{STALL_MS}ms"},
}
ROUND_SECONDS_MAX = 30
LIMITS = {"SIGKILL": {50: 20, 99: 60}, "SIGSTOP": {100: STALL_MS + 100}}


class Control:
    """One kept-alive connection to the control listener."""

    def __init__(self, document):
        host = document["control"].removeprefix("http://")
        self._connection = http.client.HTTPConnection(host, timeout=ROUND_SECONDS_MAX)
        token = pathlib.Path(document["token_file"]).read_text().strip()
        self._headers = {"Authorization": f"Bearer {token}"}

    def get(self, path):
        self._connection.request("GET", path, headers=self._headers)
        response = self._connection.getresponse()
        body = response.read()
        return (json.loads(body) if response.status == 200 else None), response.status


class Client(threading.Thread):
    """Keeps asking; tells of the answers that came from another process than the one before."""

    def __init__(self, document):
        super().__init__(daemon=True)
        self._control = Control(document)
        self._changed = threading.Condition()
        self._pid = None
        self._since = 0.0
        self._asked = self._refused = 0
        self.failure = None

    def run(self):
        try:
            while True:
                answer, status = self._control.get("/v1/jobs/failover/tasks/0/whoami")
                now = time.monotonic()
                with self._changed:
                    self._asked += 1
                    if answer is None:
                        self._refused += 1
                        if status != 503:
                            raise RuntimeError(f"the job answered {status}")
                    elif answer["pid"] != self._pid:
                        self._pid, self._since = answer["pid"], now
                        self._changed.notify_all()
        except Exception as error:  # pylint: disable=broad-except; told by the main thread
            with self._changed:
                self.failure = error
                self._changed.notify_all()

    def other_than(self, pid):
        """The process that answers, other than `pid`, and when it answered first."""
        with self._changed:
            found = self._changed.wait_for(
                lambda: self.failure is not None or self._pid not in (None, pid), ROUND_SECONDS_MAX)
            if self.failure is not None or not found:
                raise RuntimeError(f"no other process answers: {self.failure}")
            return self._pid, self._since

    def counts(self):
        with self._changed:
            return self._asked, self._refused


def wait_until_whole(control):
    """Each task has a primary and a backup."""
    deadline = time.monotonic() + ROUND_SECONDS_MAX
    while True:
        status, _ = control.get("/v1/status")
        tasks = status["tasks"] if status else []
        lives = {life["life"] for life in status["lives"]} if status else set()
        if tasks and all(task["primary"] and task["primary"]["life"] in lives and len(task["backups"]) == 1 for task in tasks):
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"the job is not whole again: {status}")
        time.sleep(0.002)


def percentile(values, percent):
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, max(0, -(-len(ranked) * percent // 100) - 1))]


def rounds(control, client, number, count):
    pid, _ = client.other_than(None)
    times = []
    for _ in range(count):
        wait_until_whole(control)
        fault = time.monotonic()
        os.kill(pid, number)
        pid, since = client.other_than(pid)
        times.append((since - fault) * 1e3)
    return times


def start(build, folder):
    topology = folder / "failover.json"
    topology.write_text(json.dumps(TOPOLOGY))
    state = folder / "state"
    host = subprocess.Popen(
        [build / "bin" / "taskgraph-host", "--topology", topology, "--workers", "2", "--state-dir", state,
         "--plugin-dir", build / "lib" / "taskgraph" / "plugins", "--log-level", "error"])
    deadline = time.monotonic() + ROUND_SECONDS_MAX
    while not (state / "control.json").exists():
        if host.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the host did not become ready")
        time.sleep(0.01)
    return host, json.loads((state / "control.json").read_text())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release")
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--stops", type=int, default=100)
    asked = parser.parse_args()
    kept = True
    with tempfile.TemporaryDirectory() as name:
        host, document = start(asked.build, pathlib.Path(name))
        try:
            control, client = Control(document), Client(document)
            client.start()
            print(f"{'fault':8} {'rounds':>6} {'p50 ms':>8} {'p90 ms':>8} {'p99 ms':>8} {'max ms':>8}  limits")
            for number, count in ((signal.SIGKILL, asked.kills), (signal.SIGSTOP, asked.stops)):
                if count == 0:
                    continue
                times = rounds(control, client, number, count)
                limits = LIMITS[number.name]
                kept &= all(percentile(times, percent) <= limit for percent, limit in limits.items())
                shown = ", ".join(f"{'max' if percent == 100 else f'p{percent}'} <= {limit} ms" for percent, limit in limits.items())
                print(f"{number.name:8} {count:6} " + " ".join(f"{percentile(times, p):8.1f}" for p in (50, 90, 99, 100)) + f"  {shown}")
            print("the client asked {} times, and was refused {} times".format(*client.counts()))
        finally:
            host.terminate()
            host.wait(30)
    print(f"failover table: {'passed' if kept else 'FAILED'}")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
