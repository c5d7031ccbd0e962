"""The options that say where results and the ledger go, how results are named, and what they keep of their photos."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pixian_batch.cli.declaring import choice, default, in_panel, text
from pixian_batch.cli.values import byte_size
from pixian_batch.policy.naming import OnCollision

_OUTPUTS = "Output"


@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """Where results and the ledger go."""

    out: Annotated[
        str,
        in_panel(
            _OUTPUTS,
            "--out",
            "Where the results go; the tree of the inputs is mirrored. For one photo also a file; - is standard output.",
            "-o",
            metavar="DIR",
        ),
    ]
    name: Annotated[
        str | None,
        text(
            _OUTPUTS,
            "--name",
            "TEMPLATE",
            "Name the results: '{stem}-cut.{ext}'; also {folder} {suffix} {counter} {date} {hash}.",
        ),
    ] = None
    flat: Annotated[
        bool, in_panel(_OUTPUTS, "--flat", "All results in one folder, whatever folders the photos are in.")
    ] = False
    on_collision: Annotated[
        str,
        choice(
            _OUTPUTS,
            "--on-collision",
            OnCollision,
            "Of photos whose results want one name, the later ones: get a number, fail, or are passed by.",
        ),
    ] = "fail"
    keep_dates: Annotated[
        bool, in_panel(_OUTPUTS, "--keep-dates", "Give each result the date of its photo's last change.")
    ] = False
    keep_metadata: Annotated[
        bool,
        in_panel(
            _OUTPUTS,
            "--keep-metadata",
            "Put the photo's caption, copyright, dates, DPI and XMP into its result.",
        ),
    ] = False
    keep_master: Annotated[
        bool,
        in_panel(
            _OUTPUTS,
            "--keep-master",
            "Buy the full transparent picture, keep it, and draw from it what is asked for: other sizes are free then.",
        ),
    ] = False
    overwrite: Annotated[
        bool, in_panel(_OUTPUTS, "--overwrite", "Replace files that this tool did not make.")
    ] = False
    ledger: Annotated[
        str | None,
        text(_OUTPUTS, "--ledger", "PATH", "The ledger; DIR/.pixian-batch/ledger.db unless told."),
    ] = None
    min_free: Annotated[
        int,
        in_panel(
            _OUTPUTS,
            "--min-free",
            "Stop before the disk has less room than this.",
            parser=byte_size,
            metavar="SIZE",
        ),
    ] = default("100MB", byte_size)
