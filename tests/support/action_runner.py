"""The action's steps by hand: reads action.yml and does what GitHub's runner does with it, as far as it is used there.

Scripts run in bash with the GITHUB_* files of a step, lines of both streams are read for workflow commands as the runner
reads them, and the three actions of GitHub's own that it uses are stood in for: a Python, and a cache whose entries are
never overwritten and found by prefix, the newest first.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from support.commands import PATIENCE, environment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT = Path(__file__).parents[2]
ACTION = ROOT / ".github" / "actions" / "pixian-batch" / "action.yml"
_EXPRESSION = re.compile(r"\$\{\{\s*(.+?)\s*\}\}")
_REFERENCE = re.compile(r"\b(?:inputs|steps)(?:\.[\w-]+)+")
_OLD_WORDS = frozenset(
    {"error", "warning", "debug", "group", "add-mask", "set-output", "add-path", "set-env"}
)


@dataclass
class Cache:
    """The service that keeps what jobs save. Entries are immutable."""

    folder: Path
    entries: list[str] = field(default_factory=list)

    def restore(self, path: Path, prefix: str) -> None:
        for number in range(len(self.entries) - 1, -1, -1):
            if self.entries[number].startswith(prefix):
                shutil.copytree(self.folder / str(number), path, dirs_exist_ok=True)
                return

    def save(self, path: Path, key: str) -> None:
        assert key not in self.entries, "an entry is never overwritten"
        shutil.copytree(path, self.folder / str(len(self.entries)))
        self.entries.append(key)


@dataclass(frozen=True)
class Command:
    """A workflow command as the runner has understood it."""

    name: str
    properties: dict[str, str]
    data: str


@dataclass
class Job:
    """What has come of one use of the action."""

    outcomes: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    log: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    commands: list[Command] = field(default_factory=list)
    given: dict[str, str] = field(default_factory=dict)
    """The action's own outputs."""

    @property
    def failed(self) -> bool:
        return bool({"failure", "cancelled"} & set(self.outcomes.values()))

    def annotations(self) -> list[Command]:
        return [command for command in self.commands if command.name in {"error", "warning"}]


def finish(arguments: list[str], folder: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a step to its end."""
    return subprocess.run(
        arguments,
        cwd=folder,
        env=env,
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        timeout=PATIENCE,
        check=False,
    )


class ActionRunner:
    """Runs the action in `workspace`. start: runs the step `run`, where a test wants to have a hand in it."""

    def __init__(self, folder: Path, cache: Cache, env: Mapping[str, str]) -> None:
        self._document = yaml.safe_load(ACTION.read_text(encoding="utf-8"))
        self._temp, self._cache, self._env = folder, cache, dict(env)
        folder.mkdir(parents=True, exist_ok=True)

    def use(
        self,
        workspace: Path,
        start: Callable[[list[str], Path, dict[str, str]], subprocess.CompletedProcess[str]] = finish,
        **given: str,
    ) -> Job:
        """`uses:` with these inputs."""
        given = {name.replace("_", "-"): value for name, value in given.items()}
        assert set(given) <= set(self._document["inputs"]), "an input that the action does not have"
        required = {name for name, item in self._document["inputs"].items() if item.get("required")}
        assert required <= set(given)
        inputs = {name: item.get("default", "") for name, item in self._document["inputs"].items()}
        # What runs is what is tested; installing it is tried where there is an index of packages.
        inputs["command"] = str(Path(sys.executable).parent / "pixian-batch")
        job, inputs = Job(), inputs | given
        for step in self._document["runs"]["steps"]:
            self._step(step, job, inputs, workspace, start)
        job.given = {
            name: self._text(item["value"], job, inputs) for name, item in self._document["outputs"].items()
        }
        return job

    def _step(self, step: Any, job: Job, inputs: dict[str, str], workspace: Path, start: Any) -> None:
        name = step["id"]
        job.outputs[name] = {}
        if not self._wanted(step.get("if"), job, inputs):
            job.outcomes[name] = "skipped"
            return
        if "uses" in step:
            values = {key: self._text(value, job, inputs) for key, value in step["with"].items()}
            self._other(step["uses"], values, job.outputs[name], workspace)
            job.outcomes[name] = "success"
            return
        env = {key: self._text(value, job, inputs) for key, value in step["env"].items()}
        self._script(step, env, job, workspace, start if name == "run" else finish)

    def _other(self, uses: str, values: dict[str, str], outputs: dict[str, str], workspace: Path) -> None:
        match uses.split("@", maxsplit=1)[0]:
            case "actions/setup-python":
                outputs["python-path"] = sys.executable
            case "actions/cache/restore":
                self._cache.restore(workspace / values["path"], values["restore-keys"])
            case "actions/cache/save":
                self._cache.save(workspace / values["path"], values["key"])
            case other:
                raise AssertionError(other)

    def _script(self, step: Any, env: dict[str, str], job: Job, workspace: Path, start: Any) -> None:
        assert step["shell"] == "bash"
        files = {
            name: self._temp / f"{name}-{len(list(self._temp.iterdir()))}"
            for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")
        }
        for file in files.values():
            file.touch()
        script = self._temp / f"{step['id']}-{len(list(self._temp.iterdir()))}.sh"
        script.write_text(step["run"], encoding="utf-8")
        paths = {name: str(path) for name, path in files.items()}
        done = start(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            workspace,
            {**self._environment(workspace), **env, **paths},
        )
        job.log[step["id"]] = done.stdout + done.stderr
        job.commands += commands_in(done.stdout + "\n" + done.stderr)
        job.outputs[step["id"]] = read_outputs(files["GITHUB_OUTPUT"].read_text(encoding="utf-8"))
        job.summary += files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")
        cancelled = done.returncode in {130, 143} and start is not finish
        job.outcomes[step["id"]] = "cancelled" if cancelled else "failure" if done.returncode else "success"

    def _environment(self, workspace: Path) -> dict[str, str]:
        return environment(
            {
                "GITHUB_ACTIONS": "true",
                "CI": "true",
                "GITHUB_WORKSPACE": str(workspace),
                "GITHUB_ACTION_PATH": str(ACTION.parent),
                "GITHUB_RUN_ID": "1001",
                "GITHUB_RUN_ATTEMPT": "1",
                "GITHUB_REPOSITORY": "shop/photos",
                "RUNNER_TEMP": str(self._temp),
                **self._env,
            }
        )

    # --- expressions -----------------------------------------------------------------------------

    def _text(self, value: str, job: Job, inputs: dict[str, str]) -> str:
        return _EXPRESSION.sub(lambda match: self._value(match[1], job, inputs), str(value))

    def _wanted(self, condition: str | None, job: Job, inputs: dict[str, str]) -> bool:
        if condition is None or "always()" not in condition:
            if job.failed:
                return False
            if condition is None:
                return True
        words = condition.replace("always()", "True").replace("&&", " and ").replace("||", " or ")
        words = _REFERENCE.sub(lambda match: repr(self._value(match[0], job, inputs)), words)
        assert re.fullmatch(r"(?:True|and|or|==|!=|[()\s]|'[^']*')*", words), words
        return bool(eval(words, {"__builtins__": {}}))  # noqa: S307  # of literals only, as was just seen

    @staticmethod
    def _value(reference: str, job: Job, inputs: dict[str, str]) -> str:
        match reference.split("."):
            case ["inputs", name]:
                return inputs[name]
            case ["steps", step, "outputs", name]:
                return job.outputs.get(step, {}).get(name, "")
            case ["steps", step, "outcome"]:
                return job.outcomes.get(step, "")
        raise AssertionError(reference)


def read_outputs(text: str) -> dict[str, str]:
    """GITHUB_OUTPUT as the runner reads it."""
    found, lines = {}, iter(text.split("\n"))
    for line in lines:
        if "<<" in line.split("=")[0]:
            name, delimiter = line.split("<<", 1)
            value: list[str] = []
            while (each := next(lines)) != delimiter:
                value.append(each)
            found[name] = "\n".join(value)
        elif "=" in line:
            name, found_value = line.split("=", 1)
            found[name] = found_value
    return found


def commands_in(log: str) -> list[Command]:
    """What the runner takes for commands: `::name a=b::data` at the beginning, `##[name a=b]data` anywhere in a line."""
    found = []
    for line in re.split(r"\r?\n|\r", log):
        text = line.strip()
        new = re.match(r"::([\w-]+)(?: (.*?))?::(.*)", text)
        old = re.search(r"##\[([\w-]+)(?: (.*?))?\](.*)", text)
        if new is not None:
            found.append(Command(new[1], _properties(new[2], ","), _unescaped(new[3])))
        elif old is not None and old[1] in _OLD_WORDS:
            found.append(Command(old[1], _properties(old[2], ";"), old[3]))
    return found


def _properties(text: str | None, separator: str) -> dict[str, str]:
    pairs = [pair.split("=", 1) for pair in (text or "").split(separator) if "=" in pair]
    return {name: _unescaped(value) for name, value in pairs}


def _unescaped(text: str) -> str:
    for escape, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(escape, char)
    return text
