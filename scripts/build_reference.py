"""Write the pages that are made from the program itself: the command reference, the keys, the man page.

`python3 scripts/build_reference.py` writes them; with `--check` it only says which are out of date.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from pixian_batch.cli import app  # noqa: E402  # the path first
from pixian_batch.cli import help as help_  # noqa: E402  # the path first
from pixian_batch.cli.configuration.keys import keys  # noqa: E402  # the path first
from pixian_batch.policy.stopping import Exit  # noqa: E402  # the path first

if TYPE_CHECKING:
    from collections.abc import Iterator

CODES: Final = {
    Exit.OK: "all done, or nothing to do",
    Exit.BUG: "a bug of ours; a report was written",
    Exit.USAGE: "usage: wrong options, inputs or configuration; nothing was spent",
    Exit.SOME_FAILED: "some images failed, the rest is done",
    Exit.CREDENTIALS: "credentials refused or missing",
    Exit.CREDITS: "out of credits",
    Exit.BUDGET: "a limit of --max-credits... was reached",
    Exit.SERVICE: "the service failed for everyone",
    Exit.TIME: "its time (`--max-duration`) is over; what was in flight has landed",
    Exit.DISK: "the local disk: full, or the output cannot be written",
    Exit.IN_DOUBT: "images in doubt wait for a decision",
    Exit.LEDGER_IN_USE: "another run holds the ledger",
    Exit.HOOK: "all done, and then the command of --on-finish failed",
    Exit.NOT_COMPLYING: "check: an image does not comply with its profile; verify: something is not as locked",
    **{code: f"stopped by {code.name}; what was in flight has landed" for code in Exit if code.is_signal},
}
_GENERATED: Final = "<!-- Made by scripts/build_reference.py: change the program, then run it. -->\n"


def pages() -> dict[str, str]:
    """The generated files: path from the project's root -> text."""
    commands = _commands()
    return {
        "docs/reference/cli.md": _cli(commands),
        "docs/reference/configuration.md": _configuration(commands),
        "docs/reference/pixian-batch.1": _man(commands),
    }


def _commands() -> dict[str, tuple[Any, dict[str, list[tuple[str, str]]]]]:
    """The commands and their options by group, in the order of the help page."""
    group = app.parser(list(app.COMMANDS))
    commands = {}
    for name in app.COMMANDS:
        command = group.commands[name]
        context = command.make_context(name, [], resilient_parsing=True)
        commands[name] = (command, command.sections(context))
    return commands


def _cli(commands: dict[str, tuple[Any, dict[str, list[tuple[str, str]]]]]) -> str:
    lines = [
        "# Commands\n",
        _GENERATED,
        "`pixian-batch INPUT... --out DIR` is `pixian-batch run INPUT... --out DIR`. Every option of every",
        "command also has an environment variable, and those of `run` and `plan` have a key in a file: see",
        "[configuration](configuration.md).\n",
        "| command | what it does |\n|---|---|",
    ]
    lines += [f"| [{name}](#{name}) | {help_.LINES[name]} |" for name in commands]
    for name, (command, sections) in commands.items():
        lines += [f"\n## {name}\n", command.help, ""]
        for panel, rows in sections.items():
            lines += [f"| {panel} | |\n|---|---|"]
            lines += [f"| `{_cell(names)}` | {_cell(text)} |" for names, text in rows]
            lines.append("")
        lines += ["```console", *(f"$ {line}" for line in command.examples), "```"]
    lines += ["\n## Exit codes\n", "| code | meaning |\n|---|---|"]
    lines += [f"| {code.value} | {text} |" for code, text in CODES.items()]
    lines.append("\nWhen several apply: the signal's, else 4 to 9, else 10, else 3, else 12.")
    return "\n".join(lines) + "\n"


def _configuration(commands: dict[str, tuple[Any, dict[str, list[tuple[str, str]]]]]) -> str:
    lines = [
        "# Configuration keys\n",
        _GENERATED,
        "Every option of `run` and `plan`, as a flag, an environment variable and a key of `pixian-batch.toml`.",
        "How files, profiles and precedence work: [configure](../how-to/configure.md).\n",
        "| key and flag | environment variable | value | default |\n|---|---|---|---|",
    ]
    kinds = {"switch": "`true` or `false`", "list": "list of texts", "number": "whole number", "text": "text"}
    for key in keys().values():
        default = "" if key.default in {None, False} else f"`{key.default}`"
        lines.append(f"| `{key.name}` | `{key.envvar}` | {kinds[key.kind]} | {default} |")
    lines += [
        "| `credentials-command` (no flag) | `PIXIAN_BATCH_CREDENTIALS_COMMAND` | text | |",
        "| `api-id` (no flag) | `PIXIAN_API_ID` | text | |",
        "| (no key) `--profile` | `PIXIAN_BATCH_PROFILE` | name of a profile | |",
        "| (no key) `--config` | `PIXIAN_BATCH_CONFIG` | a file, or `none` | |",
        "",
        "A secret has no key and no flag: [credentials](../how-to/configure.md#credentials).",
        "",
        "The variables hold for every command that has the option. The other commands' own options have",
        "variables only; where a word means something else for a run, the command's name is in front.\n",
        "| command | flag | environment variable |\n|---|---|---|",
        *_own_variables(commands),
    ]
    return "\n".join(lines) + "\n"


def _own_variables(commands: dict[str, tuple[Any, dict[str, list[tuple[str, str]]]]]) -> Iterator[str]:
    """The options that no file can set."""
    known = {key.envvar for key in keys().values()}
    for name, (command, _sections) in commands.items():
        for option in command.params:
            if option.envvar and option.envvar not in known:
                yield f"| `{name}` | `{option.opts[0]}` | `{option.envvar}` |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _man(commands: dict[str, tuple[Any, dict[str, list[tuple[str, str]]]]]) -> str:
    return "\n".join(_man_lines(commands)) + "\n"


def _man_lines(commands: dict[str, tuple[Any, dict[str, list[tuple[str, str]]]]]) -> Iterator[str]:
    yield '.\\" Made by scripts/build_reference.py: change the program, then run it.'
    yield '.TH PIXIAN-BATCH 1 "" "pixian-batch" "User Commands"'
    yield ".SH NAME"
    yield _roff("pixian-batch - folders of photos through the Pixian.AI background-removal API")
    yield ".SH SYNOPSIS"
    yield _roff("pixian-batch INPUT... --out DIR [OPTIONS]")
    yield ".br"
    yield _roff("pixian-batch COMMAND [OPTIONS]")
    yield ".SH DESCRIPTION"
    yield _roff(
        "A finished image is never paid for twice, every credit is accounted for, and the plug can be pulled"
        " at any moment. The first word is a command, or run is meant."
    )
    for name, (command, sections) in commands.items():
        yield from _man_command(name, command, sections)
    yield from _man_end()


def _man_command(name: str, command: Any, sections: dict[str, list[tuple[str, str]]]) -> Iterator[str]:
    yield f".SH {name.upper()}"
    yield _roff(" ".join(command.help.split()))
    for panel, rows in sections.items():
        yield f'.SS "{panel}"'
        for names, text in rows:
            yield from (".TP", f".B {_roff(names)}", _roff(text))
    yield '.SS "Examples"'
    yield from (".nf", *map(_roff, command.examples), ".fi")


def _man_end() -> Iterator[str]:
    yield ".SH ENVIRONMENT"
    yield _roff(
        "PIXIAN_API_ID, PIXIAN_API_SECRET, PIXIAN_API_SECRET_FILE: the account. Every option also as"
        " PIXIAN_BATCH_ and its name, for example PIXIAN_BATCH_CONCURRENCY_MAX; those of serve as"
        " PIXIAN_BATCH_SERVE_ and their names."
    )
    yield ".SH FILES"
    yield _roff(
        "pixian-batch.toml: options, of the project and of the user; pixian-batch config shows where."
    )
    yield ".br"
    yield _roff("OUT/.pixian-batch/ledger.db: what was paid for; never delete it.")
    yield '.SH "EXIT STATUS"'
    for code, text in CODES.items():
        yield from (".TP", f".B {code.value}", _roff(text))


def _roff(text: str) -> str:
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text[:1] in {".", "'"} else text


def main(arguments: list[str]) -> int:
    """Write or check. Returns the exit code."""
    code = 0
    for name, text in pages().items():
        path = ROOT / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        if "--check" in arguments:
            print(f"{name} is out of date: run python3 scripts/build_reference.py", file=sys.stderr)
            code = 1
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"wrote {name}")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
