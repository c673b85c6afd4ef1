"""What tests with a real taskgraph-host share.

    def test_it(host, run_host, topology):
        finished = run_host(["--topology", topology(tasks={"count": 3})], timeout=10)
        assert finished.code == 0, finished

TASKGRAPH_BUILD_DIR names the build that is tested (default: build/dev).
"""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

import host_process  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "full: too long for every change; runs in tests/run.sh --full only")


@pytest.fixture(scope="session")
def build_dir() -> Path:
    """The build folder that is tested."""
    return Path(os.environ.get("TASKGRAPH_BUILD_DIR", ROOT / "build" / "dev")).resolve()


@pytest.fixture(scope="session")
def host(build_dir) -> Path:
    """The taskgraph-host that is tested."""
    path = build_dir / "bin" / "taskgraph-host"
    assert path.is_file(), f"{path} is missing: build first, or set TASKGRAPH_BUILD_DIR"
    return path


@pytest.fixture
def start_host(host, tmp_path):
    """start_host(args, env=None, cwd=None) -> host_process.Child, a running host; it is killed when the test ends."""
    children = []

    def start(args, env=None, cwd=None):
        folder = tmp_path / f"host-{len(children)}"
        folder.mkdir()
        children.append(host_process.Child([host, *args], folder, env, cwd))
        return children[-1]

    yield start
    for child in children:
        child.kill()


@pytest.fixture
def run_host(start_host):
    """run_host(args, timeout=30, env=None, cwd=None) -> host_process.Finished (args, code, out, err, seconds)."""

    def run(args, timeout=30, env=None, cwd=None):
        return start_host(args, env, cwd).wait(timeout)

    return run


@pytest.fixture
def topology(tmp_path):
    """topology(**changes) -> path of a new file: the 15-task regression tree with `changes` merged in, object by object;
    a value of None removes a key. topology(text=...) writes this text (or these bytes) instead."""
    count = 0

    def write(text=None, **changes):
        nonlocal count
        count += 1
        path = tmp_path / f"topology-{count}.json"
        if text is None:
            return host_process.write_topology(path, changes)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write
