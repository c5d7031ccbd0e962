"""The scripts beside the package: what they promise without a network, and when they install again."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pixian_batch.cli import checkups

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "scripts"
OLD_SYNTAX = (ast.Import, ast.ImportFrom, ast.Assign, ast.Expr, ast.If)


@pytest.fixture
def setup(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT))
    from scripts import _setup  # importable only now

    return _setup


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project in a folder with a space, its environment made and stamped, but with nothing in it."""
    root = tmp_path / "a project"
    root.mkdir()
    (root / "pyproject.toml").write_text("[project]\n")
    return root


def stamp(setup: ModuleType, root: Path, *extras: str) -> None:
    """What a finished installation leaves behind."""
    home = root / ".venv"
    setup.interpreter(home).parent.mkdir(parents=True, exist_ok=True)
    setup.interpreter(home).touch()
    (home / setup.MARK).mkdir(exist_ok=True)
    (home / setup.MARK / "made").touch()
    (home / setup.MARK / "interpreter").write_text(setup._identity(root))
    (home / setup.MARK / f"installed.{'+'.join(sorted(extras))}").write_text(setup._digest(root))


@pytest.mark.parametrize("name", ["demo.py", "test.py"])
def test_the_front_scripts_can_be_read_by_an_old_python(name: str) -> None:
    source = (SCRIPTS / name).read_bytes()
    assert source.isascii()
    tree = ast.parse(source)
    assert [node for node in tree.body if not isinstance(node, OLD_SYNTAX)] == []
    assert not [
        node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr | ast.NamedExpr | ast.AnnAssign)
    ]
    # The version is looked at before anything of ours is imported.
    kinds = [type(node) for node in tree.body]
    ours = kinds.index(ast.ImportFrom)
    assert kinds.index(ast.If) < ours


@pytest.mark.parametrize("name", ["demo.py", "test.py"])
def test_an_old_python_is_told_what_to_do(name: str) -> None:
    # The real file, run by a Python that says that it is 3.9.
    run = f"import sys, runpy; sys.version_info = (3, 9, 1); runpy.run_path({str(SCRIPTS / name)!r}, run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", run], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "needs Python 3.11 or newer; this is Python 3.9" in done.stderr
    assert f"scripts/{name}" in done.stderr


def test_a_finished_environment_is_used_as_it_is(setup: ModuleType, project: Path) -> None:
    stamp(setup, project, "local")
    assert setup.prepare("local", root=project) == setup.interpreter(project / ".venv")


def test_more_extras_serve_for_fewer_but_not_the_other_way(setup: ModuleType, project: Path) -> None:
    stamp(setup, project, "local", "dev")
    home = project / ".venv"
    assert setup.is_installed(home, project, ("local",))
    assert setup.is_installed(home, project, ("dev", "local"))
    shutil.rmtree(home)
    stamp(setup, project, "local")
    assert not setup.is_installed(home, project, ("local", "dev"))


def test_a_changed_pyproject_is_installed_again(setup: ModuleType, project: Path) -> None:
    stamp(setup, project, "local")
    (project / "pyproject.toml").write_text("[project]\nname = 'other'\n")
    assert setup.is_ours(project / ".venv", project)
    assert not setup.is_installed(project / ".venv", project, ("local",))


def test_another_python_or_a_moved_project_needs_a_new_environment(setup: ModuleType, project: Path) -> None:
    stamp(setup, project, "local")
    moved = project.rename(project.with_name("moved"))
    assert not setup.is_ours(moved / ".venv", moved)
    stamp(setup, moved, "local")
    assert setup.is_ours(moved / ".venv", moved)
    (moved / ".venv" / setup.MARK / "interpreter").write_text("3.11.0 of yesterday")
    assert not setup.is_ours(moved / ".venv", moved)


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need a privilege there")
def test_the_same_project_by_another_path_is_the_same(setup: ModuleType, project: Path) -> None:
    stamp(setup, project, "local")
    link = project.with_name("link")
    link.symlink_to(project)
    assert setup.prepare("local", root=link) == setup.interpreter(link / ".venv")


def test_a_foreign_environment_that_cannot_serve_is_left_alone(setup: ModuleType, project: Path) -> None:
    treasure = project / ".venv" / "treasure"
    treasure.parent.mkdir()
    treasure.write_text("mine")
    with pytest.raises(setup.SetupError, match="not made by this script"):
        setup.prepare("local", root=project)
    assert treasure.read_text() == "mine"


def test_without_a_network_pip_s_words_come_with_advice(setup: ModuleType) -> None:
    output = "\n".join(
        [*(f"noise {n}" for n in range(50)), "ERROR: Could not find a version (from versions: none)"]
    )
    message = setup.explain("pip could not install.", output)
    assert message.startswith("pip could not install.")
    assert "from versions: none" in message
    assert "network" in message
    assert "noise 1\n" not in message


def test_a_python_without_venv_is_told_the_package(
    setup: ModuleType, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ensurepip", None)  # what find_spec sees on a bare Debian
    with pytest.raises((setup.SetupError, ValueError)) as refused:
        setup.prepare("local", root=project)
    assert "apt install python3-venv" in str(refused.value)


def test_the_tests_never_see_a_person_s_credentials(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scripts import _test  # the fixture has made it importable

    monkeypatch.setenv("PIXIAN_API_SECRET", "s")
    monkeypatch.setenv("PIXIAN_BATCH_MAX_CREDITS", "5")
    assert setup.ROOT == ROOT
    assert not [name for name in _test.environment() if name.upper().startswith("PIXIAN")]


@pytest.mark.parametrize(("cores", "processes"), [(1, 2), (2, 4), (3, 6), (64, 8)])
def test_the_number_of_test_processes_fits_the_machine(
    setup: ModuleType, cores: int, processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scripts import _test

    assert setup.ROOT == ROOT
    assert _test.workers(cores) == processes
    monkeypatch.setenv("PYTEST_XDIST_AUTO_NUM_WORKERS", "3")
    assert _test.environment()["PYTEST_XDIST_AUTO_NUM_WORKERS"] == "3"


def test_what_a_person_says_to_pytest_overrules_the_script(setup: ModuleType) -> None:
    from scripts import _test

    python = setup.interpreter(ROOT / ".venv")
    command = _test._pytest(python, ["-n", "0"])
    assert command[3:] == ["-n", "auto", "--dist", "worksteal", "-n", "0"]


@pytest.mark.parametrize(
    ("words", "processes"),
    [
        ([], True),
        (["-m", "not slow"], True),
        (["-x", "tests/cli"], True),
        (["-k", "ramp"], False),
        (["-kramp"], False),
        (["tests/cli/test_help.py"], False),
        (["tests/cli/test_help.py::test_help_is_also_a_word"], False),
    ],
)
def test_a_few_tests_are_not_worth_several_processes(
    setup: ModuleType, words: list[str], *, processes: bool
) -> None:
    from scripts import _test

    assert setup.ROOT == ROOT
    assert ("-n" in _test.shared_out(words)) is processes
    assert _test.shared_out(words)[-len(words) :] == words or not words


def test_who_wants_no_bytecode_beside_the_sources_gets_it_elsewhere(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scripts import _test

    monkeypatch.delenv("PYTHONPYCACHEPREFIX", raising=False)
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    assert "PYTHONPYCACHEPREFIX" not in _test.environment()
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    wanted = _test.environment()
    assert "PYTHONDONTWRITEBYTECODE" not in wanted
    assert Path(wanted["PYTHONPYCACHEPREFIX"]).is_relative_to(ROOT / ".venv" / setup.MARK)


def test_an_unknown_word_is_refused_before_anything_is_made() -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / "test.py"), "linnt"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage:" in done.stderr


def test_the_weights_are_the_ones_that_the_script_rebuilds_and_that_doctor_expects(setup: ModuleType) -> None:
    from scripts import rebuild_weights

    weights = setup.ROOT / "pixian_batch" / "emulator" / "engine" / "weights" / "u2netp.fp16.onnx"
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    assert digest == rebuild_weights._RESULT_SHA256 == checkups.WEIGHTS_SHA256


def test_the_start_up_benchmark_loads_modules_that_are_there(setup: ModuleType, tmp_path: Path) -> None:
    from scripts.benchmarks import startup

    assert setup.ROOT == ROOT
    loads = [words[1] for words in startup._commands(str(tmp_path)).values() if words[0] == "-c"]
    names = {name for load in loads for name in re.findall(r"import (\S+?)(?:;|$)", load)}
    assert len(names) > 10
    assert [name for name in names if importlib.util.find_spec(name) is None] == []


@pytest.mark.skipif(os.name == "nt", reason="they meet in a pipe with a name")
def test_checks_that_run_beside_each_other_are_shown_in_their_order(
    setup: ModuleType, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from scripts import _test

    assert setup.ROOT == ROOT
    pipe = str(tmp_path / "pipe")
    os.mkfifo(pipe)
    # The first one can only end when the second has begun.
    waits = f"open({pipe!r}).read(); print('late')"
    tells = f"import sys; open({pipe!r}, 'w').close(); print('early', file=sys.stderr); sys.exit(3)"
    codes = _test._together(
        [(name, [sys.executable, "-c", code]) for name, code in (("a", waits), ("b", tells))]
    )
    told = capfd.readouterr()
    assert codes == [0, 3]
    assert told.out.split() == ["late", "early"]
    assert told.err.splitlines() == ["-- a", "-- b", "-- b FAILED"]


def test_a_browser_is_installed_on_ci_machines_alone(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from scripts import _browser

    assert setup.ROOT == ROOT
    (tmp_path / "apt-get").touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 0, raising=False)
    monkeypatch.delenv("CI", raising=False)
    assert not _browser.is_wanted(), "a person's machine"
    monkeypatch.setenv("CI", "true")
    assert _browser.is_wanted()
    monkeypatch.setattr(os, "geteuid", lambda: 1000, raising=False)
    assert not _browser.is_wanted(), "nobody is asked for a password"
    monkeypatch.setattr(os, "geteuid", lambda: 0, raising=False)
    (tmp_path / "chromium").touch(0o755)
    assert not _browser.is_wanted(), "there is one"


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
def test_a_browser_that_cannot_be_installed_is_said_and_no_failure(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from scripts import _browser

    assert setup.ROOT == ROOT
    apt = tmp_path / "apt-get"
    apt.write_text("#!/bin/sh\necho E: no such archive >&2\nexit 100\n")
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(_browser, "is_wanted", lambda: True)
    with _browser.browser_on_its_way():
        pass
    assert "its tests are skipped (E: no such archive)" in capfd.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="a bash script")
def test_ci_run_is_a_script_that_can_be_started() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
