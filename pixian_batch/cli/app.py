"""The commands and how they are started. Each command lives in a file of its own, loaded when it is called."""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any, Final

from pixian_batch.cli import help as help_
from pixian_batch.cli.default_command import MistypedCommandError, with_default_command

if TYPE_CHECKING:
    import typer

COMMANDS: Final = {
    "run": "entry",
    "plan": "entry",
    "account": "account",
    "doctor": "doctor",
    "serve": "serve",
    "decode": "decode",
    "schema": "schema",
    "status": "status",
    "resolve": "resolve",
    "reconcile": "reconcile",
    "login": "login",
    "config": "config",
}
"""Command -> the module of `commands` that has a function of the same name."""
_COMPLETING: Final = "_PIXIAN_BATCH_COMPLETE"
"""Set by the shell's completion script."""


def build(names: list[str], *, completion: bool = False) -> typer.Typer:
    """The application with some of the commands; the others are known by name only, and not loaded.

    completion: with the options that install it.
    """
    import typer  # not for the help page

    from pixian_batch.cli.command import Command

    app = typer.Typer(
        help=help_.LINES["run"],
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        add_completion=completion,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_main)
    for name in COMMANDS:
        if name in names:
            module = importlib.import_module(f"pixian_batch.cli.commands.{COMMANDS[name]}")
            app.command(name, cls=Command)(getattr(module, name))
        else:
            app.command(name, help=help_.LINES[name])(_main)
    return app


def _main() -> None:
    """Folders of photos through the Pixian.AI background-removal API, without wasting a credit."""


def start(arguments: list[str]) -> None:
    """Run the command line `arguments`; ends the process with the command's exit code."""
    if os.environ.get(_COMPLETING):
        _complete()
    if arguments[:1] == ["help"] and not os.path.lexists("help"):
        arguments = [*arguments[1:2], "--help"]
    if not arguments or arguments[0] in {"-h", "--help"}:
        sys.stdout.write(help_.page(list(COMMANDS)))
        return
    try:
        _run(arguments)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as bug:  # noqa: BLE001  # of ours, whatever it is: told in one line, kept in a file
        from pixian_batch.cli.bug import write_report

        sys.stderr.write(f"error: internal error; {write_report(bug)}\n")
        sys.exit(1)


def _run(arguments: list[str]) -> None:
    from pixian_batch.cli import configuration  # not for the help page

    try:
        words, choice = configuration.take_choice(arguments)
        words = with_default_command(words, COMMANDS)
        name = words[0] if words else ""
        asks_for_help = bool({"-h", "--help"} & set(words))
        words, defaults = (words, {}) if asks_for_help else configuration.apply(name, words, choice)
    except (configuration.ConfigurationError, MistypedCommandError) as error:
        sys.stderr.write(f"error: {error}\n" + (f"  {error.hint}\n" if error.hint else ""))
        sys.exit(2)
    if name in COMMANDS:
        # Not through the group: typer reads its (absent) values with pydantic, which costs a help page more
        # than all the rest.
        command = parser([name]).commands[name]
        command.main(args=words[1:], prog_name=f"pixian-batch {name}", default_map=defaults)
    else:
        build([], completion=True)(args=words, prog_name="pixian-batch")


def _complete() -> None:
    """Answer the shell's completion script, which hands the words over in the environment."""
    words = os.environ.get("_TYPER_COMPLETE_ARGS") or os.environ.get("COMP_WORDS", "")
    separator = "\n" if "\n" in words else " "
    first = [word for word in words.split(separator)[1:] if word][:1]
    typing_first = len(words.split(separator)) <= 2  # the program and one word
    if first and not typing_first and first[0] not in {*COMMANDS, "--help", "-h"}:
        # The default command's options complete without its name.
        program, _, rest = words.partition(separator)
        for name in ("_TYPER_COMPLETE_ARGS", "COMP_WORDS"):
            if name in os.environ:
                os.environ[name] = separator.join([program, "run", rest])
        if cword := os.environ.get("COMP_CWORD"):
            os.environ["COMP_CWORD"] = str(int(cword) + 1)
        first = ["run"]
    build([*first], completion=True)(args=[], prog_name="pixian-batch", standalone_mode=True)


def parser(names: list[str]) -> Any:
    """The parser of these commands as typer builds it, for the reference and the man page."""
    from typer.main import get_command

    return get_command(build(names))
