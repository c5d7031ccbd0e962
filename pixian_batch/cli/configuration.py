"""Options from files: `pixian-batch.toml` of the project and of the user, and their named profiles.

What a file says becomes the default of the command's options, so flags and the environment win by
themselves. Unknown keys and wrong types are errors that name file and key. A file never holds a secret,
and a project's file may neither run a command nor send the credentials elsewhere: it may come from others.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from dataclasses import MISSING, dataclass, field, fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, get_args, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typer.models import OptionInfo

NAME: Final = "pixian-batch.toml"
NO_FILE: Final = "none"
_CHOICES: Final = {"--profile": "PIXIAN_BATCH_PROFILE", "--config": "PIXIAN_BATCH_CONFIG"}
_PATHS: Final = frozenset({"out", "ledger", "log-file", "metrics-file", "files-from"})
_LEDGER: Final = frozenset({"out", "ledger"})
_SERVICE: Final = frozenset({"api-url"})
_TAKEN: Final[dict[str, frozenset[str] | None]] = {
    "run": None,
    "plan": None,
    "config": None,
    "status": _LEDGER,
    "resolve": _LEDGER,
    "reconcile": _LEDGER | _SERVICE,
    "account": _SERVICE,
    "doctor": _LEDGER | _SERVICE | {"local"},
    "login": _SERVICE,
}
"""Command -> the keys that are for it; None: all. Other commands read no file."""
_ENVIRONMENT: Final = {"credentials-command": "PIXIAN_BATCH_CREDENTIALS_COMMAND", "api-id": "PIXIAN_API_ID"}
"""Keys that are no options: who reads them looks into the environment."""
_SECRETS: Final = frozenset({"api-secret", "secret", "password", "token", "pixian-api-secret", "credentials"})
_NOT_OF_A_PROJECT: Final = "credentials-command"


class ConfigurationError(Exception):
    """A file that cannot be used: which, and what is wrong with it; `hint`: what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class OptionKey:
    """One option as a file names it. kind: `switch`, `list`, `number` or `text`."""

    name: str
    attribute: str
    kind: str
    default: object = None
    read: Callable[[Any], object] | None = None
    envvar: str | None = None
    choices: tuple[str, ...] = ()

    @property
    def is_path(self) -> bool:
        """Whether its value is a path of this machine."""
        return self.name in _PATHS


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A file that was looked for. whose: `project file`, `user file` or `--config`."""

    path: str
    whose: str
    found: bool


@dataclass(frozen=True, slots=True)
class Setting:
    """One value as the parser's default, and the file (with its profile) that says it."""

    value: object
    source: str


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the files say: settings by key."""

    files: tuple[ConfigFile, ...] = ()
    profile: str | None = None
    settings: dict[str, Setting] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which profile and which file were asked for."""

    profile: str | None = None
    config: str | None = None


def take_choice(words: list[str]) -> tuple[list[str], Choice]:
    """`--profile` and `--config` out of a command line, or out of the environment. Raises `ConfigurationError`."""
    rest: list[str] = []
    found = {option: os.environ.get(variable) or None for option, variable in _CHOICES.items()}
    waiting = iter(words)
    for word in waiting:
        option, equals, value = word.partition("=")
        if word == "--":
            rest += [word, *waiting]
        elif option not in _CHOICES:
            rest.append(word)
        else:
            given = value if equals else next(waiting, None)
            if not given:
                raise ConfigurationError(f"{option} needs a value")
            found[option] = given
    return rest, Choice(found["--profile"], found["--config"])


def chosen() -> Choice:
    """The choice of this process's command line."""
    return _CHOSEN[-1] if _CHOSEN else Choice()


_CHOSEN: Final[list[Choice]] = []


def apply(command: str, words: list[str], choice: Choice) -> tuple[list[str], dict[str, object]]:
    """The command line without `--no-...` switches, and the parser's defaults for `command`.

    Raises `ConfigurationError`.
    """
    if command not in _TAKEN:
        return words, {}
    _CHOSEN[:] = [choice]
    read = load(choice)
    for key, variable in _ENVIRONMENT.items():
        if key in read.settings:
            os.environ.setdefault(variable, str(read.settings[key].value))
    taken = _TAKEN[command]
    known = keys()
    defaults = {
        known[name].attribute: setting.value
        for name, setting in read.settings.items()
        if name in known and (taken is None or name in taken)
    }
    return _switched_off(words, defaults, known), defaults


def _switched_off(words: list[str], defaults: dict[str, object], known: dict[str, OptionKey]) -> list[str]:
    """`--no-test` against `test = true` of a file or the environment: a flag is stronger than both."""
    switches = {f"--no-{key.name}": key for key in known.values() if key.kind == "switch"}
    end = words.index("--") if "--" in words else len(words)
    for word in words[:end]:
        if key := switches.get(word):
            defaults[key.attribute] = False
            os.environ.pop(key.envvar or "", None)
    return [word for at, word in enumerate(words) if at >= end or word not in switches]


def load(choice: Choice) -> Configuration:
    """Read the files. A profile's values are stronger than general ones, the project's than the user's."""
    files = tuple(_looked_at(choice))
    settings: dict[str, Setting] = {}
    profiles: dict[str, Setting] = {}
    names: set[str] = set()
    for file in reversed(files):  # the strongest last
        if not file.found:
            continue
        document = _parse(file)
        tables = _profiles(file, document)
        names |= set(tables)
        settings |= dict(_settings(file, document, ""))
        for name, table in tables.items():
            found = dict(_settings(file, table, f"profile {name}"))
            if name == choice.profile:
                profiles |= found
    if choice.profile is not None and choice.profile not in names:
        raise ConfigurationError(
            f"there is no profile {choice.profile!r}",
            _did_you_mean(choice.profile, names) or "define it as [profile.NAME] in pixian-batch.toml",
        )
    return Configuration(files, choice.profile, settings | profiles)


def _looked_at(choice: Choice) -> Iterator[ConfigFile]:
    """The files, the strongest first."""
    if choice.config == NO_FILE:
        return
    if choice.config is not None:
        if not os.path.isfile(choice.config):
            raise ConfigurationError(f"--config {choice.config}: there is no such file")
        yield ConfigFile(choice.config, "--config", found=True)
        return
    paths = project_paths(os.getcwd())
    found = next((path for path in paths if os.path.isfile(path)), None)
    yield ConfigFile(found or paths[0], "project file", found is not None)
    path = user_path()
    yield ConfigFile(path, "user file", os.path.isfile(path))


def user_path() -> str:
    """Where the user's own file is."""
    import platformdirs  # only when files are read

    return os.path.join(platformdirs.user_config_dir("pixian-batch", appauthor=False), NAME)


def project_paths(folder: str) -> list[str]:
    """Where the project's file may be: in `folder` and above it, within its repository or the home folder.

    Elsewhere (a shared `/tmp`, a mounted disk) only in `folder` itself.
    """
    above = [folder]
    while (parent := os.path.dirname(above[-1])) != above[-1]:
        above.append(parent)
    for number, path in enumerate(above, 1):
        if os.path.lexists(os.path.join(path, ".git")) or path == os.path.expanduser("~"):
            return [os.path.join(place, NAME) for place in above[:number]]
    return [os.path.join(folder, NAME)]


def _parse(file: ConfigFile) -> dict[str, Any]:
    try:
        with open(file.path, "rb") as stream:
            if file.whose == "project file" and not _is_ours(os.fstat(stream.fileno()).st_uid):
                raise ConfigurationError(
                    f"{file.path} belongs to another user", "use --config to name it, or --config none"
                )
            return tomllib.load(stream, parse_float=Decimal)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{file.path} is not TOML: {error}", 'strings need quotes: out = "cut"'
        ) from error
    except OSError as error:
        raise ConfigurationError(
            f"{file.path} cannot be read: {error.strerror}", "check its rights"
        ) from error


def _is_ours(owner: int) -> bool:
    return not hasattr(os, "geteuid") or owner in {0, os.geteuid()}


def _profiles(file: ConfigFile, document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    tables = document.pop("profile", {})
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise ConfigurationError(
            f"{file.path}: profile is not a table", "write [profile.NAME] and its keys below"
        )
    return tables


def _settings(file: ConfigFile, table: dict[str, Any], profile: str) -> Iterator[tuple[str, Setting]]:
    known = keys()
    place = f"{file.path}" + (f" [{profile}]" if profile else "")
    for written, value in table.items():
        name = written.replace("_", "-")
        if name in _SECRETS or name.removeprefix("pixian-") in _SECRETS:
            raise ConfigurationError(
                f"{place}: {written}: a secret does not belong in this file",
                'use credentials-command = "pass show pixian", PIXIAN_API_SECRET_FILE or pixian-batch login',
            )
        if name not in known and name not in _ENVIRONMENT:
            raise ConfigurationError(
                f"{place}: there is no option {written!r}",
                _did_you_mean(name, {*known, *_ENVIRONMENT}) or "pixian-batch config shows them all",
            )
        _check_safe(file, name, value, place)
        key = known.get(name) or OptionKey(name, name, "text")
        yield name, Setting(_as_default(file, key, value, place), place)


def _check_safe(file: ConfigFile, name: str, value: object, place: str) -> None:
    """What a folder that somebody else made may not decide for the one who enters it."""
    if file.whose != "project file":
        return
    hint = f"write it into your own file, {user_path()}, or set the environment variable"
    if name == _NOT_OF_A_PROJECT:
        raise ConfigurationError(f"{place}: a project's file may not run a command: {name}", hint)
    if name == "api-url" and not str(value).startswith(("http://127.0.0.1:", "http://localhost:")):
        raise ConfigurationError(
            f"{place}: a project's file may not send your credentials elsewhere: {name}", hint
        )


def _as_default(file: ConfigFile, key: OptionKey, value: object, place: str) -> object:
    """The value as the parser takes defaults: switches, lists and texts as a user would write them."""
    wrong = f"{place}: {key.name} is {_kind_of(value)}"
    if key.kind == "switch":
        if not isinstance(value, bool):
            raise ConfigurationError(wrong, f"write {key.name} = true or false")
        return value
    if key.kind == "list":
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ConfigurationError(wrong, f'write a list of texts: {key.name} = ["...", "..."]')
        return value
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ConfigurationError(wrong, f"write a text or a number: {key.name} = ...")
    if key.kind == "number" and not isinstance(value, int):
        raise ConfigurationError(wrong, f"write a whole number: {key.name} = 40")
    text = _from_folder_of(file, str(value)) if key.is_path else str(value)
    if key.choices and text not in key.choices:
        words = ", ".join(key.choices)
        raise ConfigurationError(
            f"{place}: {key.name}: {text!r} is none of {words}", _did_you_mean(text, set(key.choices))
        )
    if key.read is not None:
        _try(key, text, place)
    return text


def _try(key: OptionKey, text: str, place: str) -> None:
    import typer  # the parser is about to load it

    assert key.read is not None  # noqa: S101  # the caller's test
    try:
        key.read(text)
    except typer.BadParameter as error:
        raise ConfigurationError(f"{place}: {key.name}: {error.message}") from error


def _from_folder_of(file: ConfigFile, path: str) -> str:
    """A project's relative path starts at its file; the user's own at the current folder."""
    path = os.path.expanduser(path)
    folder = os.path.dirname(os.path.abspath(file.path))
    if path == "-" or os.path.isabs(path) or file.whose == "user file" or folder == os.getcwd():
        return path
    return os.path.join(folder, path)


def _kind_of(value: object) -> str:
    kinds = {
        bool: "true or false",
        str: "a text",
        int: "a number",
        Decimal: "a number",
        list: "a list",
        dict: "a table",
    }
    return kinds.get(type(value), "a date")


def _did_you_mean(name: str, known: set[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else ""


def keys() -> dict[str, OptionKey]:
    """All options of `run` and `plan` that a file may set, by name."""
    if not _KEYS:
        from pixian_batch.cli.options import PlanOptions, RunOptions  # only when files are read

        for kind in (RunOptions, PlanOptions):
            for key in _keys_of(kind):
                _KEYS.setdefault(key.name, key)
    return _KEYS


_KEYS: Final[dict[str, OptionKey]] = {}


def _keys_of(kind: type) -> Iterator[OptionKey]:
    hints = get_type_hints(kind, include_extras=True)
    for item in fields(kind):
        annotation, info = get_args(hints[item.name])[:2]
        # Inside `Annotated`, typer's first name stands where a default would.
        told = (info.default, *(getattr(info, "param_decls", None) or ()))
        names = [name for name in told if isinstance(name, str) and name.startswith("--")]
        if names:
            yield _key(item.name, names[0][2:], annotation, info, item.default)


def _key(attribute: str, name: str, annotation: object, info: OptionInfo, default: object) -> OptionKey:
    kind = "text"
    if annotation is bool:
        kind = "switch"
    elif annotation is int and info.parser is None:
        kind = "number"
    elif "list" in str(annotation):
        kind = "list"
    envvar = info.envvar if isinstance(info.envvar, str) else None
    return OptionKey(
        name,
        attribute,
        kind,
        None if default is MISSING else default,
        info.parser,
        envvar,
        tuple(info.autocompletion()) if info.autocompletion is not None else (),
    )
