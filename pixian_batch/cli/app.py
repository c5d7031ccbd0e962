"""The commands and how they are started. Each command lives in a file of its own, loaded when it is called."""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any, Final

from pixian_batch.cli import help as help_
from pixian_batch.cli.telling import tell_error

if TYPE_CHECKING:
    from collections.abc import Collection

    import typer

COMMANDS: Final = tuple(help_.LINES)
_COMPLETING: Final = "_PIXIAN_BATCH_COMPLETE"
"""Set by the shell's completion script."""
_OWN_OPTIONS: Final = frozenset({"--help", "-h", "--install-completion", "--show-completion"})


class MistypedCommandError(Exception):
    """The first word is no command and nothing of that name is there to be cut out; `hint`: what to type."""

    def __init__(self, message: str, hint: str = "pixian-batch -h lists the commands") -> None:
        super().__init__(message)
        self.hint = hint


def with_default_command(words: list[str], commands: Collection[str]) -> list[str]:
    """`INPUT... --out DIR` means `run INPUT... --out DIR`. Raises `MistypedCommandError`."""
    if not words or words[0] in commands or words[0] in _OWN_OPTIONS:
        return words
    _check_first(words, commands)
    return ["run", *words]


def _check_first(words: list[str], commands: Collection[str]) -> None:
    """Raise `MistypedCommandError` for a first word that is probably meant as a command."""
    if os.path.lexists(words[0]):
        return
    from pixian_batch.cli.doors import other_door  # rarely needed

    if (door := other_door(words)) is not None:
        raise MistypedCommandError(door.message, door.hint)
    if near := _nearly(words[0], commands):
        raise MistypedCommandError(
            f"{words[0]!r} is no command and no file", f"did you mean: pixian-batch {near}"
        )


def _nearly(word: str, commands: Collection[str]) -> str | None:
    """The command that `word` is probably a slip for."""
    if not word.isascii() or not word.isalpha():
        return None
    from difflib import get_close_matches  # rarely needed

    return next(iter(get_close_matches(word.lower(), list(commands), n=1, cutoff=0.7)), None)


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
        context_settings={"help_option_names": ["--help"]},  # -h is the short page: `Command` knows it
    )
    app.callback()(_main)
    for name in COMMANDS:
        if name in names:
            module = importlib.import_module(module_of(name))
            app.command(name, cls=Command)(getattr(module, name))
        else:
            app.command(name, help=help_.LINES[name])(_main)
    return app


def module_of(name: str) -> str:
    """The module that has the command's function."""
    return f"pixian_batch.cli.commands.{'entry' if name in {'run', 'plan'} else name}"


def _main() -> None:
    """Folders of photos through the Pixian.AI background-removal API, without wasting a credit."""


def start(arguments: list[str]) -> None:
    """Run the command line `arguments`; ends the process with the command's exit code."""
    if os.environ.get(_COMPLETING):
        _complete()
    if arguments[:1] == ["help"] and not os.path.lexists("help"):
        arguments = [*arguments[1:2], "--help"]
    if not arguments or arguments[0] in {"-h", "--help"}:
        sys.stdout.write(help_.page() if "--help" in arguments else help_.short_page())
        return
    if arguments[0] == "--show-completion" and arguments[1:2]:
        _show_completion(arguments[1])
    try:
        _run(arguments)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as bug:  # noqa: BLE001  # of ours, whatever it is: told in one line, kept in a file
        from pixian_batch.cli.bug import tell

        sys.exit(tell(bug))


def _run(arguments: list[str]) -> None:
    from pixian_batch.cli.configuration.applying import apply  # not for the help page
    from pixian_batch.cli.configuration.files import ConfigurationError, take_choice, working_folder

    if working_folder() is None:
        sys.stderr.write("warning: the working folder was removed: only absolute paths lead anywhere\n")
    try:
        words, choice = take_choice(arguments)
        words = with_default_command(words, COMMANDS)
        name = words[0] if words else ""
        asks_for_help = bool({"-h", "--help"} & set(words))
        words, defaults = (words, {}) if asks_for_help else apply(name, words, choice)
    except (ConfigurationError, MistypedCommandError) as error:
        tell_error(str(error), error.hint)
        sys.exit(2)
    if name in COMMANDS:
        # Not through the group: typer reads its (absent) values with pydantic, which costs a help page more
        # than all the rest.
        command = parser([name]).commands[name]
        sys.exit(command.run(words[1:], defaults=defaults, choice=choice))
    build([], completion=True)(args=words, prog_name="pixian-batch")


def _show_completion(shell: str) -> None:
    """Print the script of a shell that need not be the one we run in; typer's own option knows only that."""
    from pixian_batch.cli.doors import SHELLS  # rarely needed

    if shell not in SHELLS:
        tell_error(f"there is no completion for {shell!r}", f"there is one for {', '.join(SHELLS)}")
        sys.exit(2)
    os.environ[_COMPLETING] = f"source_{shell}"
    _complete()


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
