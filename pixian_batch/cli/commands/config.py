"""`pixian-batch config`: every option's effective value, and where it came from. Reads files, sends nothing."""

from __future__ import annotations

import json as json_
import os
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from pixian_batch.cli.configuration.files import Choice
from pixian_batch.cli.configuration.keys import keys
from pixian_batch.cli.configuration.reading import load
from pixian_batch.cli.options import ConfigOptions, takes
from pixian_batch.cli.shared import fail, say
from pixian_batch.display.text import printable
from pixian_batch.policy.stopping import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pixian_batch.cli.configuration.keys import OptionKey
    from pixian_batch.cli.configuration.reading import Configuration

_FLAG: Final = "COMMANDLINE"


@dataclass(frozen=True, slots=True)
class ConfigRow:
    """One option: its value as a user would write it (None: not set), and who says so."""

    key: OptionKey
    value: object
    source: str


@takes(ConfigOptions)
def config(options: ConfigOptions) -> None:
    """Show every option's effective value and where it came from: flag, environment, file or default.

    Takes the options of run, to see what they would change.

    Examples:
      pixian-batch config
      pixian-batch config --profile shop --json
      pixian-batch config --concurrency-max 40
      pixian-batch config --init
    """
    if options.init:
        _begin_file()
        return
    read = load(options.context.obj or Choice())
    rows = list(_rows(options, read))
    say([json_.dumps(_record(rows, read))] if options.json else _lines(rows, read))


def _begin_file() -> None:
    from pixian_batch.cli.configuration.files import ConfigurationError  # only where it is asked for
    from pixian_batch.cli.configuration.starting import write_first

    try:
        path = write_first("")
    except ConfigurationError as error:
        fail(str(error), error.hint, code=Exit.USAGE)
    say(
        [
            f"wrote {path}: nothing is switched on yet; open it, and take the comment signs away where you want to"
        ]
    )


def _rows(options: ConfigOptions, read: Configuration) -> Iterator[ConfigRow]:
    for key in keys().values():
        if not hasattr(options, key.attribute):
            yield _without_parser(key, read)
            continue
        where = options.context.get_parameter_source(key.attribute)
        name = where.name if where is not None else "DEFAULT"
        if key.name == "json":  # here it is this command's own
            yield _without_parser(key, read)
        elif name == _FLAG or (name == "DEFAULT_MAP" and key.name not in read.settings):
            yield ConfigRow(key, getattr(options, key.attribute), "flag")
        elif name == "DEFAULT_MAP" and key.kind == "switch" and not getattr(options, key.attribute):
            off = read.settings[key.name].value is False
            yield ConfigRow(key, value=False, source=read.settings[key.name].source if off else "flag")
        elif name == "DEFAULT_MAP":
            setting = read.settings[key.name]
            yield ConfigRow(key, setting.value, setting.source)
        elif name == "ENVIRONMENT":
            yield ConfigRow(key, os.environ.get(key.envvar or ""), f"environment: {key.envvar}")
        else:
            yield ConfigRow(key, key.default, "default")


def _without_parser(key: OptionKey, read: Configuration) -> ConfigRow:
    """An option of another command than `run`."""
    if os.environ.get(key.envvar or ""):
        return ConfigRow(key, os.environ[key.envvar or ""], f"environment: {key.envvar}")
    if setting := read.settings.get(key.name):
        return ConfigRow(key, setting.value, setting.source)
    return ConfigRow(key, key.default, "default")


def _lines(rows: list[ConfigRow], read: Configuration) -> list[str]:
    width = max(len(row.key.name) for row in rows)
    shown = [_shown(row.value) for row in rows]
    column = min(30, max(map(len, shown)))
    lines = [
        f"{row.key.name:<{width}}  {text:<{column}}  {printable(row.source)}"
        for row, text in zip(rows, shown, strict=True)
    ]
    lines += ["", f"profile  {read.profile or 'none'}"]
    for file in read.files:
        lines.append(f"{file.whose}  {printable(file.path)}{'' if file.exists else ' (not there)'}")
    return lines


def _shown(value: object) -> str:
    if value is None or value == []:
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    return printable(" ".join(map(str, value)) if isinstance(value, list | tuple) else str(value))


def _record(rows: list[ConfigRow], read: Configuration) -> dict[str, Any]:
    return {
        "v": 1,
        "type": "config",
        "profile": read.profile,
        "files": [{"path": file.path, "whose": file.whose, "found": file.exists} for file in read.files],
        "options": {row.key.name: {"value": _plain(row.value), "source": row.source} for row in rows},
    }


def _plain(value: object) -> object:
    return f"{value:f}" if isinstance(value, Decimal) else value
