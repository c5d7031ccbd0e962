"""The command's first step: answer `--version` at once, find the default command, then load the rest."""

from __future__ import annotations

import sys

from pixian_batch import __version__

COMMANDS = frozenset(
    {"run", "plan", "status", "resolve", "reconcile", "account", "doctor", "serve", "decode", "schema"}
)
_OWN_OPTIONS = frozenset({"--help", "-h", "--install-completion", "--show-completion"})


def with_default_command(arguments: list[str]) -> list[str]:
    """`INPUT... --out DIR` means `run INPUT... --out DIR`. A folder named like a command: write `./plan`."""
    if not arguments or arguments[0] in COMMANDS or arguments[0] in _OWN_OPTIONS:
        return arguments
    return ["run", *arguments]


def main() -> None:
    """The console script."""
    arguments = sys.argv[1:]
    if arguments in (["--version"], ["-V"]):
        sys.stdout.write(f"pixian-batch {__version__}\n")
        return
    from pixian_batch.cli.app import start  # noqa: PLC0415  # typer: not for --version

    start(with_default_command(arguments))


if __name__ == "__main__":
    main()
