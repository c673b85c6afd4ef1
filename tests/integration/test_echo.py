"""The echo job: it runs until it is stopped. What its methods answer is tested in tests/unit/echo_task_test.cpp."""

import json
import signal

LINKS = {"parents": None, "children": None, "peers": {"shape": "full"}}
ECHO = {"plugin": {"path": "echo.so", "args": None}, "tasks": {"count": 3}, "links": LINKS}


def test_it_runs_until_it_is_stopped(start_host, topology, tmp_path):
    result = tmp_path / "result.json"
    child = start_host(["--topology", topology(**ECHO), "--result", result])
    child.wait_for("epoch 0")
    assert child.running()
    child.signal(signal.SIGTERM)
    finished = child.wait(15)
    assert finished.code == 3, finished
    assert json.loads(result.read_text())["status"] == "stopped"


def test_kills_do_not_end_it(start_host, topology, tmp_path):
    chaos = tmp_path / "chaos.json"
    chaos.write_text(json.dumps([{"kill": task, "at_epoch": 0} for task in range(3)]))
    child = start_host(["--topology", topology(**ECHO), "--chaos", chaos])
    child.wait_for("epoch 0")
    child.signal(signal.SIGTERM)
    finished = child.wait(15)
    assert finished.code == 3, finished


def test_it_takes_no_arguments(run_host, topology):
    finished = run_host(["--topology", topology(**{**ECHO, "plugin": {"path": "echo.so", "args": {"epochs": 1}}})])
    assert finished.code == 78, finished
    assert 'unknown argument "epochs"' in finished.err, finished
