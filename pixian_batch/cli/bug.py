"""An error of ours becomes a file that is ready for a report."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
import tempfile
import traceback
from typing import TYPE_CHECKING, Final

from pixian_batch import __version__
from pixian_batch.cli.configuration.files import working_folder
from pixian_batch.cli.telling import tell_error
from pixian_batch.policy.stopping import Exit

if TYPE_CHECKING:
    from pixian_batch.pipeline.spec import Outputs

_PLEASE: Final = "please report it, with what you ran; what was bought is in the ledger"


def tell(error: Exception) -> int:
    """Say what ended a command that did not expect it; the exit code."""
    if isinstance(error, FileNotFoundError) and working_folder() is None:
        tell_error("the working folder was removed", "cd to one that is there, or give absolute paths")
        return Exit.USAGE
    tell_error(f"internal error; {write_report(error)}", _PLEASE)
    return Exit.BUG


def write_report(bug: Exception, outputs: Outputs | None = None) -> str:
    """Write the traceback beside the ledger (or in the temporary folder); where it is, as a sentence."""
    text = f"pixian-batch {__version__}, Python {sys.version}, {platform.platform()}\n\n"
    text += "".join(traceback.format_exception(bug))
    credentials = sys.modules.get("pixian_batch.adapters.credentials")  # not loaded: no secret was ever read
    if credentials is not None:
        text = credentials.hide_secrets(text)
    beside = [os.path.dirname(outputs.ledger)] if outputs else []
    with contextlib.suppress(FileNotFoundError):  # no such folder can be written
        beside.append(tempfile.gettempdir())
    for folder in beside:
        path = os.path.join(folder, f"bug-{os.getpid()}.log")
        try:
            # x: in the temporary folder the name may be somebody else's link.
            with open(path, "x", encoding="utf-8", errors="backslashreplace") as stream:
                stream.write(text)
        except OSError:
            continue
        return f"a report is in {path}"
    return f"no report could be written: {bug!r}"
