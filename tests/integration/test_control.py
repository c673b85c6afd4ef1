"""The control listener of a real host: status, health, token, and pulls of people and programs."""

import json
import os
import resource
import signal
import socket
import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import host_process
from control_client import Control, PATIENCE_S
from host_process import TIME_FACTOR

DONE, STOPPED, USAGE, FILE_MISSING, CANNOT_LISTEN, CANNOT_WRITE = 0, 3, 64, 66, 71, 73
TASKS = 4
KINDS = {"workers": ["--workers", "2"], "local": ["--local"]}
TOKEN = "a-token-of-a-test-0123456789"


@pytest.fixture
def answers(topology, build_dir):
    """A job of tasks that answer pulls."""

    def write(tasks=TASKS, backups=1, **changes):
        plugin = build_dir / "tests" / "fixtures" / "plugins" / "answers.so"
        document = {
            "version": 1,
            "job": "test",
            "plugin": {"path": str(plugin)},
            "tasks": {"count": tasks, "backups": backups},
            "links": {"peers": {"shape": "full"}},
            **changes,
        }
        return topology(text=json.dumps(document))

    return write


@pytest.fixture
def start(start_host, answers):
    """start(kind) -> (child, control) of a job that is ready."""

    def begin(kind="workers", options=(), **changes):
        child = start_host(["--topology", answers(**changes), *KINDS[kind], *options])
        return child, Control.of(child.state(), child.running)

    return begin


@pytest.fixture(params=KINDS)
def job(request, start):
    return start(request.param)


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def wait_until(condition, what: str):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.005)


# ---------------------------------------------------------------- files


@pytest.mark.parametrize("kind", KINDS)
def test_the_state_folder_says_where_the_listener_is_for_as_long_as_the_job_runs(start, kind):
    child, control = start(kind)
    state = child.state()
    assert mode(state) == mode(state.parent) == 0o700
    assert mode(state / "token") == mode(state / "control.json") == 0o600
    document = json.loads((state / "control.json").read_text())
    assert document == {"control": f"http://127.0.0.1:{control.port}", "token_file": str(state / "token")}
    assert control.get("/readyz").status == 200
    assert f"token {control.token} in {state / 'token'}" in child.err()
    child.signal(signal.SIGTERM)
    finished = child.wait()
    assert finished.code == STOPPED, finished
    assert not (state / "control.json").exists()


def test_a_second_signal_leaves_no_control_json_behind(start_host, topology, build_dir):
    document = {
        "version": 1,
        "job": "test",
        "plugin": {
            "path": str(build_dir / "tests" / "fixtures" / "plugins" / "witness.so"),
            "args": {"end": "never", "hang": "exit"},
        },
        "tasks": {"count": 2},
        "links": {"peers": {"shape": "full"}},
    }
    child = start_host(["--topology", topology(text=json.dumps(document))])
    Control.of(child.state(), child.running)
    child.signal(signal.SIGTERM)
    child.wait_for(": hangs")
    time.sleep(0.6)  # two signals at once are one request
    child.signal(signal.SIGTERM)
    assert child.wait().code == STOPPED
    assert not (child.state() / "control.json").exists()


def test_a_control_json_of_a_dead_host_goes_before_the_next_one_is_ready(start_host, answers, tmp_path):
    state = tmp_path / "state"
    first = start_host(["--topology", answers(), "--state-dir", state])
    token = Control.of(state, first.running).token
    first.signal(signal.SIGKILL)
    first.wait()
    assert (state / "control.json").exists()
    second = start_host(["--topology", answers(), "--state-dir", state])
    second.wait_for("control listener at")
    control = Control.of(state, second.running)
    assert control.token != token
    assert control.status()["job"]["state"] == "running"


def test_one_host_at_a_time_uses_a_state_folder(start, run_host, answers):
    child, _ = start()
    refused = run_host(["--topology", answers(), "--state-dir", child.state()])
    assert refused.code == CANNOT_WRITE, refused
    assert f"another host uses it (process {child.pid})" in refused.err
    assert "--state-dir" in refused.err


def test_without_any_folder_for_its_state_a_job_does_not_start(run_host, answers, tmp_path):
    nowhere = run_host(["--topology", answers()], env={"XDG_STATE_HOME": None, "HOME": None})
    assert nowhere.code == CANNOT_WRITE, nowhere
    assert "give one with --state-dir" in nowhere.err
    (tmp_path / "file").write_text("")
    below_a_file = run_host(["--topology", answers(), "--state-dir", tmp_path / "file" / "state"])
    assert below_a_file.code == CANNOT_WRITE, below_a_file
    assert "cannot be made" in below_a_file.err


def test_the_home_folder_is_where_the_state_lies_by_default(start_host, answers, tmp_path):
    child = start_host(["--topology", answers()], env={"XDG_STATE_HOME": None, "HOME": tmp_path})
    Control.of(tmp_path / ".local" / "state" / "taskgraph" / "test", child.running)


# ---------------------------------------------------------------- token and Host


def test_a_token_file_is_used_where_it_lies(start_host, answers, tmp_path):
    file = tmp_path / "secret"
    file.write_text(TOKEN + "\n")
    file.chmod(0o600)
    child = start_host(["--topology", answers(), "--token-file", "secret"], cwd=tmp_path)
    control = Control.of(child.state(), child.running)
    assert control.token == TOKEN
    assert json.loads((child.state() / "control.json").read_text())["token_file"] == str(file)
    assert control.status()["job"]["name"] == "test"
    assert not (child.state() / "token").exists()
    assert TOKEN not in child.err()


def test_a_token_file_that_others_can_read_is_refused(run_host, answers, tmp_path):
    file = tmp_path / "secret"
    file.write_text(TOKEN)
    file.chmod(0o644)
    refused = run_host(["--topology", answers(), "--token-file", file])
    assert refused.code == USAGE, refused
    assert f"chmod 600 {file}" in refused.err
    missing = run_host(["--topology", answers(), "--token-file", tmp_path / "none"])
    assert missing.code == FILE_MISSING, missing


def test_all_but_health_needs_the_token(job):
    _, control = job
    paths = ["/v1/status", "/v1/jobs/test/tasks/0/whoami", "/v1/none"]
    for authorization in [None, "Bearer wrong-but-long-enough", f"Basic {control.token}", control.token]:
        for path in paths:
            reply = control.get(path, headers={"Authorization": authorization})
            assert reply.status == 401, (path, authorization, reply)
            assert reply.headers["WWW-Authenticate"].startswith("Bearer")
        for path in ["/livez", "/readyz"]:
            assert control.get(path, headers={"Authorization": authorization}).status == 200


def test_a_name_that_was_resolved_to_this_machine_is_no_way_in(job):
    _, control = job
    for name in ["example.org", f"example.org:{control.port}", "127.0.0.1:1"]:
        for path in ["/livez", "/v1/status"]:
            assert control.get(path, headers={"Host": name}).status == 400
    assert control.get("/v1/status", headers={"Host": f"localhost:{control.port}"}).status == 200


def test_ipv6_loopback_and_a_port_that_is_taken(start, run_host, answers):
    child, control = start(options=["--listen", "[::1]:0"])
    assert json.loads((child.state() / "control.json").read_text())["control"] == f"http://[::1]:{control.port}"
    assert control.get("/readyz").status == 200
    refused = run_host(["--topology", answers(), "--listen", f"[::1]:{control.port}"])
    assert refused.code == CANNOT_LISTEN, refused
    assert f"--listen [::1]:{control.port}: Address already in use" in refused.err


# ---------------------------------------------------------------- status


def test_status_shows_who_is_where(start):
    child, control = start()
    status = control.status()
    assert status["job"]["name"] == "test"
    assert status["job"]["state"] == "running"
    assert status["epoch"] == 0
    assert status["controller"] == status["host"]
    lives = {life["life"]: life for life in status["lives"]}
    assert sorted(life["worker"] for life in lives.values()) == [0, 1]
    assert [task["task"] for task in status["tasks"]] == list(range(TASKS))
    for task in status["tasks"]:
        seats = [task["primary"], *task["backups"]]
        assert [seat["role"] for seat in seats] == ["primary", "backup"]
        assert seats[0]["worker"] != seats[1]["worker"]
        assert all(lives[seat["life"]]["worker"] == seat["worker"] for seat in seats)
        reply = control.pull("test", task["task"], "whoami").json()
        assert reply == {"task": task["task"], "term": task["term"], "pid": lives[task["primary"]["life"]]["pid"]}
    assert sum(life["primaries"] for life in lives.values()) == TASKS
    assert control.ask("HEAD", "/v1/status").status == 200
    assert control.ask("POST", "/v1/status").status == 405


def test_status_of_a_job_in_one_process(start):
    child, control = start("local")
    status = control.status()
    assert {life["pid"] for life in status["lives"]} == {child.pid}
    assert len(status["lives"]) == 2  # a primary and a backup are never in the same life
    assert json.loads(control.get("/v1/jobs/test/tasks/0/whoami").body)["pid"] == child.pid


def test_status_follows_a_failover(start):
    _, control = start()
    before = control.status()
    victim = before["lives"][0]
    os.kill(victim["pid"], signal.SIGKILL)

    def is_over():
        status = control.status()
        return (
            len(status["lives"]) == 2
            and victim["life"] not in {life["life"] for life in status["lives"]}
            and all(task["primary"] and task["primary"]["worker"] is not None for task in status["tasks"])
        )

    wait_until(is_over, "the failover does not show")
    after = control.status()
    moved = [task["task"] for task in before["tasks"] if task["primary"]["life"] == victim["life"]]
    assert moved
    for task in moved:
        assert after["tasks"][task]["term"] == before["tasks"][task]["term"] + 1
    assert after["view"] > before["view"]
    wait_until(lambda: control.get("/readyz").status == 200, "it does not get ready again")


# ---------------------------------------------------------------- pulls


def test_pulls_reach_tasks_of_every_worker(job):
    _, control = job
    body = bytes(range(256)) * 1000
    for task in range(TASKS):
        reply = control.pull("test", task, "echo", body)
        assert reply.status == 200, reply
        assert reply.body == body
        assert reply.headers["Content-Type"] == "application/octet-stream"


def test_get_is_for_methods_that_are_read_only(job):
    _, control = job
    for task in range(TASKS):
        assert control.get(f"/v1/jobs/test/tasks/{task}/whoami").json()["task"] == task
    head = control.ask("HEAD", "/v1/jobs/test/tasks/0/whoami")
    assert (head.status, head.body) == (200, b"")
    refused = control.get("/v1/jobs/test/tasks/0/count")
    assert refused.status == 405
    assert refused.headers["Allow"] == "POST"
    assert control.pull("test", 0, "count").body == b"1"


def test_404_is_for_a_job_a_task_or_a_method_that_is_not_there(job):
    _, control = job
    assert control.pull("other", 0, "echo").status == 404
    assert control.pull("test", TASKS, "echo").status == 404
    assert control.pull("test", "01", "echo").status == 404
    method = control.pull("test", 0, "none")
    assert method.status == 404
    assert method.json() == {"error": "there is no method none", "code": 2}


def test_what_a_task_refuses_has_a_status(job):
    _, control = job
    refused = control.pull("test", 0, "refuse", "caf\u00e9".encode())
    assert refused.status == 422
    assert refused.json() == {"error": "caf\u00e9", "code": 1007}
    for method, status in [("busy", 429), ("drop", 503)]:
        reply = control.pull("test", 0, method)
        assert reply.status == status, reply
        assert int(reply.headers["Retry-After"]) >= 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_body_that_is_too_large(start, kind):
    _, control = start(kind, limits={"message_bytes": "64KiB"})
    assert control.pull("test", 0, "echo", b"x" * 65536).status == 200
    assert control.pull("test", 0, "echo", b"x" * 65537).status == 413


@pytest.mark.parametrize("kind", KINDS)
def test_no_answer_in_time(start, kind):
    _, control = start(kind, limits={"pull_deadline": "300ms"})
    reply = control.pull("test", 0, "never")
    assert reply.status == 504, reply
    assert "whether it ran is not known" in reply.json()["error"]


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_primary_a_request_is_held_and_then_told_to_come_again(start, kind):
    restart = {"max": 5, "backoff": "2s"}
    _, control = start(kind, backups=0, restart=restart, limits={"pull_deadline": "400ms"})
    for method in ["fail", "echo"]:  # the one that had it, and one that comes meanwhile
        began = time.monotonic()
        reply = control.pull("test", 1, method, b"x")
        assert reply.status == 503, reply
        assert int(reply.headers["Retry-After"]) >= 1
        assert time.monotonic() - began >= 0.4
        assert control.get("/readyz").status == 503
    assert control.pull("test", 0, "echo", b"x").status == 200  # the others go on

    def is_back():
        return control.pull("test", 1, "echo", b"x").status == 200

    wait_until(is_back, "task 1 does not come back")


@pytest.mark.parametrize("kind", KINDS)
def test_a_request_is_held_until_there_is_a_primary_again(start, kind):
    _, control = start(kind, backups=0, restart={"max": 5, "backoff": "500ms"})
    began = time.monotonic()
    reply = control.pull("test", 1, "fail")
    assert reply.status == 200, reply
    assert (reply.json()["task"], reply.json()["term"]) == (1, 2)
    assert time.monotonic() - began >= 0.5


def test_a_client_that_keeps_asking_sees_nothing_but_answers_through_kill_9(start):
    _, control = start(limits={"pull_deadline": "20s"})
    stop = threading.Event()

    def keep_asking(task):
        terms = []
        while not stop.is_set():
            reply = control.pull("test", task, "whoami")
            assert reply.status == 200, reply
            terms.append(reply.json()["term"])
        assert terms == sorted(terms)
        return terms

    with ThreadPoolExecutor(TASKS) as threads:
        asking = [threads.submit(keep_asking, task) for task in range(TASKS)]
        for round in range(4):
            wait_until(lambda: len(control.status()["lives"]) == 2, "two workers")
            view = control.status()["view"]
            os.kill(control.status()["lives"][round % 2]["pid"], signal.SIGKILL)
            wait_until(lambda: control.status()["view"] > view, "no failover")
            wait_until(lambda: control.get("/readyz").status == 200, "it does not get ready again")
        stop.set()
        terms = [each.result() for each in asking]
    assert sum(each[-1] - each[0] for each in terms) >= 4, terms


def test_4096_connections_and_the_longest_idle_gives_way(start):
    connections_max = 4096
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < connections_max + 200:
        pytest.skip(f"this process may open {hard} files only")
    child, control = start()
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, connections_max + 200), hard))
    sockets = []
    try:
        for _ in range(connections_max + 1):
            sockets.append(socket.create_connection((control.host, control.port), PATIENCE_S))
        assert sockets[0].recv(1) == b""  # the first one
        request = f"GET /livez HTTP/1.1\r\nHost: localhost:{control.port}\r\n\r\n".encode()
        for each in (sockets[1], sockets[-1]):
            each.sendall(request)
            assert each.recv(4096).startswith(b"HTTP/1.1 200 OK")
        assert control.pull("test", 0, "echo", b"x").status == 200
        assert "for 4096 connections" not in child.err()
    finally:
        for each in sockets:
            each.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_too_few_files_for_all_connections_are_said(host, answers, tmp_path):
    command = f"ulimit -n 1000; exec {host} --topology {answers()}"
    child = host_process.Child(["sh", "-c", command], tmp_path)
    try:
        Control.of(child.state(), child.running)
        assert "this process may open 1000 files; for 4096 connections of clients it needs 5120" in child.err()
    finally:
        child.kill()


# ---------------------------------------------------------------- Idempotency-Key


def test_the_same_key_again_gets_the_same_answer_and_runs_once(job):
    _, control = job
    key = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
    first = control.pull("test", 0, "count", b"x", headers=key)
    assert (first.status, first.body, first.headers["Idempotent-Replayed"]) == (200, b"1", None)
    for _ in range(3):
        again = control.pull("test", 0, "count", b"x", headers=key)
        assert (again.status, again.body, again.headers["Idempotent-Replayed"]) == (200, b"1", "true")
    assert control.pull("test", 0, "count", b"x").body == b"2"
    assert control.pull("test", 0, "count", b"y", headers=key).status == 422
    assert control.pull("test", 1, "count", b"x", headers=key).status == 422
    assert control.pull("test", 0, "count", headers={"Idempotency-Key": "k" * 256}).status == 400


def test_requests_with_one_key_at_once_are_one_request(job):
    _, control = job
    key = {"Idempotency-Key": "at once"}
    with ThreadPoolExecutor(8) as threads:
        replies = list(threads.map(lambda _: control.pull("test", 0, "later", b"200", headers=key), range(8)))
    assert [(reply.status, reply.body) for reply in replies] == [(200, b"200")] * 8
    assert control.pull("test", 0, "later", b"200", headers=key).headers["Idempotent-Replayed"] == "true"


def test_a_stored_answer_survives_the_worker_that_gave_it(start):
    _, control = start()
    key = {"Idempotency-Key": "survivor"}
    first = control.pull("test", 0, "whoami", headers=key)
    os.kill(first.json()["pid"], signal.SIGKILL)
    wait_until(lambda: control.pull("test", 0, "whoami").json()["pid"] != first.json()["pid"], "no failover")
    again = control.pull("test", 0, "whoami", headers=key)
    assert (again.status, again.body) == (200, first.body)
    assert again.headers["Idempotent-Replayed"] == "true"


def test_what_a_task_did_not_answer_is_not_stored(job):
    _, control = job
    key = {"Idempotency-Key": "again"}
    for _ in range(2):
        reply = control.pull("test", 0, "drop", headers=key)
        assert (reply.status, reply.headers["Idempotent-Replayed"]) == (503, None)


# ---------------------------------------------------------------- the end


@pytest.mark.parametrize("kind", KINDS)
def test_at_the_end_of_the_job_those_who_wait_are_told(start, kind):
    child, control = start(kind)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(control.pull, "test", 0, "never")
        wait_until(lambda: control.pull("test", 0, "kept").body == b"1", "task 0 has no pull to keep")
        finish = control.pull("test", 1, "finish")
        assert finish.status == 503, finish
        assert waiting.result().status == 503
    began = time.monotonic()
    finished = child.wait()
    assert finished.code == DONE, finished
    assert time.monotonic() - began < 5 * TIME_FACTOR
    assert not (child.state() / "control.json").exists()
