"""What leaves the tree: the installed files, a plugin built outside against them, and the deb and rpm packages.

TASKGRAPH_BUILD_DIR names a finished Release build (default: build/release); it is installed and packed, not changed.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

import host_process  # noqa: E402

BUILD = Path(os.environ.get("TASKGRAPH_BUILD_DIR", ROOT / "build" / "release")).resolve()
PLUGINS = ["echo", "pagerank", "regression"]
INSTALLED = [
    "bin/taskgraph-host",
    *(f"lib/taskgraph/plugins/{plugin}.so" for plugin in PLUGINS),
    "share/taskgraph/topologies/regression.json",
    "share/man/man1/taskgraph-host.1.gz",
    "share/bash-completion/completions/taskgraph-host",
    "share/doc/taskgraph-host/copyright",
    "include/taskgraph/abi.h",
    "include/taskgraph/task.hpp",
    "include/taskgraph/export.hpp",
    "lib/cmake/TaskGraph/TaskGraphConfig.cmake",
    "lib/cmake/TaskGraph/TaskGraphConfigVersion.cmake",
    "lib/cmake/TaskGraph/TaskGraphTargets.cmake",
    "lib/cmake/TaskGraph/TaskGraphAddPlugin.cmake",
    "lib/cmake/TaskGraph/plugin.map",
]


def run(*args, timeout=300, **options) -> str:
    """The output of a command that must succeed."""
    done = subprocess.run(
        [str(arg) for arg in args],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout,
        text=True,
        errors="replace",
        **options,
    )
    assert done.returncode == 0, f"{' '.join(map(str, args))}\nexit code {done.returncode}\n{done.stdout}"
    return done.stdout


def run_host(host: Path, args: list, folder: Path, cwd: Path | None = None) -> host_process.Finished:
    folder.mkdir()
    return host_process.Child([host, *args], folder, cwd=cwd).wait(60)


def check_regression(host: Path, topologies: Path, folder: Path) -> None:
    """The installed host finds the installed plugin for the installed topology, and the sums are right."""
    result = folder / "result.json"
    finished = run_host(host, ["--topology", topologies / "regression.json", "--result", result], folder / "run", folder)
    assert finished.code == 0, finished
    document = json.loads(result.read_text())
    assert document["status"] == "done"
    sums = document["result"]["sums"]
    assert len(sums) > 1
    assert sums == [105 * epoch for epoch in range(len(sums))]


def exported_symbols(library: Path) -> list[str]:
    return [line.split()[0] for line in run("nm", "-D", "--defined-only", "--format=posix", library).splitlines()]


def missing_libraries(program: Path) -> list[str]:
    return [line for line in run("ldd", program).splitlines() if "not found" in line]


@pytest.fixture(scope="module")
def prefix(tmp_path_factory) -> Path:
    prefix = tmp_path_factory.mktemp("prefix")
    run("cmake", "--install", BUILD, "--prefix", prefix)
    return prefix


@pytest.fixture(scope="module")
def packages(tmp_path_factory) -> Path:
    """A folder with the deb and the rpm, packed by plain cpack."""
    folder = tmp_path_factory.mktemp("packages")
    for generator in ("DEB", "RPM"):
        run("cpack", "-G", generator, "-B", folder, cwd=BUILD)
    return folder


def the_one(folder: Path, pattern: str) -> Path:
    found = list(folder.glob(pattern))
    assert len(found) == 1, f"{pattern} in {folder}: {found}"
    return found[0]


@pytest.mark.parametrize("name", INSTALLED)
def test_an_installation_has(prefix, name):
    path = prefix / name
    assert path.is_file()
    assert path.stat().st_mode & 0o444 == 0o444, "readable by everybody, whatever the umask"


def test_an_installation_names_no_path_of_the_tree(prefix):
    for path in (prefix / "lib" / "cmake").rglob("*"):
        if path.is_file():
            assert str(ROOT) not in path.read_text(), path


def test_the_installed_host_runs_the_installed_job(prefix, tmp_path):
    check_regression(prefix / "bin" / "taskgraph-host", prefix / "share" / "taskgraph" / "topologies", tmp_path)


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_plugin_exports_its_entry_only(prefix, plugin):
    assert exported_symbols(prefix / "lib" / "taskgraph" / "plugins" / f"{plugin}.so") == ["taskgraph_plugin"]


def test_the_template_builds_outside_of_the_tree_and_runs(prefix, tmp_path):
    source = tmp_path / "mine"
    shutil.copytree(ROOT / "plugins" / "template", source)
    build = tmp_path / "build"
    run("cmake", "-S", source, "-B", build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_BUILD_TYPE=Release")
    run("cmake", "--build", build)

    library = next(iter(build.rglob("*.so")), None)
    assert library is not None, "the build made no plugin"
    assert exported_symbols(library) == ["taskgraph_plugin"]

    topology = the_one(source, "*.json")
    arguments = ["--topology", topology, "--plugin-dir", library.parent, "--result", tmp_path / "result.json"]
    finished = run_host(prefix / "bin" / "taskgraph-host", arguments, tmp_path / "run", tmp_path)
    assert finished.code == 0, finished
    assert json.loads((tmp_path / "result.json").read_text())["status"] == "done"


def test_a_plugin_with_an_undefined_symbol_does_not_link(prefix, tmp_path):
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.25)\nproject(broken LANGUAGES CXX)\n"
        "find_package(TaskGraph REQUIRED)\ntaskgraph_add_plugin(broken SOURCES broken.cpp)\n"
    )
    (tmp_path / "broken.cpp").write_text("void absent();\nvoid caller() { absent(); }\n__attribute__((used)) auto* keep = &caller;\n")
    build = tmp_path / "build"
    run("cmake", "-S", tmp_path, "-B", build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}")
    done = subprocess.run(
        ["cmake", "--build", str(build)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300
    )
    assert done.returncode != 0
    assert "undefined reference to `absent()'" in done.stdout, done.stdout


def test_another_minor_version_is_not_found(prefix, tmp_path):
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.25)\nproject(asks LANGUAGES CXX)\n"
        "find_package(TaskGraph 0.9 QUIET)\nmessage(STATUS \"found: ${TaskGraph_FOUND}\")\n"
    )
    output = run("cmake", "-S", tmp_path, "-B", tmp_path / "build", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}")
    assert "found: 0" in output


def test_the_manual_and_the_completion_know_every_option_and_exit_code(prefix):
    text = run(prefix / "bin" / "taskgraph-host", "--help")
    options = set(re.findall(r"^\s+(--[a-z-]+)", text, re.MULTILINE))
    assert "--topology" in options and len(options) > 5, text
    codes = re.findall(r"^ +(\d+)  \S", text, re.MULTILINE)
    assert "0" in codes and "78" in codes, text

    manual = (ROOT / "packaging" / "man" / "taskgraph-host.1").read_text()
    documented = {option.replace("\\-", "-") for option in re.findall(r"^\.BI? (\\-\\-[a-z\\-]+)", manual, re.MULTILINE)}
    assert documented - {"--option"} == options
    assert re.findall(r"^\.B (\d+)$", manual, re.MULTILINE) == codes

    completion = (ROOT / "packaging" / "completion" / "taskgraph-host").read_text()
    assert set(re.findall(r"--[a-z][a-z-]+", completion)) - {"--option"} == options


def test_the_completion_completes(prefix):
    script = prefix / "share" / "bash-completion" / "completions" / "taskgraph-host"

    def complete(*words: str) -> list[str]:
        code = (
            f'. "{script}"; COMP_WORDS=("$@"); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _taskgraph_host 2>/dev/null; '
            'printf "%s\\n" "${COMPREPLY[@]}"'
        )
        return run("bash", "-c", code, "test", *words).split()

    assert complete("taskgraph-host", "--log-l") == ["--log-level"]
    assert complete("taskgraph-host", "--log-level", "w") == ["warning"]
    assert complete("taskgraph-host", "--log-format", "=", "j") == ["json"]


def test_the_deb_installs_and_runs(packages, tmp_path):
    package = the_one(packages, "taskgraph-host*.deb")
    assert run("dpkg-deb", "-f", package, "Package").strip() == "taskgraph-host"
    assert "libc6" in run("dpkg-deb", "-f", package, "Depends")

    listed = run("dpkg-deb", "-c", package)
    for name in INSTALLED:
        assert f"./usr/{name}\n" in listed
    assert not re.search(r"^.....w|^........w", listed, re.MULTILINE), f"writable by others:\n{listed}"

    installed = subprocess.run(["dpkg-query", "-W", "taskgraph-host"], capture_output=True).returncode == 0
    if os.geteuid() == 0 and not installed:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        options = ["-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"]
        run("apt-get", "install", *options, package, env=environment)
        try:
            check_deb(Path("/usr"), tmp_path)
        finally:
            run("apt-get", "purge", *options, "taskgraph-host", env=environment)
        assert not Path("/usr/bin/taskgraph-host").exists()
        assert not Path("/usr/lib/taskgraph").exists()
    else:
        run("dpkg", "-x", package, tmp_path / "root")
        check_deb(tmp_path / "root" / "usr", tmp_path)


def check_deb(prefix: Path, folder: Path) -> None:
    host = prefix / "bin" / "taskgraph-host"
    assert missing_libraries(host) == []
    assert re.match(r"taskgraph-host \d+\.\d+\.\d+", run(host, "--version"))
    check_regression(host, prefix / "share" / "taskgraph" / "topologies", folder)


def test_the_rpm_holds_the_same_files(packages):
    package = the_one(packages, "taskgraph-host*.rpm")
    archive = subprocess.run(["rpm2cpio", str(package)], stdout=subprocess.PIPE, check=True, timeout=60).stdout
    listing = subprocess.run(["cpio", "-t", "--quiet"], input=archive, stdout=subprocess.PIPE, check=True, timeout=60).stdout
    listed = listing.decode().splitlines()
    for name in INSTALLED:
        assert f"./usr/{name}" in listed
    owned = run("rpm", "-qpl", package).splitlines()
    assert not {"/usr", "/usr/bin", "/usr/lib", "/usr/lib/cmake", "/usr/share/man/man1"} & set(owned), "folders of the system"
