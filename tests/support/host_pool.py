"""Runs many short taskgraph-host jobs, a few at a time."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable, Iterable

import host_process

# As many as a small machine has cores; each host starts threads of its own.
AT_ONCE = 2
# Jobs with delayed and lost messages wait for most of their time: for 100 ms until a lost one is sent again.
AT_ONCE_WAITING = 4


class Pool:
    """Runs hosts in folders of their own below `folder`; a folder is removed when what ran in it was as it should be."""

    def __init__(self, host: Path, folder: Path):
        self._host = host
        self._folder = folder

    def run_job(self, name: str, document: dict, options: list = (), faults: list | None = None, timeout: float = 30) -> "Job":
        """Runs one job with the topology `document`; `faults` become its chaos file."""
        folder = self._folder / name
        folder.mkdir(parents=True)
        options = list(options)
        if faults is not None:
            (folder / "chaos.json").write_text(json.dumps(faults))
            options += ["--chaos", folder / "chaos.json"]
        (folder / "topology.json").write_text(json.dumps(document))
        result = folder / "result.json"
        args = [self._host, "--topology", folder / "topology.json", "--result", result, *options]
        finished = host_process.Child(args, folder, cwd=folder).wait(timeout)
        return Job(finished, folder, result.read_bytes() if result.exists() else None)

    @staticmethod
    def each(check: Callable, cases: Iterable, at_once: int = AT_ONCE) -> list:
        """check(case) for each case, `at_once` at a time; what they return, in order. The first that fails, fails it all, and
        those that have not begun never begin."""
        with ThreadPoolExecutor(at_once) as threads:
            checks = [threads.submit(check, case) for case in cases]
            try:
                return [each.result() for each in checks]
            finally:
                for each in checks:
                    each.cancel()


class Job:
    """What one job has left: finished (host_process.Finished), folder, result (its file's bytes; None without one)."""

    def __init__(self, finished, folder: Path, result: bytes | None):
        self.finished = finished
        self.folder = folder
        self.result = result

    def forget(self) -> None:
        shutil.rmtree(self.folder)
