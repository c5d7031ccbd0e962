"""An error of ours becomes a file that is ready for a report."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback
from typing import TYPE_CHECKING

from pixian_batch import __version__

if TYPE_CHECKING:
    from pixian_batch.pipeline.run import Outputs


def write_report(bug: Exception, outputs: Outputs) -> str:
    """Write the traceback beside the ledger (or in the temporary folder); where it is, as a sentence."""
    text = f"pixian-batch {__version__}, Python {sys.version}, {platform.platform()}\n\n"
    text += "".join(traceback.format_exception(bug))
    for folder in (os.path.dirname(os.path.abspath(outputs.ledger)), tempfile.gettempdir()):
        path = os.path.join(folder, f"bug-{os.getpid()}.log")
        try:
            with open(path, "w", encoding="utf-8", errors="backslashreplace") as stream:
                stream.write(text)
        except OSError:
            continue
        return f"a report is in {path}"
    return f"no report could be written: {bug!r}"
