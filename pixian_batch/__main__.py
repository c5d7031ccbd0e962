"""The command's first step: answer `--version` at once, load the rest for everything else."""

from __future__ import annotations

import sys

from pixian_batch import __version__


def main() -> None:
    """The console script."""
    arguments = sys.argv[1:]
    if arguments in (["--version"], ["-V"]):
        sys.stdout.write(f"pixian-batch {__version__}\n")
        return
    try:
        from pixian_batch.cli.app import start  # not for --version

        start(arguments)
    except KeyboardInterrupt:  # while loading: nothing has begun
        sys.exit(130)


if __name__ == "__main__":
    main()
