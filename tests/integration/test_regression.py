"""The regression job: its sums are the same to the bit, whatever is killed, thrown, delayed or dropped on the way."""

import json

import pytest

SUMS_OF_TEN = [0, 105, 210, 315, 420, 525, 630, 735, 840, 945, 1050]


def expected_sums(tasks: int, epochs: int) -> list[int]:
    """By definition, and not the plugin's way: the gradient of task k in epoch e is k * e."""
    return [sum(k * e for k in range(tasks)) for e in range(epochs + 1)]


def tree(**parameters) -> dict:
    return {role: {"shape": "tree", "role": role, "arity": 2, **parameters} for role in ("parents", "children")}


@pytest.fixture
def run_job(run_host, topology, tmp_path):
    """run_job(chaos=None, timeout=30, **changes of the topology) -> the text of the result file."""

    def run(chaos=None, timeout=30, **changes):
        result = tmp_path / "result.json"
        result.unlink(missing_ok=True)
        options = [] if chaos is None else ["--chaos", chaos]
        finished = run_host(["--topology", topology(**changes), "--result", result, *options], timeout=timeout)
        assert finished.code == 0, finished
        return result.read_text()

    return run


@pytest.fixture
def run_script(run_job, tmp_path):
    """run_script(list of faults, ...) -> as run_job, with a chaos file."""

    def run(faults, **changes):
        path = tmp_path / "chaos.json"
        path.write_text(json.dumps(faults))
        return run_job(chaos=path, **changes)

    return run


def sums_of(text: str) -> list[int]:
    document = json.loads(text)
    assert document["status"] == "done"
    assert list(document["result"]) == ["sums"]
    sums = document["result"]["sums"]
    assert all(type(value) is int for value in sums), "whole numbers, printed as such"
    return sums


def test_the_sums_of_fifteen_tasks(run_job):
    text = run_job()
    assert sums_of(text) == SUMS_OF_TEN
    assert json.loads(text)["job"] == "test"


@pytest.mark.parametrize("payload", ["scalar", "wide"])
@pytest.mark.parametrize("tasks, shape", [(1, {}), (2, {}), (9, {"arity": 1}), (40, {"arity": 3}), (30, {"arity": 29}), (15, {"root": 7})])
def test_any_tree(run_job, tasks, shape, payload):
    links = tree(**shape) if tasks > 1 else {"parents": None, "children": None}
    args = {"epochs": 5, "payload": payload}
    assert sums_of(run_job(tasks={"count": tasks}, links=links, plugin={"args": args})) == expected_sums(tasks, 5)


def test_no_epoch_but_the_first(run_job):
    assert sums_of(run_job(plugin={"args": {"epochs": 0}})) == [0]


def test_many_epochs(run_job):
    sums = sums_of(run_job(plugin={"args": {"epochs": 2000}}, timeout=60))
    assert sums == [105 * e for e in range(2001)]


@pytest.mark.parametrize("seed", range(1, 9))
def test_seeded_faults_change_nothing(run_job, seed):
    calm = run_job(plugin={"args": {"epochs": 30}})
    assert sums_of(calm) == expected_sums(15, 30)
    assert run_job(f"seed={seed},rate=0.005", plugin={"args": {"epochs": 30}}, timeout=60) == calm


@pytest.mark.parametrize("task", [0, 1, 6, 14])
@pytest.mark.parametrize("epoch", [0, 1, 9, 10])
def test_a_kill_at_an_epoch_changes_nothing(run_script, task, epoch):
    assert sums_of(run_script([{"kill": task, "at_epoch": epoch}])) == SUMS_OF_TEN


@pytest.mark.parametrize("event", [1, 2, 3, 5, 8, 13, 21, 34, 55])
def test_a_kill_of_root_and_child_at_an_event_changes_nothing(run_script, event):
    assert sums_of(run_script([{"kill": 0, "at_event": event}, {"kill": 2, "at_event": event}])) == SUMS_OF_TEN


def test_a_fresh_root_learns_all_sums_again(run_script):
    faults = [{"kill": 0, "at_epoch": epoch} for epoch in (100, 300)] + [{"kill": k, "at_epoch": 300} for k in range(1, 15)]
    assert sums_of(run_script(faults, plugin={"args": {"epochs": 301}})) == expected_sums(15, 301)


def test_the_root_pauses(run_host, topology):
    finished = run_host(["--topology", topology(plugin={"args": {"epochs": 3, "pause_ms": 200}})])
    assert finished.code == 0, finished
    assert finished.seconds >= 0.6


@pytest.mark.parametrize(
    "args, text",
    [
        ({"epochs": -1}, 'argument "epochs" is -1; expected 0 or more'),
        ({"epochs": "ten"}, 'argument "epochs" is ten; expected a whole number'),
        ({"epochs": 1.5}, 'argument "epochs" is 1.5; expected a whole number'),
        ({"pause_ms": 3600001}, 'argument "pause_ms" is 3600001; expected 0 to 3600000'),
        ({"payload": "deep"}, 'argument "payload" is "deep"; expected "scalar" or "wide"'),
        ({"pause": 5}, 'unknown argument "pause" (known: epochs pause_ms payload)'),
        ({"epochs": 100000}, "the sums of 15 tasks fit into a job's result (256 KiB) up to"),
    ],
)
def test_arguments_that_cannot_be_refuse_the_plugin(run_host, topology, args, text):
    finished = run_host(["--topology", topology(plugin={"args": {"epochs": None, **args}})])
    assert finished.code == 78, finished
    assert text in finished.err, finished


def test_the_largest_number_of_epochs_is_named(run_host, topology):
    """A user who is told the limit can use it: the topology with that number is valid, with one more it is not."""
    refused = run_host(["--topology", topology(plugin={"args": {"epochs": 100000}})])
    limit = int(refused.err.split("up to ")[1].split()[0])
    assert run_host(["--topology", topology(plugin={"args": {"epochs": limit}}), "--validate"]).code == 0
    assert run_host(["--topology", topology(plugin={"args": {"epochs": limit + 1}}), "--validate"]).code == 78


def test_tasks_without_links_fail_the_job_with_what_is_missing(run_host, topology):
    links = {"parents": None, "children": None, "ring": {"shape": "full"}}
    changes = {"tasks": {"count": 2}, "links": links, "restart": {"max": 1, "backoff": "10ms"}}
    finished = run_host(["--topology", topology(**changes)])
    assert finished.code == 1, finished
    assert 'the job needs the links "parents" and "children" of one tree' in finished.err, finished
