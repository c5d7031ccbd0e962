"""The commands with one line each, grouped by what people look for, and the page that `--help` shows.

Loads nothing: neither the parser nor a command.
"""

from __future__ import annotations

from typing import Final

GROUPS: Final[tuple[tuple[str, tuple[tuple[str, str], ...]], ...]] = (
    (
        "Cut out photos",
        (
            ("run", "Cut out photos: send them, write the results, skip what is done."),
            ("plan", "Say what it would cost, and spend nothing."),
        ),
    ),
    (
        "Look after runs",
        (
            ("status", "Show what is done, failed, in doubt, lost and spent."),
            ("export", "Write what was bought, an image a row, or a client's bill."),
            ("report", "Make a page of all results, before and after, suspects first."),
            ("check", "Measure images against what marketplaces ask for."),
            ("verify", "Prove by a lock that nothing is to be bought, altered or missing."),
            ("resolve", "List the images in doubt or lost, or settle them."),
            ("reconcile", "Compare the account's balance with what was charged."),
            ("clean", "Show what runs have left in an output folder, and free it."),
            ("redo", "Buy results once more on purpose, the price said first."),
        ),
    ),
    (
        "Use the results",
        (
            ("render", "Make variants of results by recipes: sizes, backgrounds, formats."),
            ("recipes", "List the recipes that ship with render, or print them."),
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

PANELS: Final = (
    *("Arguments", "Output", "Inputs", "Without spending", "Results", "Money", "Service", "Pace"),
    *("Messages", "In CI", "Options"),
)
"""The groups of options, in the order in which people need them."""
FIRST: Final[dict[str, tuple[str, ...]]] = {
    "run": (
        *("--out", "--local", "--test", "--background-color", "--crop-to-foreground", "--target-size"),
        *("--output-format", "--max-credits", "--concurrency-max"),
    ),
    "plan": ("--out", "--calibrate", "--local", "--json"),
    "config": ("--json",),
    "check": ("--profile", "--list", "--strict", "--json", "--junit"),
    "verify": ("--lock", "--json", "--quiet"),
    "serve": ("--port", "--engine", "--weather", "--latency", "--fail-rate", "--api-id"),
}
"""Command -> the options of its short page; a command that is not here shows all it has, where they are few."""

_HEAD: Final = """\
Usage: pixian-batch INPUT... --out DIR [OPTIONS]
       pixian-batch COMMAND [OPTIONS]

Folders of photos through the Pixian.AI background-removal API, without wasting
a credit.
"""
_EXAMPLES: Final = """\
Examples:
  pixian-batch ./photos --out ./cut --local            no account, no cost
  pixian-batch plan ./photos --out ./cut               what it would cost
  pixian-batch ./photos --out ./cut --max-credits 100  never spends more
"""
_SHORT_FOOT: Final = """\
The options that matter most: pixian-batch run -h; all: pixian-batch run --help
One command: pixian-batch COMMAND -h; all about this tool: pixian-batch --help
"""
_FOOT: Final = """\
Options:
  -h                    The short page; after a command, the command's own.
  --help                This page; after a command, all of its options.
  -V, --version         Show the version.
  --profile NAME        Use this profile of the configuration files.
  --config FILE         Read this configuration file in place of the usual ones;
                        none: read no file.
  --install-completion  Install completion for the current shell.
  --show-completion     Print the completion script; of another shell: its name.

Environment:
  PIXIAN_API_ID, PIXIAN_API_SECRET   the account; or keep it: pixian-batch login
  PIXIAN_BATCH_MAX_CREDITS           --max-credits, and so on for every option
  NO_COLOR, FORCE_COLOR              without colours, with colours

Exit codes:
  0 all done   2 wrong command line, nothing spent   3 some images failed
  4 credentials   5 out of credits   6 budget reached   7 the service gave up
  8 disk   9 its time is over   10 images wait for a decision
  11 the ledger is in use
  13 images do not comply (check), or are not as locked (verify)
  128 and more: stopped by a signal   1 an error of ours

The first word is a command, or `run` is meant. A folder named like a command:
write ./plan. All options of a run: pixian-batch run --help
"""


def _commands() -> list[str]:
    width = max(map(len, LINES))
    return [
        f"{title}:\n" + "".join(f"  {name:<{width}}  {line}\n" for name, line in commands)
        for title, commands in GROUPS
    ]


def page() -> str:
    """What `pixian-batch --help` prints."""
    return "\n".join([_HEAD, *_commands(), _FOOT, _EXAMPLES])


def short_page() -> str:
    """What `pixian-batch` alone and `pixian-batch -h` print."""
    return "\n".join([_HEAD, _EXAMPLES, *_commands(), _SHORT_FOOT])
