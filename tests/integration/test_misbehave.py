"""Each way in which a plugin misbehaves, and exactly what a user sees of it. The host never crashes and never hangs."""

import json
import re

import host_process
import pytest

DONE = 0
FAILED = 1
OWN_BUG = 70
PLUGIN_REFUSED = 78

# As the message names the hook; `done` is the end of a pull.
HOOKS = {
    "init": "init",
    "became_primary": "became_primary",
    "became_backup": "became_backup",
    "enter_epoch": "enter_epoch",
    "flag_raised": "flag_raised",
    "serve": "serve",
    "neighbour_changed": "neighbour_changed",
    "done": "on_done of a pull",
    "timer": "continuation",
}
RESTARTS_MAX = 2
# A job that is long enough for a timer of 1 ms, the restarts of a backup and those of a neighbour; the other hooks come in
# each epoch.
EPOCHS_LONG = 5_000
EPOCHS_SHORT = 200


@pytest.fixture
def run_plugin(build_dir, run_host, topology, tmp_path):
    """run_plugin(name, args, faults=None, more=[], **changes) -> (Finished, the result file's document or None); `more` are
    options of the host."""

    def run(name: str, args: dict, faults=None, more=(), **changes):
        document = {
            "version": 1,
            "job": "test",
            "plugin": {"path": str(build_dir / "tests" / "fixtures" / "plugins" / f"{name}.so"), "args": args},
            "tasks": {"count": 3},
            "links": {"peers": {"shape": "full"}},
            "restart": {"max": RESTARTS_MAX, "backoff": "10ms"},
        }
        host_process.merge(document, changes)
        result = tmp_path / "result.json"
        options = ["--topology", topology(text=json.dumps(document)), "--result", result, *more]
        if faults is not None:
            (tmp_path / "chaos.json").write_text(json.dumps(faults))
            options += ["--chaos", tmp_path / "chaos.json"]
        finished = run_host(options)
        return finished, json.loads(result.read_text()) if result.exists() else None

    return run


@pytest.fixture
def run_misbehave(run_plugin):
    """run_misbehave(hook, what, times=1, epochs=3) -> as run_plugin; task 1 misbehaves. In a worker when it throws; what else it
    does is the same to the host in every process."""

    def run(hook: str, what: str, times: int = 1, epochs: int = 3):
        # A hook of backups needs backups; one about neighbours, neighbours that fail.
        tasks = {"backups": 1 if hook == "became_backup" else 0}
        faults = [{"kill": 2, "at_event": event} for event in range(3, 3_000, 100)] if hook == "neighbour_changed" else None
        more = [] if what == "throw" else ["--local"]
        return run_plugin("misbehave", {"task": 1, "hook": hook, "what": what, "times": times, "epochs": epochs}, faults, more, tasks=tasks)

    return run


def epochs_for(hook: str) -> int:
    return EPOCHS_LONG if hook in ("became_backup", "neighbour_changed", "timer") else EPOCHS_SHORT


def check_done(finished, document, epochs: int) -> None:
    assert finished.code == DONE, finished
    assert document == {
        "job": "test",
        "status": "done",
        "epochs": epochs - 1,
        "result": {"epochs": epochs, "last": (1 + 2) * (epochs - 1)},
    }


def check_given_up(finished, document, reason: str) -> None:
    """`reason` is a regular expression."""
    assert finished.code == FAILED, finished
    assert document["status"] == "failed" and document["result"] == {}, document
    last = finished.err.splitlines()[-1]
    gave_up = (
        rf'job "test" failed in epoch \d+ \(.*\): task 1 gave up: {RESTARTS_MAX + 1} failures in 60 s '
        rf"\(limit restart\.max={RESTARTS_MAX}\); last: {reason}; the plugin is to blame, not the host$"
    )
    assert re.search(gave_up, last), finished


def text_of(what: str, hook: str) -> str:
    return f"misbehave: {hook} of task 1" if what == "throw" else "something that is no std::exception"


@pytest.mark.parametrize("what", ["throw", "throw_int"])
@pytest.mark.parametrize("hook", HOOKS)
def test_an_exception_restarts_the_task_and_the_job_goes_on(run_misbehave, hook, what):
    finished, document = run_misbehave(hook, what, epochs=epochs_for(hook))
    check_done(finished, document, epochs_for(hook))
    told = rf'warning task 1 failed: hook {HOOKS[hook]} threw "{text_of(what, hook)}" at epoch \d+ task=1$'
    assert len(re.findall(told, finished.err, re.MULTILINE)) == 1, finished


@pytest.mark.parametrize("what", ["throw", "throw_int"])
@pytest.mark.parametrize("hook", HOOKS)
def test_a_task_whose_hook_always_throws_is_given_up(run_misbehave, hook, what):
    finished, document = run_misbehave(hook, what, times=0, epochs=epochs_for(hook))
    check_given_up(finished, document, rf'hook {HOOKS[hook]} threw "{text_of(what, hook)}" at epoch \d+')


BUILDS = {
    "throw": "misbehave: build of task 1",
    "throw_int": "something that is no std::exception",
    "null_task": "TaskBuilder::build returned no task for id 1",
}


@pytest.mark.parametrize("what, text", BUILDS.items())
def test_a_task_that_cannot_be_made_is_made_again(run_misbehave, what, text):
    finished, document = run_misbehave("build", what)
    check_done(finished, document, 3)
    assert finished.err.count(f'warning task 1 failed: create_task failed: "{text}" task=1') == 1, finished


@pytest.mark.parametrize("what, text", BUILDS.items())
def test_a_task_that_can_never_be_made_is_given_up(run_misbehave, what, text):
    finished, document = run_misbehave("build", what, times=0)
    check_given_up(finished, document, f'create_task failed: "{text}"')


MISUSES = {
    "bad_json": "finish_job: Invalid value. (at byte 11)",
    "bad_link": 'raise_flag: the topology has no link "no such link"',
    "bad_task": "pull: there is no task 18446744073709551615, only 0 to 2",
}


@pytest.mark.parametrize("what, text", MISUSES.items())
@pytest.mark.parametrize("hook", ["became_primary", "enter_epoch", "flag_raised", "serve", "neighbour_changed", "done", "timer"])
def test_a_misuse_is_refused_and_told_once(run_misbehave, hook, what, text):
    """The plugin fails by itself when the host answers it by anything but TG_INVALID."""
    finished, document = run_misbehave(hook, what, times=0, epochs=epochs_for(hook))
    check_done(finished, document, epochs_for(hook))
    assert finished.err.count(f"warning {text}; further ones are not reported task=1") == 1, finished
    assert "task 1 failed" not in finished.err, finished


@pytest.mark.parametrize("what, call", [("bad_json", "finish_job"), ("bad_link", "raise_flag"), ("bad_task", "pull")])
def test_before_its_role_a_task_may_ask_for_nothing(run_misbehave, what, call):
    finished, document = run_misbehave("init", what, times=0)
    status_not_primary = 4
    text = f"misbehave: the host answered {call} by status {status_not_primary} instead of TG_INVALID"
    check_given_up(finished, document, f'hook init threw "{text}" at epoch 0')


def test_a_pull_that_dies_unanswered_is_asked_again(run_misbehave):
    finished, document = run_misbehave("serve", "drop", times=5)
    check_done(finished, document, 3)
    # Three epochs of six pulls each, and the five that were unavailable.
    assert f"({3 * 6 + 5} pulls, 0 failures)" in finished.err, finished


def test_a_pull_is_answered_later_from_another_thread(run_misbehave):
    finished, document = run_misbehave("serve", "reply_later", times=0)
    check_done(finished, document, 3)
    assert finished.seconds >= 3 * 0.02


STRAND_CALLS = ["term", "epoch", "role", "neighbours", "raise_flag", "pull", "cancel", "advance_epoch", "finish_job", "after", "random"]
ANY_CALLS = ["task_id", "post", "now", "log", "extension", "life"]


@pytest.fixture
def checking_host(build_dir):
    """Skips where the host does not check the thread tags."""
    cache = (build_dir / "CMakeCache.txt").read_text()
    if "CMAKE_BUILD_TYPE:STRING=Debug" not in cache:
        pytest.skip("built with NDEBUG")


@pytest.mark.parametrize("sender", ["thread", "task"])
@pytest.mark.parametrize("call", STRAND_CALLS)
def test_a_call_off_the_strand_ends_a_host_that_checks(checking_host, run_plugin, call, sender):
    finished, document = run_plugin("wrong_thread", {"call": call, "from": sender}, more=["--local"], tasks={"count": 2})
    assert finished.code == OWN_BUG, finished
    assert off_the_strand(call) in finished.err.splitlines(), finished
    assert document is None


def off_the_strand(call: str) -> str:
    return (
        f"taskgraph: task 0 called tg_host_api.{call} outside of its strand; that function is [strand]: call it from a hook, "
        "or hand the work to the strand with tg_host_api.post"
    )


def test_a_call_off_the_strand_ends_a_worker_that_checks_and_the_plugin_is_to_blame(checking_host, run_plugin):
    finished, document = run_plugin("wrong_thread", {"call": "pull", "from": "thread"}, tasks={"count": 2})
    assert finished.code == FAILED, finished
    assert finished.err.splitlines().count(off_the_strand("pull")) == RESTARTS_MAX + 1, finished
    assert re.search(rf"gave up: .* exited with {OWN_BUG}.*; the plugin is to blame", finished.err), finished
    assert document["status"] == "failed"


@pytest.mark.parametrize("sender", ["thread", "task"])
@pytest.mark.parametrize("call", ANY_CALLS)
def test_what_any_thread_may_call(run_plugin, call, sender):
    finished, document = run_plugin("wrong_thread", {"call": call, "from": sender}, tasks={"count": 2})
    assert finished.code == DONE, finished
    assert document["status"] == "done"


RING = {"peers": None, "next": {"shape": "ring", "role": "both"}}


@pytest.mark.parametrize("count", [2, 3, 16])
@pytest.mark.parametrize("method", ["sum", "later", "twice"])
def test_a_plugin_in_c(run_plugin, method, count):
    finished, document = run_plugin("pure_c", {"epochs": 20, "method": method}, tasks={"count": count}, links=RING)
    assert finished.code == DONE, finished
    assert document["result"] == {"epochs": 20, "sum": count * (count - 1) // 2}
    warned = finished.err.count("warning a pull was answered a second time; that answer is dropped; further ones are not reported")
    assert warned == (count if method == "twice" else 0), finished


@pytest.mark.parametrize("seed", range(1, 6))
@pytest.mark.parametrize("method", ["sum", "later", "twice"])
def test_a_plugin_in_c_is_killed_on_its_way(run_plugin, method, seed):
    faults = [{"kill": task, "at_event": seed + 7 * task} for task in range(4)]
    finished, document = run_plugin("pure_c", {"epochs": 20, "method": method}, faults, tasks={"count": 4, "backups": seed % 2}, links=RING)
    assert finished.code == DONE, finished
    assert document["result"] == {"epochs": 20, "sum": 6}


def test_a_plugin_in_c_that_fails_is_given_up_with_its_text(run_plugin):
    finished, document = run_plugin("pure_c", {"epochs": 2})
    assert finished.code == FAILED, finished
    assert document["status"] == "failed"
    assert 'warning raise_flag: the topology has no link "next"' in finished.err, finished
    assert 'last: hook enter_epoch threw "raise_flag was refused" at epoch 0; the plugin is to blame, not the host' in finished.err


@pytest.mark.parametrize(
    "name, args, text",
    [
        ("pure_c", {"epochs": 0}, "epochs must be a whole number above 0"),
        ("pure_c", {"method": 7}, "method must be a string"),
        ("pure_c", {"epocs": 1}, "unknown argument (known: epochs method)"),
        ("misbehave", {"task": 1, "hook": "sleep", "what": "throw"}, 'argument "hook" is "sleep", which it knows not'),
        ("misbehave", {"task": 1, "hook": "init", "what": "nothing"}, 'argument "what" is "nothing", which it knows not'),
        ("misbehave", {"tusk": 1}, 'unknown argument "tusk"'),
        ("misbehave", {"task": "one"}, 'argument "task" is one; expected a whole number'),
    ],
)
def test_arguments_that_a_plugin_does_not_take_refuse_it(run_plugin, name, args, text):
    finished, document = run_plugin(name, args, links=RING if name == "pure_c" else {})
    assert finished.code == PLUGIN_REFUSED, finished
    assert text in finished.err, finished
    assert document is None
