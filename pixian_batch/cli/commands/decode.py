"""`pixian-batch decode`: a Delta PNG and its original -> the full PNG, exactly."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from pixian_batch.cli.options import option
from pixian_batch.cli.shared import fail
from pixian_batch.policy.disk import system_word
from pixian_batch.policy.stopping import Exit

if TYPE_CHECKING:
    from pixian_batch.adapters.landing import DiskError
    from pixian_batch.contract.params import Size

Original = Annotated[str, typer.Argument(metavar="ORIGINAL", help="The photo, as it was sent.")]
Delta = Annotated[str, typer.Argument(metavar="DELTA", help="The Delta PNG that came for it.")]
Out = Annotated[str, option("--out", "The PNG to write.", "-o", only="decode", metavar="OUT")]
Orientation = Annotated[
    int | None,
    option(
        "--orientation",
        "What X-Input-Orientation said; the photo's own EXIF orientation unless told.",
        min=1,
        max=8,
        metavar="N",
    ),
]
Unproven = Annotated[
    bool,
    option(
        "--unproven",
        "Also from a photo whose pixels may be read otherwise than by the service: look at the result.",
    ),
]
Overwrite = Annotated[bool, option("--overwrite", "Replace OUT if it is there.", only="decode")]


def decode(
    original: Original,
    delta: Delta,
    out: Out,
    *,
    orientation: Orientation = None,
    unproven: Unproven = False,
    overwrite: Overwrite = False,
) -> None:
    """Rebuild the full PNG from a photo and its Delta PNG. Exact, offline, free.

    Ends with 2 for names that cannot be meant, 3 for pictures that do not give a result, 8 for the disk.

    Example: pixian-batch decode photo.jpg photo.delta.png -o photo.png
    """
    _check(original, delta, out, overwrite=overwrite)
    content = _rebuilt(original, delta, orientation, unproven=unproven)
    error = _write(content, out, overwrite=overwrite)
    if isinstance(error, FileExistsError):
        _refuse_to_replace(out)
    if error is not None:
        fail(str(error), "check the path, its rights and the free room", code=Exit.DISK)


def _check(original: str, delta: str, out: str, *, overwrite: bool) -> None:
    """End the command for names that cannot be meant."""
    from pixian_batch.adapters.walking.spelling import did_you_mean  # not for --help

    for name, what in ((original, "photo"), (delta, "Delta PNG")):
        if not os.path.isfile(name):
            hint = did_you_mean(name, f"name the {what} itself")
            fail(f"{name}: there is no such file", hint, code=Exit.USAGE)
        if os.path.exists(out) and os.path.samefile(name, out):
            fail(f"{out} is the {what} itself", "name another file with -o", code=Exit.USAGE)
    if os.path.isdir(out):
        fail(f"{out} is a folder", "name the file: -o cut.png", code=Exit.USAGE)
    if os.path.lexists(out) and not overwrite:
        _refuse_to_replace(out)


def _refuse_to_replace(out: str) -> None:
    fail(f"{out} is there already", "name another file, or use --overwrite", code=Exit.USAGE)


def _rebuilt(original: str, delta: str, orientation: int | None, *, unproven: bool) -> bytes:
    from pixian_batch.adapters.landing.rebuilding import RebuildError, rebuild_files  # not for --help
    from pixian_batch.imaging.errors import DeltaMismatchError, UnprovenLayoutError

    try:
        return rebuild_files(original, delta, orientation=orientation, unproven=unproven)
    except RebuildError as error:
        match error.__cause__:
            case DeltaMismatchError() as mismatch:
                fail(str(error), _advice(mismatch.original, mismatch.delta), code=Exit.SOME_FAILED)
            case UnprovenLayoutError():
                advice = "add --unproven to rebuild it all the same, and look at the result"
                fail(str(error), advice, code=Exit.SOME_FAILED)
            case OSError() as refusal:
                message = f"{refusal.filename or original}: {system_word(refusal)}"
                fail(message, "give this user the right to read it", code=Exit.SOME_FAILED)
            case _:
                advice = "the order is: decode ORIGINAL DELTA; open both in an image viewer"
                fail(str(error), advice, code=Exit.SOME_FAILED)


def _advice(original: Size, delta: Size) -> str:
    if (delta.width, delta.height) == (original.height, original.width):
        return "they differ by a quarter turn: give what X-Input-Orientation said as --orientation"
    return "take the photo exactly as it was sent: not resized, not turned"


def _write(content: bytes, out: str, *, overwrite: bool) -> DiskError | FileExistsError | None:
    """Write beside, sync, move into place; what kept it from that."""
    import asyncio

    from pixian_batch.adapters.landing import DiskError, Landing  # not for --help

    folder, name = os.path.split(out)
    landing = Landing(folder or ".")
    beside = os.path.join(folder or ".", f".pixian-{os.getpid()}.part")

    try:
        os.makedirs(folder or ".", exist_ok=True)
        asyncio.run(landing.write(content, beside))
        if not overwrite and os.path.lexists(out):  # it came while we were at work
            landing.remove(beside)
            return FileExistsError(out)
        asyncio.run(landing.put(beside, name))
    except DiskError as error:
        landing.remove(beside)
        return error
    except OSError as error:
        return DiskError(out, error)
    return None
