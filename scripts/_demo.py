"""The demo proper: an environment, then `pixian-batch docs/samples --out cut --local`."""

from __future__ import annotations

import signal
import subprocess
import sys

from scripts._setup import ROOT, SetupError, prepare, say


def main(arguments: list[str]) -> int:
    """Run the demo; further `arguments` go to pixian-batch. Returns the exit code."""
    try:
        python = prepare("local")
    except SetupError as refused:
        say(str(refused))
        return 1
    except KeyboardInterrupt:
        say("Stopped. Run this again to go on.")
        return 130
    command = ["docs/samples", "--out", "cut", "--local", *arguments]
    say(f"Running: pixian-batch {' '.join(command)}")
    sys.stdout.flush()
    # The child gets Ctrl-C too and ends in good order; a handler (not SIG_IGN, which it would inherit)
    # lets it finish its sentence.
    signal.signal(signal.SIGINT, lambda *_: None)
    code = subprocess.run([str(python), "-m", "pixian_batch", *command], cwd=ROOT, check=False).returncode
    if code == 0:
        say(f"The pictures are in {ROOT / 'cut'}")
    return code
