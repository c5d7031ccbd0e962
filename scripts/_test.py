"""The checks proper: the same words locally and in CI, each one command.

Every wanted check is attempted, so that one run shows everything; all but pytest run beside each other. What
each says is shown in their order: pytest comes last, and nothing is printed after its summary. The exit code
is that of the first check that failed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager, nullcontext
from typing import IO, TYPE_CHECKING, Final

from scripts._browser import browser_on_its_way
from scripts._setup import MARK, ROOT, SetupError, prepare, say
from scripts._wheel import prove_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_WORDS: Final = ("setup", "lint", "types", "floors", "tests", "wheel", "docs")
_USUAL: Final = ("lint", "types", "floors", "tests")
_MOST_WORKERS: Final = 8


def main(arguments: list[str]) -> int:
    """Run the checks named in `arguments`, or the usual ones. Returns the exit code."""
    ours, pytest_arguments = _split(arguments)
    words = [word for word in ours if word != "--quick"]
    if {"-h", "--help"} & set(words) or not set(words) <= set(_WORDS):
        say(f"usage: python3 scripts/test.py [{' | '.join(_WORDS)}]... [--quick] [-- PYTEST ARGUMENTS]")
        return 0 if {"-h", "--help"} & set(words) else 2
    if "--quick" in ours:
        pytest_arguments = ["-m", "not slow", *pytest_arguments]
    try:
        return _check(words or list(_USUAL), pytest_arguments)
    except SetupError as refused:
        say(str(refused))
        return 1
    except KeyboardInterrupt:
        return 130


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    if "--" not in arguments:
        return arguments, []
    cut = arguments.index("--")
    return arguments[:cut], arguments[cut + 1 :]


def _check(words: list[str], pytest_arguments: list[str]) -> int:
    tested = bool({"tests", "wheel"} & set(words))
    with browser_on_its_way() if tested else nullcontext():
        python = prepare("local", "dev", *(["docs"] if "docs" in words else []))
        commands = _commands(python, words)
        with _rewritten_beside(python) if commands and "tests" in words else nullcontext():
            codes = _together(commands)
    if "tests" in words:
        if any(codes):
            say("-- something above failed; the tests run all the same")
        say("-- pytest")
        codes.append(_start(_pytest(python, pytest_arguments), environment()).wait())
    if "wheel" in words:
        codes.append(prove_wheel(python, environment(), shared_out(pytest_arguments)))
    return next((code for code in codes if code), 0)


def _together(commands: list[tuple[str, list[str]]]) -> list[int]:
    """Run these beside each other, and show what each has said in this order. Returns their exit codes."""
    # UTF-8: import-linter draws boxes, which a Windows code page has not.
    variables = environment() | {"PYTHONUTF8": "1"}
    if sys.stdout.isatty() and "NO_COLOR" not in variables:
        variables |= {"FORCE_COLOR": "1", "MYPY_FORCE_COLOR": "1"}
    codes = []
    with ExitStack() as files:
        said = [files.enter_context(tempfile.TemporaryFile()) for _ in commands]
        running = [
            _start(command, variables, file) for (_, command), file in zip(commands, said, strict=True)
        ]
        for (name, _), process, file in zip(commands, running, said, strict=True):
            say(f"-- {name}")
            codes.append(process.wait())
            file.seek(0)
            sys.stdout.buffer.write(file.read())
            sys.stdout.flush()
            if codes[-1]:
                say(f"-- {name} FAILED")
    return codes


@contextmanager
def _rewritten_beside(python: Path) -> Iterator[None]:
    """Have pytest rewrite all tests' assertions meanwhile, once, where else each of its processes would do it.

    What is wrong with a test file is told later, by the tests themselves.
    """
    if any((ROOT / "tests").rglob("*-pytest-*.pyc")):
        yield
        return
    with tempfile.TemporaryFile() as unsaid:
        finding = _start([str(python), "-m", "pytest", "--collect-only", "-qq"], environment(), unsaid)
        yield
        finding.wait()


def _start(
    command: list[str], variables: dict[str, str], output: IO[bytes] | None = None
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, cwd=ROOT, env=variables, stdout=output, stderr=output)


def _pytest(python: Path, pytest_arguments: list[str]) -> list[str]:
    return [str(python), "-m", "pytest", *shared_out(pytest_arguments)]


def _commands(python: Path, words: list[str]) -> list[tuple[str, list[str]]]:
    module = [str(python), "-m"]
    floors = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_logo=True))"
    stages = {
        "lint": [
            ("ruff format", [*module, "ruff", "format", "--check", "."]),
            ("ruff", [*module, "ruff", "check", "."]),
        ],
        "types": [("mypy", [*module, "mypy"])],
        "floors": [("import-linter", [str(python), "-c", floors])],
        "docs": [("mkdocs", [*module, "mkdocs", "build", "--strict", "--quiet", "-f", "scripts/mkdocs.yml"])],
    }
    return [stage for word, group in stages.items() if word in words for stage in group]


def environment() -> dict[str, str]:
    """The tests' environment: no credentials and no options of the person who runs them.

    A test must neither spend somebody's credits nor pass only on their machine.
    """
    sys.stdout.flush()
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("PIXIAN_")}
    if kept.pop("PYTHONDONTWRITEBYTECODE", ""):
        # Nothing beside the sources, then; but hundreds of processes need not compile the same files.
        kept.setdefault("PYTHONPYCACHEPREFIX", str(ROOT / ".venv" / MARK / "bytecode"))
    return {"PYTEST_XDIST_AUTO_NUM_WORKERS": str(workers()), **kept}


def shared_out(pytest_arguments: list[str]) -> list[str]:
    """The arguments for several processes, unless a few tests are asked for by their names.

    Each process has to find all the tests first, and a few are run sooner than that. `auto` is `workers()`;
    with --pdb it is none. What the person says comes later, and so overrules it.
    """
    by_name = any(word.startswith("-k") or "::" in word or word.endswith(".py") for word in pytest_arguments)
    return [*([] if by_name else ["-n", "auto", "--dist", "worksteal"]), *pytest_arguments]


def workers(cores: int | None = None) -> int:
    """How many test processes fit this machine: more than cores, for most of a test's time is waiting."""
    if cores is None:
        usable = getattr(os, "sched_getaffinity", None)
        cores = len(usable(0)) if usable else os.cpu_count() or 1
    return min(cores * 2, _MOST_WORKERS)
