"""The commands and how they are started. Each command lives in a file of its own, loaded when it is called."""

from __future__ import annotations

import importlib
import sys
from typing import Final

import typer

_HELP: Final = """Folders of photos through the Pixian.AI background-removal API, without wasting a credit.

    pixian-batch ./photos --out ./cut --concurrency-max 40

is short for: pixian-batch run ./photos --out ./cut --concurrency-max 40
"""
COMMANDS: Final = {
    "run": "run",
    "plan": "plan",
    "account": "account",
    "doctor": "doctor",
    "serve": "serve",
    "decode": "decode",
    "schema": "schema",
    "status": "status",
    "resolve": "resolve",
    "reconcile": "reconcile",
}
"""Command -> the module of this package that has a function of the same name."""


def build(names: list[str]) -> typer.Typer:
    """The application with some of the commands; the others' modules are not loaded."""
    app = typer.Typer(
        help=_HELP,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_main)
    for name in names:
        module = importlib.import_module(f"pixian_batch.cli.{COMMANDS[name]}")
        app.command(name)(getattr(module, name))
    return app


def _main() -> None:
    """Folders of photos through the Pixian.AI background-removal API, without wasting a credit."""


def start(arguments: list[str]) -> None:
    """Run the command line `arguments`; ends the process with the command's exit code."""
    named = [name for name in arguments[:1] if name in COMMANDS]
    app = build(named or list(COMMANDS))
    app(args=arguments, prog_name="pixian-batch", standalone_mode=True)
    sys.exit(0)
