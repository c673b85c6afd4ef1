"""The processes of a running job, and what it must not leave behind. A host_process.Child leads a session of its own, to which
all that it starts belongs: no number of a process is trusted without it."""

import os
import signal
from pathlib import Path


def _parent_session_state(pid: int) -> tuple[int, int, str]:
    state, parent, _, session = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:4]
    return int(parent), int(session), state


def of_session(leader: int) -> list[int]:
    """Its living processes, the leader too, by number."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            _, session, state = _parent_session_state(int(entry.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
        if session == leader and state not in "ZX":
            found.append(int(entry.name))
    return sorted(found)


def workers(leader: int) -> list[int]:
    """Its worker processes, and not what these have started, to try a plugin for example."""
    return [pid for pid in of_session(leader) if _is_worker(pid, leader)]


def _is_worker(pid: int, leader: int) -> bool:
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return b"--worker-of-supervisor" in arguments and _parent_session_state(pid)[0] == leader
    except (FileNotFoundError, ProcessLookupError):
        return False


def send(pid: int, leader: int, number: signal.Signals) -> bool:
    """To a process of the session; False: it has ended meanwhile."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        if _parent_session_state(pid)[1] != leader:
            return False
        signal.pidfd_send_signal(descriptor, number)
        return True
    except (FileNotFoundError, ProcessLookupError):
        return False
    finally:
        os.close(descriptor)


def descriptors(pid: int) -> int:
    """How many it has open; 0 when it has ended."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except (FileNotFoundError, ProcessLookupError):
        return 0
