"""The files as one: profile over general values, the project's over the user's, each value with its source."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pixian_batch.cli.configuration.files import Choice, ConfigFile, ConfigurationError, find_files, parse
from pixian_batch.cli.configuration.values import as_default, did_you_mean, find_key

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Setting:
    """One value as the parser's default, and the file (with its profile) that says it. layer: higher is stronger."""

    value: object
    source: str
    layer: int = 0


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the files say: settings by key."""

    files: tuple[ConfigFile, ...] = ()
    profile: str | None = None
    settings: dict[str, Setting] = field(default_factory=dict)


def load(choice: Choice) -> Configuration:
    """Read the files. Raises `ConfigurationError`."""
    files = tuple(find_files(choice))
    general: dict[str, Setting] = {}
    of_profile: dict[str, Setting] = {}
    names: set[str] = set()
    for layer, file in enumerate(reversed(files)):  # the strongest last
        if not file.exists:
            continue
        document = parse(file)
        profiles = _profiles(file, document)
        names |= set(profiles)
        general |= dict(_settings(file, document, "", layer))
        for name, table in profiles.items():  # all are checked, one is taken
            settings = dict(_settings(file, table, name, layer + len(files)))
            if name == choice.profile:
                of_profile |= settings
    if choice.profile is not None and choice.profile not in names:
        raise ConfigurationError(
            f"there is no profile {choice.profile!r}",
            did_you_mean(choice.profile, names) or "define it as [profile.NAME] in pixian-batch.toml",
        )
    return Configuration(files, choice.profile, general | of_profile)


def _profiles(file: ConfigFile, document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The profiles, out of the document."""
    tables = document.pop("profile", {})
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise ConfigurationError(
            f"{file.path}: profile is not a table", "write [profile.NAME] and its keys below"
        )
    return tables


def _settings(
    file: ConfigFile, table: dict[str, Any], profile: str, layer: int
) -> Iterator[tuple[str, Setting]]:
    place = f"{file.path}" + (f" [profile {profile}]" if profile else "")
    for written, value in table.items():
        key = find_key(file, written, value, place)
        yield key.name, Setting(as_default(file, key, value, place), place, layer)
