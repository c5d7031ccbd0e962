"""The command's first step: answer `--version` at once, load the rest for everything else."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from pixian_batch import __version__
from pixian_batch.display import streams


def main() -> None:
    """The console script."""
    _use_utf8()
    streams.prepare()
    sys.exit(streams.finish(_code_of(sys.argv[1:])))


def _use_utf8() -> None:
    """Begin again in Python's UTF-8 mode where the locale is of another kind: names must be the same in all of them."""
    if sys.getfilesystemencoding() == "utf-8":
        return
    import locale  # such locales are rare

    os.environ.setdefault("PYTHONIOENCODING", locale.getencoding())
    with suppress(OSError):
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606  # the same command once more


def _code_of(arguments: list[str]) -> int:
    """Run the command line; its exit code."""
    if arguments in (["--version"], ["-V"]):
        sys.stdout.write(f"pixian-batch {__version__}\n")
        return 0
    if os.environ.get("GITHUB_ACTIONS") == "true":
        from pixian_batch.display.ci.guarding import guard_standard_error  # only there

        guard_standard_error()
    try:
        from pixian_batch.cli.app import start  # not for --version

        start(arguments)
    except KeyboardInterrupt:  # while loading: nothing has begun
        return 130
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    return 0


if __name__ == "__main__":
    main()
