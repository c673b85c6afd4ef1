"""The command line of taskgraph-host: what a user sees for right and wrong options, and the exit codes."""

import fcntl
import json
import os
import pty
import re
import select
import stat
import struct
import subprocess
import termios
import time
from pathlib import Path

import host_process
import pytest

ROOT = Path(__file__).resolve().parents[2]

USAGE = 64
TOPOLOGY_INVALID = 65
FILE_MISSING = 66
CANNOT_WRITE = 73


def exit_codes(help_text: str) -> dict[int, str]:
    table = help_text.split("Exit codes:\n", 1)[1].split("\n\n", 1)[0]
    return {int(line.split(None, 1)[0]): line.split(None, 1)[1] for line in table.splitlines()}


def config_lines(text: str) -> dict[str, tuple[str, str]]:
    """--print-config's output as name -> (value, origin)."""
    lines = {}
    for line in text.splitlines():
        name, value, origin = re.fullmatch(r"(\S+) += (.*?) *  # (.+)", line).groups()
        lines[name] = (value, origin)
    return lines


def refused(finished, code: int, *texts: str) -> None:
    assert finished.code == code, finished
    assert finished.out == "", finished
    for text in texts:
        assert text in finished.err, finished


def test_help_names_options_examples_exit_codes_and_environment(run_host):
    finished = run_host(["--help"])
    assert finished.code == 0, finished
    assert finished.err == ""
    for text in ["--topology FILE", "--chaos SPEC|FILE", "Examples:", "TASKGRAPH_PLUGIN_PATH", "NO_COLOR"]:
        assert text in finished.out
    assert sorted(exit_codes(finished.out)) == [0, 1, 3, 64, 65, 66, 69, 70, 71, 73, 76, 77, 78]


def test_help_and_man_page_have_the_same_options_and_exit_codes(run_host):
    help_text = run_host(["--help"]).out
    page = (ROOT / "packaging" / "man" / "taskgraph-host.1").read_text().replace("\\-", "-")
    for option in re.findall(r"^  (--[a-z-]+)", help_text, re.MULTILINE):
        assert option in page, option
    status = page.split(".SH EXIT STATUS", 1)[1].split(".SH", 1)[0]
    assert [int(code) for code in re.findall(r"^\.B (\d+)$", status, re.MULTILINE)] == sorted(exit_codes(help_text))


def test_version(run_host):
    finished = run_host(["--version"])
    assert finished.code == 0, finished
    assert re.match(r"taskgraph-host \d+\.\d+\.\d+", finished.out), finished


@pytest.mark.parametrize(
    "args, text",
    [
        (["--topolgy", "x"], 'unknown option "--topolgy"; did you mean --topology?'),
        (["--topo", "x"], 'unknown option "--topo"'),
        ([], "--topology FILE is missing"),
        (["--topology"], "--topology needs a value: --topology FILE"),
        (["--result", "--validate"], "--result needs a value: --result FILE"),
        (["--topology", "a", "--topology", "b"], "--topology is given twice"),
        (["job.json"], 'unexpected argument "job.json"; did you mean --topology job.json?'),
        (["--topology", "x", "--threads", "0"], '--threads "0": expected a whole number from 1 to 256'),
        (["--topology", "x", "--log-level", "loud"], "(known: debug info warning error)"),
        (["--topology", "x", "--coordinator", "consul://127.0.0.1:8500"], "not in this version"),
        (["--topology", "x", "--listen", "0.0.0.0:8080"], "this version listens on loopback only: 127.0.0.1:8080 or [::1]:8080"),
        (["--topology", "x", "--listen", "8080"], '--listen "8080": expected ADDR:PORT'),
        (["--validate=yes"], "--validate takes no value"),
    ],
)
def test_a_wrong_command_line_is_a_usage_error_with_a_hint(run_host, args, text):
    refused(run_host(args), USAGE, text, "taskgraph-host --help lists the options")


def test_a_wrong_environment_is_a_usage_error(run_host, topology):
    finished = run_host(["--topology", topology()], env={"TASKGRAPH_LOG_LEVEL": "loud"})
    refused(finished, USAGE, "environment variable TASKGRAPH_LOG_LEVEL", '"loud"')


def test_files_that_are_missing(run_host, topology, tmp_path):
    refused(run_host(["--topology", tmp_path / "none.json"]), FILE_MISSING, "none.json")
    refused(run_host(["--topology", tmp_path]), FILE_MISSING, str(tmp_path))
    refused(run_host(["--topology", topology(), "--chaos", tmp_path / "none.json"]), FILE_MISSING, "none.json")
    refused(run_host(["--topology", topology(), "--plugin-dir", tmp_path / "none"]), FILE_MISSING, "--plugin-dir")


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "\0", "[" * 3_000_000, b"\xff\xfe{}"],
    ids=["empty", "cut", "list", "nul", "depth-bomb", "utf-16"],
)
def test_an_invalid_topology_is_refused_shortly_with_its_place(run_host, topology, text):
    path = topology(text=text)
    finished = run_host(["--topology", path])
    refused(finished, TOPOLOGY_INVALID, f"{path}:1:")
    assert len(finished.err) < 4_000


def test_a_result_that_cannot_be_written_is_known_before_anything_runs(run_host, topology, tmp_path):
    job = topology(plugin={"args": {"epochs": 1_000, "pause_ms": 60_000}})
    for target in [tmp_path / "none" / "r.json", tmp_path, "/dev/null"]:
        refused(run_host(["--topology", job, "--result", target]), CANNOT_WRITE, "result file")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_chaos_errors_have_their_place(run_host, topology, tmp_path):
    job = topology()
    refused(run_host(["--topology", job, "--chaos", "seed=1,rate=2"]), USAGE, 'rate "2"', "seed=N,rate=R,max=M")
    chaos = tmp_path / "chaos.json"
    chaos.write_text('[{"kill": 1, "at_epoch": 2},\n {"kil": 1, "at_epoch": 2}]')
    refused(run_host(["--topology", job, "--chaos", chaos]), TOPOLOGY_INVALID, f'{chaos}:2:3: unknown key "kil"; did you mean "kill"?')
    chaos.write_text('[{"kill": 15, "at_epoch": 2}]')
    refused(run_host(["--topology", job, "--chaos", chaos]), TOPOLOGY_INVALID, f"{chaos}:1:11: there is no task 15")


def test_print_config_shows_every_value_with_its_origin(run_host, topology):
    job = topology(restart={"max": 7})
    line = 1 + next(i for i, text in enumerate(job.read_text().splitlines()) if '"max"' in text)
    finished = run_host(["--topology", job, "--threads", "3", "--print-config"], env={"TASKGRAPH_LOG_LEVEL": "error", "NO_COLOR": "1"})
    assert finished.code == 0, finished
    lines = config_lines(finished.out)
    assert lines["topology"] == (str(job), "command line")
    assert lines["threads"] == ("3", "command line")
    assert lines["coordinator"] == ("embedded", "default")
    assert lines["log-level"] == ("error", "environment TASKGRAPH_LOG_LEVEL")
    assert lines["colour"] == ("never", "environment NO_COLOR")
    value, origin = lines["restart.max"]
    assert value == "7"
    assert origin == f"{job}:{line}" or origin.startswith(f"{job}:{line}:"), origin
    assert lines["restart.window"][1] == "default"
    assert lines["listen"] == ("127.0.0.1:0", "default")
    assert lines["token-file"] == ("", "default")
    assert lines["state-dir"][0].endswith("/taskgraph/test")
    assert lines["state-dir"][1] == "environment XDG_STATE_HOME"


def test_validate_runs_nothing(run_host, topology, tmp_path):
    job = topology(plugin={"args": {"epochs": 1_000, "pause_ms": 60_000}})
    finished = run_host(["--topology", job, "--validate", "--result", tmp_path / "r.json"])
    assert finished.code == 0, finished
    assert "valid" in finished.out
    assert not (tmp_path / "r.json").exists()
    assert len(list(tmp_path.glob("**/.taskgraph-result*"))) == 0


def test_validate_finds_what_a_run_would_find(run_host, topology):
    refused(run_host(["--topology", topology(plugin={"path": "none.so"}), "--validate"]), FILE_MISSING, "none.so")
    refused(run_host(["--topology", topology(tasks={"count": 0}), "--validate"]), TOPOLOGY_INVALID, "/tasks/count")


def test_validate_and_print_config_together_do_both(run_host, topology):
    finished = run_host(["--topology", topology(), "--validate", "--print-config"])
    assert finished.code == 0, finished
    assert "restart.max" in finished.out
    assert "valid" in finished.out


def test_log_lines_as_json_are_json(run_host, topology, tmp_path):
    result = tmp_path / "r.json"
    finished = run_host(["--topology", topology(), "--result", result, "--log-format", "json", "--log-level", "debug"])
    assert finished.code == 0, finished
    lines = [json.loads(line) for line in finished.err.splitlines()]
    assert lines
    for line in lines:
        assert line["level"] in ("debug", "info", "warning", "error")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
        assert line["message"]


def test_no_colours_and_no_cursor_in_files(run_host, topology):
    finished = run_host(["--topology", topology(), "--log-level", "debug"])
    assert finished.code == 0, finished
    assert "\x1b" not in finished.err + finished.out


def run_on_a_terminal(command: list, columns: int, state_home: Path) -> bytes:
    """What `command` writes to a stderr that is a terminal of so many columns."""
    reader, writer = pty.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = host_process.clean_environment({"TERM": "xterm", "XDG_STATE_HOME": state_home})
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=writer, env=environment)
    os.close(writer)
    written = b""
    deadline = time.monotonic() + 20 * host_process.TIME_FACTOR
    try:
        while time.monotonic() < deadline:
            if not select.select([reader], [], [], 0.1)[0]:
                continue
            try:
                piece = os.read(reader, 65536)
            except OSError:  # the last writer is gone
                break
            if not piece:
                break
            written += piece
        assert child.wait(10 * host_process.TIME_FACTOR) == 0, written
    finally:
        child.kill()
        child.wait()
        os.close(reader)
    return written


@pytest.mark.parametrize("columns", [80, 30])
def test_on_a_terminal_one_progress_line_is_redrawn_and_removed_at_the_end(host, topology, tmp_path, columns):
    job = topology(plugin={"args": {"epochs": 4, "pause_ms": 500}})
    written = run_on_a_terminal([host, "--topology", job, "--log-level", "warning"], columns, tmp_path).decode()
    assert "epoch " in written
    assert written.endswith("\r\x1b[K"), written[-200:]
    drawn = [line for line in written.split("\r\x1b[K") if line]
    assert 1 <= len(drawn) <= 5 * 4, drawn
    for line in drawn:
        assert re.match(r"epoch \d", line), line
        assert len(line) < columns, line


def test_a_short_job_shows_no_progress(host, topology, tmp_path):
    written = run_on_a_terminal([host, "--topology", topology(), "--log-level", "warning"], 80, tmp_path)
    assert written == b"", written
