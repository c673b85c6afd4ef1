"""Runs taskgraph-host as a child for tests that need a real process. No child outlives its test.

Environment: TASKGRAPH_TIME_FACTOR multiplies every timeout (a build with a sanitizer is slower).
"""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

TIME_FACTOR = float(os.environ.get("TASKGRAPH_TIME_FACTOR", "1"))
# tests/run.sh sets it for all sanitizers; no exit code of taskgraph-host is the same.
SANITIZER_EXIT_CODE = 99
OUTPUT_CHARS_SHOWN_MAX = 4000


def shorten(text: str) -> str:
    if len(text) <= OUTPUT_CHARS_SHOWN_MAX:
        return text
    return f"[... {len(text) - OUTPUT_CHARS_SHOWN_MAX} characters left out ...]\n{text[-OUTPUT_CHARS_SHOWN_MAX:]}"


class Finished(str):
    """What a child has left: args, code (negative when a signal ended it), out, err, seconds.

    A text that shows all of it, for `assert finished.code == 0, finished`: of a message that is no str, pytest shows a few
    words only.
    """

    def __new__(cls, args: list[str], code: int, out: str, err: str, seconds: float):
        text = (
            f"{' '.join(args)}\nexit code {code} after {seconds:.2f} s\n"
            f"---- stdout ----\n{shorten(out)}\n---- stderr ----\n{shorten(err)}"
        )
        finished = super().__new__(cls, text)
        finished.args = args
        finished.code = code
        finished.out = out
        finished.err = err
        finished.seconds = seconds
        return finished


class Child:
    """A running child in a process group of its own; its output goes to files, so that no pipe can fill up, and the state of
    its jobs into `folder`, too."""

    def __init__(self, args: list, folder: Path, env: dict | None = None, cwd: Path | None = None):
        self.args = [str(arg) for arg in args]
        self.state_home = folder / "state"
        self._out = folder / "stdout"
        self._err = folder / "stderr"
        self._started = time.monotonic()
        with open(self._out, "wb") as out, open(self._err, "wb") as err:
            self._process = subprocess.Popen(
                self.args,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=clean_environment({"XDG_STATE_HOME": self.state_home, **(env or {})}),
                cwd=cwd,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def state(self, job: str = "test") -> Path:
        """The state folder of a job that was given none."""
        return self.state_home / "taskgraph" / job

    def running(self) -> bool:
        return self._process.poll() is None

    def out(self) -> str:
        """What it has written so far."""
        return self._out.read_text(errors="replace")

    def err(self) -> str:
        return self._err.read_text(errors="replace")

    def signal(self, number: int) -> None:
        """To the child alone, not to its children."""
        self._process.send_signal(number)

    def wait_for(self, text: str, timeout: float = 10) -> None:
        """Until `text` stands in its output; fails when it ends before or the time is up."""
        deadline = time.monotonic() + timeout * TIME_FACTOR
        while text not in self.out() and text not in self.err():
            ended = not self.running()
            if text in self.out() or text in self.err():
                return
            if ended:
                raise AssertionError(f"it ended before it wrote {text!r}: {self._finished()}")
            if time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"no {text!r} within {timeout * TIME_FACTOR:g} s: {self._finished()}")
            time.sleep(0.005)

    def wait(self, timeout: float = 30) -> Finished:
        """Until it ends. At the timeout it is killed with all its children, and the test fails with its output."""
        try:
            self._process.wait(timeout * TIME_FACTOR)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"still running after {timeout * TIME_FACTOR:g} s, killed: {self._finished()}") from None
        finally:
            self.kill()
        finished = self._finished()
        if finished.code == SANITIZER_EXIT_CODE or "Sanitizer" in finished.err:
            raise AssertionError(f"a sanitizer has something to say: {finished}")
        return finished

    def kill(self) -> None:
        """Ends the child and what it has started, if there is anything left of them."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()

    def _finished(self) -> Finished:
        seconds = time.monotonic() - self._started
        return Finished(self.args, self._process.returncode, self.out(), self.err(), seconds)


def clean_environment(changes: dict | None = None) -> dict:
    """This process' environment without what would change a host's behaviour, and with `changes` (None removes)."""
    others = ("NO_COLOR", "XDG_STATE_HOME")
    env = {name: value for name, value in os.environ.items() if not name.startswith("TASKGRAPH_") and name not in others}
    for name, value in (changes or {}).items():
        if value is None:
            env.pop(name, None)
        else:
            env[name] = str(value)
    return env


def regression_document(epochs: int = 10) -> dict:
    """The topology that tests start from: regression on 15 tasks in a binary tree."""
    return {
        "version": 1,
        "job": "test",
        "plugin": {"path": "regression.so", "args": {"epochs": epochs}},
        "tasks": {"count": 15},
        "links": {
            "parents": {"shape": "tree", "arity": 2, "role": "parents"},
            "children": {"shape": "tree", "arity": 2, "role": "children"},
        },
    }


def write_topology(path: Path, changes: dict) -> Path:
    """Writes the regression topology with `changes` merged in, object by object; a value of None removes a key."""
    document = regression_document()
    merge(document, changes)
    path.write_text(json.dumps(document, indent=2))
    return path


def merge(document: dict, changes: dict) -> None:
    for key, value in changes.items():
        if value is None:
            document.pop(key, None)
        elif isinstance(value, dict) and isinstance(document.get(key), dict):
            merge(document[key], value)
        else:
            document[key] = value
