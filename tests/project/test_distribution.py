"""What is built for people without Python: the spec's rules reach everything, the recipes hold what they promise."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import pixian_batch

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[2]
PACKAGING = ROOT / "scripts" / "packaging"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
IMPORT_NAMES = {"pillow-heif": "pillow_heif"}


class Given:
    """What the spec hands to PyInstaller, which is not installed here."""

    def __init__(self) -> None:
        self.analysis: dict[str, Any] = {}
        self.binaries = [("libmvec.so.1", "", ""), ("libz.so.1", "", "")]
        self.pure = self.scripts = self.datas = None

    def take(self, scripts: list[str], **words: Any) -> Given:
        self.analysis = {"scripts": scripts, **words}
        return self


def read_spec(monkeypatch: pytest.MonkeyPatch) -> Given:
    """Run the spec with stand-ins for PyInstaller's words that name what they were asked for."""
    hooks: Any = type(sys)("PyInstaller.utils.hooks")
    hooks.collect_data_files = lambda name: [("data of", name)]
    hooks.collect_submodules = lambda name: [f"{name}.*"]
    hooks.copy_metadata = lambda name: [("metadata of", name)]
    for name in ("PyInstaller", "PyInstaller.utils"):
        monkeypatch.setitem(sys.modules, name, type(sys)(name))
    monkeypatch.setitem(sys.modules, hooks.__name__, hooks)
    given = Given()
    words = {"SPECPATH": str(PACKAGING), "Analysis": given.take}
    nothing = {name: lambda *_args, **_words: None for name in ("EXE", "PYZ", "COLLECT")}
    code = compile((PACKAGING / "pixian-batch.spec").read_text(encoding="utf-8"), "spec", "exec")
    exec(code, {**words, **nothing})  # noqa: S102  # our own file, as PyInstaller runs it
    return given


def test_every_module_and_data_file_is_collected_by_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    given = read_spec(monkeypatch)
    assert "pixian_batch.*" in given.analysis["hiddenimports"]
    assert ("data of", "pixian_batch") in given.analysis["datas"]
    # Without one of its modules PNGs are written by zlib, slowly: no import shows that it is needed.
    assert "isal.*" in given.analysis["hiddenimports"]
    for path in [*given.analysis["scripts"], *given.analysis["runtime_hooks"]]:
        assert Path(path).exists(), path
    assert given.binaries == [("libz.so.1", "", "")]


def test_data_files_are_beside_modules_where_the_rule_finds_them() -> None:
    # PyInstaller collects from packages; the wheel takes whole folders. They are the same when every folder
    # with data is a package, or lies in one.
    package = ROOT / "pixian_batch"
    data = [path for path in package.rglob("*") if path.is_file() and path.suffix not in {".py", ".pyc"}]
    assert data
    lost = [
        path
        for path in data
        if not any((up / "__init__.py").exists() for up in (path.parent, path.parent.parent))
    ]
    assert lost == []


def test_an_extra_is_inside_or_said_to_be_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    given = read_spec(monkeypatch)
    monkeypatch.syspath_prepend(str(ROOT))
    from scripts.distribution.building import EXTRAS  # importable only now

    for extra, needed in PROJECT["project"]["optional-dependencies"].items():
        if extra in {"dev", "docs"}:
            continue
        [name] = {re.match(r"[\w-]+", word)[0] for word in needed}  # type: ignore[index]  # a requirement begins with one
        name = IMPORT_NAMES.get(name, name)
        assert (extra in EXTRAS) == (name in given.analysis["hiddenimports"]), extra
        assert (extra in EXTRAS) != (name in given.analysis["excludes"]), extra


@pytest.fixture
def surroundings(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.setenv(name, "/given/by/the/user")
    spec = importlib.util.spec_from_file_location("surroundings", PACKAGING / "surroundings.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_command_of_the_users_does_not_see_the_loader(
    surroundings: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setenv("_PYI_PARENT_PROCESS_LEVEL", "1")
    for before in (None, "/the/users/own"):
        monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/pixian-batch/_internal")
        if before:
            monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", before)
        surroundings.forget_the_loader()
        assert os.environ.get("LD_LIBRARY_PATH") == before
    assert "_PYI_PARENT_PROCESS_LEVEL" not in os.environ
    assert "LD_LIBRARY_PATH_ORIG" not in os.environ


@pytest.mark.skipif(os.name == "nt", reason="Windows has a store of its own")
def test_certificates_are_found_where_this_system_keeps_them(
    surroundings: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    theirs, ours = tmp_path / "bundle.crt", tmp_path / "cacert.pem"
    ours.touch()
    nowhere = type("Paths", (), {"cafile": None, "capath": None})
    monkeypatch.setattr(surroundings, "_OF_SYSTEMS", (str(theirs),))
    monkeypatch.setattr(surroundings, "_OURS", str(ours))
    monkeypatch.setattr(surroundings.ssl, "get_default_verify_paths", nowhere)
    surroundings.find_certificates()
    assert os.environ["SSL_CERT_FILE"] == "/given/by/the/user"
    monkeypatch.delenv("SSL_CERT_DIR")
    for expected in (ours, theirs):
        monkeypatch.delenv("SSL_CERT_FILE")
        if expected == theirs:
            theirs.touch()  # the system's come first
        surroundings.find_certificates()
        assert os.environ["SSL_CERT_FILE"] == str(expected)


def test_the_image_runs_as_nobody_and_holds_only_what_it_needs() -> None:
    text = (PACKAGING / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"(?m)^USER [1-9]\d*:[1-9]\d*$", text)
    last = text[text.rindex("FROM ") :]
    assert last.index("USER") > last.rindex("RUN ")
    assert not re.search(r"(?m)^(ENV|ARG) .*(SECRET|API_ID)", text)
    taken = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in taken
    for line in taken:
        if line.startswith("!"):
            assert (ROOT / line[1:]).exists(), line


def test_no_script_of_a_release_is_written_by_what_comes_from_outside() -> None:
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")
    scripts = re.findall(r"(?ms)^ +(?:- )?run: (\|\n.*?(?=^ {0,8}\S|\Z)|[^\n|]*\n)", text)
    assert len(scripts) >= 8
    assert [script for script in scripts if "${{" in script] == []
    # Rights to write are of the one job that publishes, and only for a tag.
    before, _, publishing = text.partition("\n  publish:\n")
    assert ": write" not in before
    assert "if: github.event_name == 'push'" in publishing
    assert "SHA256SUMS" in publishing


def test_the_scripts_name_files_that_are_there() -> None:
    tree = ast.parse((ROOT / "scripts" / "distribution" / "debian.py").read_text(encoding="utf-8"))
    words = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    named = [word for word in words if re.fullmatch(r"docs/[\w/.-]+", word)]
    assert named
    assert [word for word in named if not (ROOT / word).exists()] == []


@pytest.mark.skipif(sys.platform != "linux", reason="packages are made on Linux")
def test_a_debian_package_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    from scripts.distribution import building, debian

    told = "0x0d696914 0x00 04 GLIBC_2.4\n 0x00 03 GLIBC_2.34\n 0x00 02 GLIBC_2.2.5\n GLIBC_PRIVATE\n"
    assert debian.newest_libc(told) == "2.34"
    assert building.version() == pixian_batch.__version__
