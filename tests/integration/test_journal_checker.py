"""check_journals.py on journals written by hand: good ones pass, and each violation is found by its name."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

CHECKER = Path(__file__).parents[1] / "support" / "check_journals.py"
JOB, OTHER_JOB = "11111111-0000-4000-8000-000000000001", "11111111-0000-4000-8000-000000000002"
A, B, C = (f"aaaaaaaa-0000-4000-8000-00000000000{number}" for number in (1, 2, 3))
HOST, OTHER_HOST = "22222222-0000-4000-8000-000000000001", "22222222-0000-4000-8000-000000000002"


class Journals:
    """State folders, one for each host."""

    def __init__(self, folder: Path):
        self.folder = folder

    def host(self, *lines, name="host", host=HOST, job=JOB, file="events.jsonl"):
        common = {"v": 1, "time": "2026-01-01T00:00:00.000000Z", "ns": 1, "host": host, "job": job}
        return self.write(name, file, [line if "v" in line else common | line for line in lines])

    def life(self, *lines, life=A, job=JOB, boot="boot", name="host"):
        first = {"kind": "life", "job": job, "life": life, "boot": boot, "pid": 1}
        return self.write(name, f"events.{life}.jsonl", [{"v": 1, "ns": 1} | line for line in (first, *lines)])

    def write(self, name, file, lines):
        (self.folder / name).mkdir(exist_ok=True)
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (self.folder / name / file).write_text(text)
        return self

    def check(self, *options):
        folders = sorted(path for path in self.folder.iterdir() if path.is_dir())
        return subprocess.run([sys.executable, CHECKER, *options, *folders], capture_output=True, text=True, check=False)

    def passes(self, *options):
        finished = self.check(*options)
        assert finished.returncode == 0, finished
        return finished.stdout

    def violates(self, promise, text, *options):
        finished = self.check(*options)
        assert finished.returncode == 1, finished
        found = [line for line in finished.stdout.splitlines() if line.startswith(promise + ": ")]
        assert len(found) == 1 and text in found[0], finished.stdout
        return finished.stdout


@pytest.fixture
def journals(tmp_path):
    return Journals(tmp_path)


def claim(term, life=A, replica=None, task=0):
    return {"kind": "claim", "task": task, "term": term, "life": life, "replica": replica or term, "view": term}


def epoch(number):
    return {"kind": "epoch", "epoch": number}


def ended(status="done", number=1):
    return {"kind": "ended", "status": status, "epoch": number, "result_bytes": 2, "failovers": 0}


def of(kind, replica=1, task=0, **fields):
    return {"kind": kind, "task": task, "replica": replica} | fields


def primary(term, **where):
    return of("replica", role="primary", term=term, **where)


def gone(**where):
    return of("replica", role="ended", how="exit", **where)


def act(term, first, last, **where):
    return of("act", term=term, first_ns=first, last_ns=last, count=2, **where)


def accept(term, first, last, peer=1, **where):
    return of("accept", peer=peer, term=term, first_ns=first, last_ns=last, count=2, **where)


def pull(number, in_epoch=0):
    return of("pull", pull=number, to=1, method="get", epoch=in_epoch)


def pulled(number, outcome="value"):
    return of("pulled", pull=number, outcome=outcome)


def promotion(**phases):
    names = ("died", "detected", "decided", "promoted", "sealed", "served")
    return {"kind": "promotion", "task": 0, "term": 2, "phases_us": {name: phases.get(name) for name in names}}


STOPPED = {"kind": "stopped"}


def test_a_good_run_of_two_hosts_passes(journals):
    journals.host(epoch(0), claim(1), claim(1, B, task=1), epoch(1), claim(2, B), promotion(died=0, detected=3, served=9), ended())
    journals.host(epoch(0), claim(1), epoch(1), claim(2, B), ended(), name="other", host=OTHER_HOST)
    journals.life(primary(1), of("epoch", epoch=0), act(1, 10, 20), accept(1, 10, 30), pull(5), gone(), STOPPED)
    journals.life(primary(2, replica=2), act(2, 21, 40, replica=2), life=B, name="other")
    out = journals.passes("--ended")
    assert "2 hosts, 1 jobs, 2 lives, 3 grants, 1 promotions, 1 pulls" in out
    assert "0 violations" in out


def test_without_journals_of_lives_it_says_what_was_not_looked_at(journals):
    out = journals.host(epoch(0), claim(1)).passes()
    assert "S2, S3, S4 and S8 were not looked at" in out


def test_several_jobs_in_one_folder_are_told_apart(journals):
    first = [{"v": 1, "ns": 1, "host": HOST, "job": JOB} | line for line in (claim(1), epoch(0), epoch(3), ended())]
    journals.host(*first, claim(1, B), epoch(0), ended(), job=OTHER_JOB)
    journals.passes("--ended")


# ---------------------------------------------------------------- S1


def test_s1_two_hosts_tell_of_different_grants(journals):
    journals.host(claim(1, A)).host(claim(1, B), name="other", host=OTHER_HOST)
    journals.violates("S1", "term 1 of task 0 went to replica 1 of " + B)


def test_s1_a_life_is_primary_without_the_grant(journals):
    journals.host(claim(1, A)).life(primary(1), life=B)
    journals.violates("S1", "term 1 of task 0 went to replica 1 of " + B)


def test_s1_a_replica_with_two_terms(journals):
    journals.host(claim(1, A, 1), claim(2, A, 1))
    journals.violates("S1", "replica 1 of task 0 has term 2, and had term 1")


def test_s1_terms_fall(journals):
    journals.host(claim(2, B), claim(1, A))
    journals.violates("S1", "term 1 of task 0 after term 2")


def test_s1_a_promotion_is_told_twice(journals):
    journals.host(promotion(), promotion())
    journals.violates("S1", "to term 2 is told twice")


# ---------------------------------------------------------------- S2, S3, S4


def test_s2_a_receiver_accepts_a_smaller_term_after_a_larger_one(journals):
    journals.host().life(primary(1), accept(2, 10, 11), accept(1, 12, 12))
    journals.violates("S2", "accepted term 1 of task 1 after term 2")


def test_s2_a_term_is_accepted_after_a_later_one_has_acted(journals):
    journals.host()
    journals.life(primary(1), accept(1, 100, 5_000))
    journals.life(primary(3, task=1, replica=3), act(3, 4_000, 4_000, task=1, replica=3), life=B)
    out = journals.violates("S2", "term 1 of task 1 was accepted 1.0 us after term 3 had acted")
    assert B in out and A in out  # the places


def test_s2_accepting_until_the_later_one_acts_is_right(journals):
    journals.host()
    journals.life(primary(1), accept(1, 100, 4_000), accept(3, 4_000, 9_000))
    journals.life(primary(3, task=1, replica=3), act(3, 4_000, 9_000, task=1, replica=3), life=B)
    journals.passes()


def test_s3_a_term_acts_after_a_later_one(journals):
    journals.host().life(primary(1), act(1, 10, 5_000)).life(primary(2, replica=2), act(2, 2_000, 2_000, replica=2), life=B)
    journals.violates("S3", "term 1 of task 0 acted 3.0 us after term 2 had acted")


def test_s3_a_replica_acts_as_a_term_that_it_does_not_have(journals):
    journals.host().life(primary(1), act(2, 10, 11))
    journals.violates("S3", "acted as term 2; it has term 1")


def test_instants_of_different_boots_are_not_compared(journals):
    journals.host().life(primary(1), act(1, 10, 5_000))
    journals.life(primary(2, replica=2), act(2, 2_000, 2_000, replica=2), life=B, boot="another")
    journals.passes()


def test_s4_a_frame_of_another_job(journals):
    journals.host().life(primary(1), of("foreign", peer=1, job=OTHER_JOB))
    journals.violates("S4", f"accepted a frame of job {OTHER_JOB}")


# ---------------------------------------------------------------- S5


def test_s5_the_epoch_of_a_host_falls(journals):
    journals.host(epoch(2), epoch(1))
    journals.violates("S5", "epoch 1 after epoch 2")


def test_s5_a_replica_enters_an_earlier_epoch(journals):
    journals.host().life(primary(1), of("epoch", epoch=4), of("epoch", epoch=4))
    journals.violates("S5", "entered epoch 4 after epoch 4")


def test_s5_another_replica_may_be_behind(journals):
    journals.host().life(of("epoch", epoch=4), of("epoch", epoch=3, replica=2))
    journals.passes()


# ---------------------------------------------------------------- S8


def test_s8_two_outcomes(journals):
    journals.host().life(primary(1), pull(7), pulled(7), pulled(7, "deadline"))
    journals.violates("S8", "pull 7 of task 0 has a second outcome: deadline")


def test_s8_an_outcome_without_a_pull(journals):
    journals.host().life(primary(1), pulled(7))
    journals.violates("S8", "never started")


def test_s8_a_name_is_used_twice(journals):
    journals.host().life(primary(1), pull(7), pulled(7), pull(7))
    journals.violates("S8", "pull 7 of task 0 has started twice")


def test_s8_a_pull_is_open_beyond_its_epoch(journals):
    journals.host().life(primary(1), of("epoch", epoch=0), pull(7, 0), of("epoch", epoch=1))
    journals.violates("S8", "pull 7 of epoch 0 has no outcome as task 0 enters epoch 1")


def test_s8_a_pull_without_an_outcome_in_a_life_that_stopped_in_order(journals):
    journals.host().life(primary(1), pull(7), STOPPED)
    out = journals.check().stdout
    assert "S8: " in out and "pull 7 of task 0 has no outcome" in out
    assert "S11: " in out and "replica 1 of task 0 has not ended" in out


def test_s8_a_pull_may_end_with_its_replica_or_with_its_killed_life(journals):
    journals.host().life(primary(1), pull(7), gone(), STOPPED).life(primary(2, replica=2), pull(8), life=B)
    journals.passes()


# ---------------------------------------------------------------- S11, phases


def test_s11_something_after_the_end(journals):
    journals.host(ended(), epoch(2))
    journals.violates("S11", "epoch after the job's end")


def test_s11_two_ends(journals):
    journals.host(ended(), ended())
    journals.violates("S11", "ended after the job's end")


def test_s11_hosts_do_not_agree(journals):
    journals.host(ended("done")).host(ended("failed"), name="other", host=OTHER_HOST)
    journals.violates("S11", "the hosts do not agree on the end")


def test_s11_a_host_may_stop_by_itself(journals):
    journals.host(ended("done")).host(ended("stopped"), name="other", host=OTHER_HOST)
    journals.passes("--ended")


def test_s11_a_job_without_an_end(journals):
    journals.host(epoch(0))
    journals.passes()
    journals.violates("S11", f"host {HOST} does not tell of its end", "--ended")


def test_s11_a_replica_goes_on_after_its_end(journals):
    journals.host().life(primary(1), gone(), act(1, 5, 5))
    journals.violates("S11", "act of replica 1 of task 0 after its end")


def test_s11_a_life_goes_on_after_it_has_stopped(journals):
    journals.host().life(STOPPED, gone())
    journals.violates("S11", "replica after all replicas had stopped")


def test_phases_rise(journals):
    journals.host(promotion(died=0, detected=5, sealed=4))
    journals.violates("phases", "sealed at 4 us is before detected at 5 us")


# ---------------------------------------------------------------- files


def test_the_older_file_is_read_first(journals):
    journals.host(claim(1, A), epoch(1), file="events.jsonl.1").host(claim(2, B), epoch(2))
    journals.passes()


def test_what_a_killed_process_has_left_is_passed_over(journals):
    journals.host(epoch(0)).life(primary(1))
    for path in (journals.folder / "host").iterdir():
        with path.open("a") as file:
            file.write('{"v":1,"kind":"ep')
    journals.passes()


def test_what_a_full_disk_has_cut_is_passed_over_where_that_is_told(journals):
    path = journals.folder / "host" / "events.jsonl"
    journals.host(epoch(0))
    cut = path.read_text() + '{"v":1,"ki\n'
    path.write_text(cut + '{"v":1,"kind":"lost","lines":3}\n')
    assert "3 lines are missing" in journals.passes()
    path.write_text(cut + path.read_text().splitlines()[0] + "\n")
    assert journals.check().returncode == 2


@pytest.mark.parametrize(
    "line, message",
    [
        ({"v": 2, "kind": "epoch"}, "version 2; this program reads 1"),
        ({"v": 1, "host": HOST, "job": JOB, "kind": "dance"}, "unknown kind 'dance'"),
        ({"v": 1, "host": HOST, "job": JOB, "kind": "epoch"}, "lacks the field 'epoch'"),
    ],
)
def test_what_it_does_not_know_is_an_error(journals, line, message):
    finished = journals.host(line).check()
    assert finished.returncode == 2 and message in finished.stderr, finished


def test_a_folder_without_a_journal_is_an_error(journals):
    (journals.folder / "host").mkdir()
    finished = journals.check()
    assert finished.returncode == 2 and "there is no events.jsonl" in finished.stderr
    assert journals.check("--no-such-option").returncode == 2


def test_a_life_that_was_cut_at_its_limit_proves_only_what_it_has(journals):
    journals.host().life(primary(1), pull(7), {"kind": "cut"})
    assert "it was cut at its limit" in journals.passes()
