"""Which files of options there are: chosen on the command line, of the project, of the user. Parses them."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from pixian_batch.policy.disk import system_word
from pixian_batch.policy.encoding import SAVE_AS_UTF8, Utf16Error, text_of, toml_trouble

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME: Final = "pixian-batch.toml"
NO_FILE: Final = "none"
_CHOICES: Final = {"--profile": "PIXIAN_BATCH_PROFILE", "--config": "PIXIAN_BATCH_CONFIG"}
_VALUES: Final = {"--profile": "for example: --profile shop", "--config": "for example: --config shop.toml"}


class ConfigurationError(Exception):
    """A file that cannot be used: which, and what is wrong with it; `hint`: what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


OWN_PROFILES: Final = frozenset({"check"})
"""Commands that read no such file, and whose `--profile` is another: of a marketplace."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which profile and which file were asked for."""

    profile: str | None = None
    config: str | None = None


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A file that was looked for. whose: `project file`, `user file` or `--config`."""

    path: str
    whose: str
    exists: bool

    @property
    def of_project(self) -> bool:
        """Whether it may come from others."""
        return self.whose == "project file"

    def resolve(self, path: str) -> str:
        """A path that it names: a project's relative one starts at the file, the user's at the current folder."""
        path = os.path.expanduser(path)
        folder = os.path.dirname(os.path.abspath(self.path))
        if path == "-" or os.path.isabs(path) or self.whose == "user file" or folder == working_folder():
            return path
        return os.path.join(folder, path)


def take_choice(words: list[str]) -> tuple[list[str], Choice]:
    """`--profile` and `--config` out of a command line, or out of the environment. Raises `ConfigurationError`."""
    if words and words[0] in OWN_PROFILES:
        return words, Choice()
    rest: list[str] = []
    choices = {option: os.environ.get(variable) or None for option, variable in _CHOICES.items()}
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
                raise ConfigurationError(f"{option} needs a value", _VALUES[option])
            choices[option] = given
    return rest, Choice(choices["--profile"], choices["--config"])


def find_files(choice: Choice) -> Iterator[ConfigFile]:
    """The files, the strongest first. Raises `ConfigurationError` when the chosen one is not there."""
    if choice.config == NO_FILE:
        return
    if choice.config is not None:
        if not os.path.isfile(choice.config):
            from pixian_batch.adapters.walking.spelling import did_you_mean  # rarely needed

            hint = did_you_mean(choice.config, "or --config none, to read no file")
            raise ConfigurationError(f"--config {choice.config}: there is no such file", hint)
        yield ConfigFile(choice.config, "--config", exists=True)
        return
    if (folder := working_folder()) is not None:
        paths = project_paths(folder)
        path = next((path for path in paths if os.path.isfile(path)), paths[0])
        yield ConfigFile(path, "project file", os.path.isfile(path))
    if (users := user_path()) is not None:
        yield ConfigFile(users, "user file", os.path.isfile(users))


def working_folder() -> str | None:
    """The current folder; None where it was removed."""
    try:
        return os.getcwd()
    except OSError:
        return None


def user_path() -> str | None:
    """Where the user's own file is; None for a user without a home, as in many containers."""
    import platformdirs  # only when files are read

    try:
        folder = platformdirs.user_config_dir("pixian-batch", appauthor=False)
    except RuntimeError:
        return None
    return os.path.join(folder, NAME) if os.path.isabs(folder) else None


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


def parse(file: ConfigFile) -> dict[str, Any]:
    """The document of a file. Raises `ConfigurationError`."""
    try:
        with open(file.path, "rb") as stream:
            if file.of_project and not _is_ours(os.fstat(stream.fileno()).st_uid):
                raise ConfigurationError(
                    f"{file.path} belongs to another user", "use --config to name it, or --config none"
                )
            return tomllib.loads(text_of(stream.read()), parse_float=Decimal)
    except Utf16Error as error:
        raise ConfigurationError(f"{file.path} {error}", SAVE_AS_UTF8) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file.path}: it is not UTF-8 text", SAVE_AS_UTF8) from error
    except tomllib.TOMLDecodeError as error:
        hint = 'a line is key = value, and strings need quotes: out = "cut"'
        raise ConfigurationError(f"{file.path}: {toml_trouble(error)}", hint) from error
    except OSError as error:
        raise ConfigurationError(
            f"{file.path} cannot be read: {system_word(error)}", "check its rights"
        ) from error


def _is_ours(owner: int) -> bool:
    return not hasattr(os, "geteuid") or owner in {0, os.geteuid()}
