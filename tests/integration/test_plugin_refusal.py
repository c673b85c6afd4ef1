"""Each broken plugin, given to a real process: the words on stderr, the exit code, and that nothing is left behind."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

REFUSED = 78
MISSING = 66
MOVE = (
    "; move that work from global objects into the TaskBuilder's constructor, "
    "where a throw refuses the plugin by its text"
)
NULL_FIELD = " is NULL; every plugin gives name, version, init and create_task (TASKGRAPH_PLUGIN(...) does)"

# name -> (step, how the reason begins)
BROKEN = {
    "folder": (1, "it is a folder; name the .so file in it"),
    "empty": (1, "the file is empty; copy or build it again"),
    "text": (1, "no ELF file: begins with 54 68 69 73, a shared library with 7f 45 4c 46; name the .so file itself"),
    "truncated": (1, "truncated: its segment "),
    "truncated_header": (1, "truncated: its ELF header ends at byte 64, the file ends at byte 40; copy or build it again"),
    "class32": (1, "built for 32-bit, this host is 64-bit; build it for "),
    "big_endian": (1, "built for big-endian, this host is little-endian; build it for "),
    "other_machine": (1, "built for "),
    "object_file": (1, "an object file (.o), not a shared library; link it with -shared (taskgraph_add_plugin does)"),
    "executable_file": (1, "an executable, not a shared library; link it with -shared (taskgraph_add_plugin does)"),
    "undefined_symbol": (2, "the loader says: undefined symbol: forgotten_library_function; link what defines it"),
    "constructor_exits": (2, "its constructors ended the process: exit status 0 before the plugin was loaded" + MOVE),
    "constructor_exits_at_once": (2, "its constructors ended the process: exit status 0 before the plugin was loaded" + MOVE),
    "constructor_aborts": (2, "its constructors ended the process: killed by signal 6 (Aborted) before the plugin was loaded" + MOVE),
    "constructor_crashes": (2, "its constructors ended the process: "),
    "constructor_forks": (2, "its constructors ended the process: exit status 0 before the plugin was loaded, after it wrote"),
    "constructor_exits_later": (2, "one of its constructors called exit() although it had returned in a process that tried it"),
    "no_entry": (3, 'it exports no symbol "taskgraph_plugin"; write TASKGRAPH_PLUGIN(YourTaskBuilder) once at file scope'),
    "wrong_magic": (4, 'its "taskgraph_plugin" begins with 0x3130474e4f525721 ("!WRONG01"), '
                       'a plugin with 0x313047554c504754 ("TGPLUG01"); define that symbol by TASKGRAPH_PLUGIN(...) only'),
    "abi_too_new": (5, "built for plugin ABI 2.1, this host speaks 1.0; "
                       "rebuild it with the headers of taskgraph 1.x or run a newer host"),
    "abi_too_old": (5, "built for plugin ABI 0.9, this host speaks 1.0; rebuild it with the headers of taskgraph 1.x"),
    "struct_too_small": (5, "its tg_plugin has 40 bytes, plugin ABI 1.0 needs at least 72; "),
    "null_create_task": (5, "its tg_plugin.create_task" + NULL_FIELD),
    "null_name": (5, "its tg_plugin.name" + NULL_FIELD),
    "init_refuses": (6, 'its init says: no input file is named;   give "input" in plugin.args'),
    "init_refuses_silently": (6, "its init answered status 2 without a text; ask the plugin's author"),
    "init_throws": (6, 'its init says: argument "rows" must be above 0'),
    "init_throws_raw": (6, 'its init threw "no table" across the C border, which the ABI forbids; '
                           "TASKGRAPH_PLUGIN(...) catches it"),
    "init_exits": (6, "its init called exit(); a plugin refuses a job by throwing from the TaskBuilder's constructor"),
}  # fmt: skip


@pytest.fixture(scope="session")
def plugins(build_dir) -> Path:
    """The folder of the broken plugins."""
    folder = build_dir / "tests" / "fixtures" / "plugins"
    assert folder.is_dir(), f"{folder} is missing: build the tests first"
    return folder


@pytest.fixture
def one_task(topology):
    """one_task(path of a plugin) -> topology file of a job with a single task."""

    def write(plugin):
        return topology(text=json.dumps({"version": 1, "job": "test", "plugin": {"path": str(plugin)}, "tasks": {"count": 1}}))

    return write


def children_of(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def wait_until(condition, what: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.005)


@pytest.mark.parametrize("name", BROKEN)
def test_host_refuses(name, run_host, one_task, plugins):
    step, reason = BROKEN[name]
    path = plugins / f"{name}.so"
    finished = run_host(["--topology", one_task(path)])
    assert finished.code == REFUSED, finished
    assert f"plugin {path} refused at step {step} of 6: {reason}" in finished.err, finished


def test_throwing_constructor(run_host, one_task, plugins):
    """By how the plugin was compiled, the throw ends the probe or reaches the loader's caller there."""
    finished = run_host(["--topology", one_task(plugins / "constructor_throws.so")])
    assert finished.code == REFUSED, finished
    died = (
        "its constructors ended the process: killed by signal 6 (Aborted) before the plugin was loaded, "
        'after it wrote "what():  no table for row 17"'
    )
    threw = 'one of its constructors threw "no table for row 17"'
    assert any(f"refused at step 2 of 6: {words}{MOVE}" in finished.err for words in (died, threw)), finished


@pytest.mark.parametrize("name", ["truncated", "constructor_exits", "no_entry", "abi_too_new", "init_throws"])
def test_validate_refuses_what_a_run_refuses(name, run_host, one_task, plugins):
    step, reason = BROKEN[name]
    finished = run_host(["--validate", "--topology", one_task(plugins / f"{name}.so")])
    assert finished.code == REFUSED, finished
    assert f"refused at step {step} of 6: {reason}" in finished.err, finished


def test_missing_file(run_host, one_task, plugins):
    path = plugins / "missing.so"
    finished = run_host(["--topology", one_task(path)])
    assert finished.code == MISSING, finished
    assert f"plugin {path} refused at step 1 of 6: there is no such file; check plugin.path" in finished.err, finished


def test_relative_path_that_is_nowhere_names_all_places(run_host, one_task, tmp_path):
    document = one_task("nowhere.so")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()  # a --plugin-dir that is not there is an error of its own
    finished = run_host(
        ["--topology", document, "--plugin-dir", tmp_path / "one", "--plugin-dir", tmp_path / "two"],
        env={"TASKGRAPH_PLUGIN_PATH": f"{tmp_path}/three:{tmp_path}/four"},
    )
    assert finished.code == MISSING, finished
    places = [document.parent] + [tmp_path / name for name in ("one", "two", "three", "four")]
    at = [finished.err.find(f"{place / 'nowhere.so'} (") for place in places]
    assert -1 not in at and at == sorted(at), finished
    assert "lib/taskgraph/plugins/nowhere.so (installed)" in finished.err, finished


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_unreadable_file(run_host, one_task, plugins, tmp_path):
    path = tmp_path / "secret.so"
    path.write_bytes((plugins / "minimal.so").read_bytes())
    path.chmod(0)
    finished = run_host(["--topology", one_task(path)])
    assert finished.code == REFUSED, finished
    assert "refused at step 1 of 6: cannot be read: Permission denied; check the permissions" in finished.err, finished


def test_hanging_constructor_is_given_ten_seconds(run_host, one_task, plugins):
    finished = run_host(["--topology", one_task(plugins / "constructor_hangs.so")])
    assert finished.code == REFUSED, finished
    assert "refused at step 2 of 6: its constructors did not return within 10 s" + MOVE in finished.err, finished
    assert finished.seconds >= 10, finished


def test_probe_is_not_for_people(run_host):
    finished = run_host(["--probe-plugin", "x.so"])
    assert finished.code == 64, finished
    assert finished.err == "taskgraph-host: --probe-plugin is used by the host itself only\n", finished


def test_probe_dies_with_its_host(plugins):
    """By SIGKILL, which leaves the host no time to clean up."""
    loader = subprocess.Popen([plugins / "taskgraph-probe-test", plugins / "constructor_hangs.so"], stdin=subprocess.DEVNULL)
    try:
        wait_until(lambda: children_of(loader.pid), "a probe")
        probe = children_of(loader.pid)[0]
        # Not before it has asked for its own death: it does so ahead of loading the plugin.
        wait_until(lambda: "constructor_hangs" in Path(f"/proc/{probe}/maps").read_text(), "the plugin in the probe")
    finally:
        loader.kill()
        loader.wait()
    wait_until(lambda: not alive(probe), "the end of the probe")


def test_probe_inherits_nothing(plugins, tmp_path):
    """Neither open files nor blocked or ignored signals of the host reach a plugin that is only tried."""
    secret = os.open(tmp_path / "secret", os.O_CREAT | os.O_RDWR)
    os.set_inheritable(secret, True)

    def upset():
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)

    loader = subprocess.Popen(
        [plugins / "taskgraph-probe-test", plugins / "constructor_hangs.so"],
        stdin=subprocess.DEVNULL, close_fds=False, preexec_fn=upset,
    )  # fmt: skip
    try:
        wait_until(lambda: children_of(loader.pid), "a probe")
        probe = children_of(loader.pid)[0]
        wait_until(lambda: "constructor_hangs" in Path(f"/proc/{probe}/maps").read_text(), "the plugin in the probe")
        assert (tmp_path / "secret").samefile(f"/proc/{loader.pid}/fd/{secret}")
        targets = {int(fd.name): os.readlink(fd) for fd in Path(f"/proc/{probe}/fd").iterdir()}
        assert set(targets) - {0, 1, 2, 3} == {fd for fd, target in targets.items() if target.endswith("constructor_hangs.so")}
        assert targets[0] == targets[1] == "/dev/null"
        assert targets[2].startswith("pipe:") and targets[3].startswith("pipe:")
        status = Path(f"/proc/{probe}/status").read_text()
        masks = {line.split(":")[0]: int(line.split()[1], 16) for line in status.splitlines() if line.startswith("Sig") and "/" not in line}
        assert masks["SigBlk"] == 0
        assert masks["SigIgn"] & (1 << (signal.SIGUSR1 - 1)) == 0
    finally:
        loader.kill()
        loader.wait()
        os.close(secret)
