"""The documents at the root, held to what they say: the README's task is built outside the tree and run, with and without
faults; its tables are those of `--help`; the files and folders that the documents name exist.

TASKGRAPH_BUILD_DIR names a finished Release build, as in test_package.py.
"""

import json
import re
from pathlib import Path

import pytest
from test_package import ROOT, prefix, run, run_host  # noqa: F401

README = (ROOT / "README.md").read_text()
DOCUMENTS = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"]
CODE_LINES_MAX = 32


def blocks(language: str) -> list[str]:
    """The README's code blocks in a language; "" for those that name none."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return [text for name, text in fenced if name == language]


def the_one(language: str, contains: str = "") -> str:
    found = [text for text in blocks(language) if contains in text]
    assert len(found) == 1, f"README.md has {len(found)} blocks of {language!r} with {contains!r}"
    return found[0]


@pytest.fixture(scope="module")
def task(prefix, tmp_path_factory) -> Path:  # noqa: F811
    """A folder with the README's task, built there against the installation by the README's CMakeLists.txt."""
    folder = tmp_path_factory.mktemp("total")
    (folder / "total.cpp").write_text(the_one("cpp"))
    (folder / "total.json").write_text(the_one("json"))
    (folder / "CMakeLists.txt").write_text(the_one("cmake"))
    warnings = "-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror"
    run("cmake", "-S", folder, "-B", folder / "build", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCMAKE_CXX_FLAGS={warnings}")
    run("cmake", "--build", folder / "build")
    return folder


def result_of(prefix: Path, task: Path, folder: Path, *more) -> tuple[str, str]:  # noqa: F811
    """The result file and the log of a run, as the README starts it."""
    result = folder / "result.json"
    arguments = ["--topology", "total.json", "--plugin-dir", "build", "--result", result, *more]
    finished = run_host(prefix / "bin" / "taskgraph-host", arguments, folder / "run", task)
    assert finished.code == 0, finished
    return result.read_text().strip(), finished.err


def test_the_task_is_short():
    assert len([line for line in the_one("cpp").splitlines() if line.strip()]) <= CODE_LINES_MAX


def test_the_task_gives_the_result_that_the_readme_shows(prefix, task, tmp_path):  # noqa: F811
    result, _ = result_of(prefix, task, tmp_path)
    assert result == the_one("", '"job":"total"').strip()


def test_the_task_gives_the_same_result_through_the_faults_that_the_readme_lists(prefix, task, tmp_path):  # noqa: F811
    faults = the_one("", '"at_event"')
    (tmp_path / "chaos.json").write_text(faults)
    result, log = result_of(prefix, task, tmp_path, "--chaos", tmp_path / "chaos.json")
    assert result == the_one("", '"job":"total"').strip()
    assert f"chaos: {len(json.loads(faults))} faults injected" in log


@pytest.mark.parametrize("seed", range(1, 11))
def test_the_task_gives_the_same_result_through_seeded_faults(prefix, task, tmp_path, seed):  # noqa: F811
    result, _ = result_of(prefix, task, tmp_path, "--chaos", f"seed={seed},rate=0.1")
    assert result == the_one("", '"job":"total"').strip()


def test_the_tables_are_those_of_the_host(prefix):  # noqa: F811
    text = run(prefix / "bin" / "taskgraph-host", "--help")
    assert re.findall(r"^\| (\d+) \|", README, re.MULTILINE) == re.findall(r"^ +(\d+)  \S", text, re.MULTILINE)

    options = set(re.findall(r"^\s+(--[a-z-]+)", text, re.MULTILINE))
    rows = [line for line in README.splitlines() if line.startswith("| `--")]
    named = {option for row in rows for option in re.findall(r"`(--[a-z-]+)", row.split(" | ")[0])}
    assert len(named) > 5
    assert named <= options


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_a_document_links_to_exists(name):
    text = re.sub(r"^```.*?^```$", "", (ROOT / name).read_text(), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / target).exists(), f"{name} links to {target}"
    headings = {re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-") for line in text.splitlines() if line.startswith("#")}
    for anchor in re.findall(r"\]\(#([^)]+)\)", text):
        assert anchor in headings, f"{name} links to #{anchor}"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_paths_in_a_document_exist(name):
    text = (ROOT / name).read_text()
    folders = "host|plugin-api|plugins|topologies|tests|packaging"
    paths = {path.rstrip("/") for path in re.findall(rf"`((?:{folders})/[\w./-]+)`", text)}
    missing = [path for path in sorted(paths) if "NAME" not in path and not (ROOT / path).exists()]
    assert not missing, f"{name} names {missing}"


def test_the_code_map_knows_every_folder():
    text = (ROOT / "ARCHITECTURE.md").read_text()
    for parent in ("host", "plugins", "tests"):
        for folder in (ROOT / parent).iterdir():
            if folder.is_dir() and not folder.name.startswith("__"):
                assert f"`{parent}/{folder.name}`" in text, f"ARCHITECTURE.md says nothing of {parent}/{folder.name}"
