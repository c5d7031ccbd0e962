"""Paths of the command line that lead nowhere: said before anything is made, with the one that was probably meant."""

from __future__ import annotations

import glob
import os
from typing import TYPE_CHECKING, Final

from pixian_batch.adapters.walking import Trouble, Walker, WalkRules
from pixian_batch.adapters.walking.spelling import did_you_mean
from pixian_batch.cli.mistakes import MistakeError

if TYPE_CHECKING:
    from pixian_batch.pipeline.inputs import Inputs

_NEVER_MISSING: Final = ("http://", "https://")
_SHOWN: Final = 3


def check_inputs(inputs: Inputs) -> None:
    """Raise `MistakeError` when nothing that was named is there. If only some is missing, the run names it and goes on."""
    missing = [path for path in inputs.paths if not _is_there(path)]
    if inputs.listed is not None or not missing or len(missing) < len(inputs.paths):
        return
    shown = ", ".join(missing[:_SHOWN]) + (", …" if len(missing) > _SHOWN else "")
    hints = dict.fromkeys(_hint(path) for path in missing[:_SHOWN])
    raise MistakeError(f"{shown} {_trouble(missing)}", "\n".join(hints))


def check_file(path: str, option: str) -> None:
    """Raise `MistakeError` when there is no such file; what can be read without being one (a pipe) is fine."""
    if os.path.isdir(path):
        raise MistakeError(f"{option} {path}: is a folder", "name a file in it")
    if not os.path.exists(path):
        raise MistakeError(f"{option} {path}: there is no such file", did_you_mean(path))


def _is_there(path: str) -> bool:
    if path == "-" or path.startswith(_NEVER_MISSING) or os.path.exists(path):
        return True
    if os.path.lexists(path) or not glob.has_magic(path):
        return False
    walked = Walker(WalkRules(None)).walk([path])
    return not isinstance(next(walked, None), Trouble)


def _trouble(missing: list[str]) -> str:
    if all(glob.has_magic(path) and not os.path.lexists(path) for path in missing):
        return "matches no photo and no folder" if len(missing) == 1 else "match no photo and no folder"
    if len(missing) == 1 and os.path.lexists(missing[0]):
        return "is a link that leads nowhere"
    return "does not exist" if len(missing) == 1 else "do not exist"


def _hint(path: str) -> str:
    if os.path.lexists(path):
        return f"it is a link to {os.readlink(path)}" if os.path.islink(path) else "check its rights"
    if glob.has_magic(path):
        return "check the pattern; ** crosses folders"
    return did_you_mean(path)
