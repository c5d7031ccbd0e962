"""The commands with one line each, grouped by what people look for, and the page that `--help` shows.

Loads nothing: neither the parser nor a command.
"""

from __future__ import annotations

from typing import Final

GROUPS: Final[tuple[tuple[str, tuple[tuple[str, str], ...]], ...]] = (
    (
        "Cut out photos",
        (
            ("run", "Cut out photos: send them through, write the results, skip what is done."),
            ("plan", "Say what a run would do and cost, and spend nothing."),
        ),
    ),
    (
        "Look after runs",
        (
            ("status", "Show what is done, failed, in doubt and spent; also while a run goes on."),
            ("export", "Write what was bought: an image a row, or summed for a client's bill."),
            ("resolve", "List the images in doubt, or settle them."),
            ("reconcile", "Compare the account's balance with what was charged."),
            ("clean", "Show what runs have left in an output folder, and free it."),
            ("redo", "Buy results once more on purpose, the price said first."),
        ),
    ),
    (
        "Account and set-up",
        (
            ("account", "Show the account's credits, pack and state."),
            ("login", "Keep the API id and secret in the system's keyring."),
            ("config", "Show every option's effective value and where it came from."),
            ("doctor", "Check that everything needed is there and works."),
        ),
    ),
    (
        "Tools",
        (
            ("serve", "Run the API-compatible emulator: no account, no network, no cost."),
            ("decode", "Rebuild a full PNG from a Delta PNG and its photo."),
            ("schema", "Print the JSON Schema of the records that --json writes."),
        ),
    ),
)
LINES: Final = {name: line for _group, commands in GROUPS for name, line in commands}
"""Command -> what it does, in one line."""

_HEAD: Final = """\
Usage: pixian-batch INPUT... --out DIR [OPTIONS]
       pixian-batch COMMAND [OPTIONS]

Folders of photos through the Pixian.AI background-removal API, without wasting a credit.
"""
_FOOT: Final = """\
Options:
  -h, --help            Show this page; after a command, the command's own.
  -V, --version         Show the version.
  --profile NAME        Use this profile of the configuration files.
  --config FILE         Read this configuration file in place of the usual ones; none: read no file.
  --install-completion  Install completion for the current shell.
  --show-completion     Print the completion script.

Examples:
  pixian-batch ./photos --out ./cut --local
  pixian-batch plan ./photos --out ./cut
  pixian-batch ./photos --out ./cut --max-credits 100

The first word is a command, or `run` is meant. A folder named like a command: write ./plan.
Every option is also an environment variable: --max-credits is PIXIAN_BATCH_MAX_CREDITS.
All options of a run: pixian-batch run --help
"""


def page() -> str:
    """What `pixian-batch --help` prints."""
    width = max(map(len, LINES))
    parts = [_HEAD]
    for title, commands in GROUPS:
        parts.append(f"{title}:\n" + "".join(f"  {name:<{width}}  {line}\n" for name, line in commands))
    return "\n".join([*parts, _FOOT])
