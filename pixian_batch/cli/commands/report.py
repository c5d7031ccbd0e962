"""`pixian-batch report`: a page of what was bought, before and after, the most suspect first. Also while a run goes on."""

from __future__ import annotations

import json as json_
from dataclasses import dataclass
from typing import Annotated

from pixian_batch.cli.options import Json, option
from pixian_batch.cli.shared import LedgerPath, Out, say
from pixian_batch.cli.taking import takes


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """All options of `report`."""

    out: Out
    to: Annotated[
        str | None,
        option(
            "--to",
            "Where the report goes, OUT/.pixian-batch/report unless told; with --inline a file, *.html.",
            only="report",
            metavar="DIR",
        ),
    ] = None
    inline: Annotated[
        bool, option("--inline", "One file with its small pictures in it, for up to 300 images.")
    ] = False
    open: Annotated[bool, option("--open", "Open it in the browser.")] = False
    against: Annotated[
        str | None,
        option("--against", "Another output folder, to be seen side by side with this one.", metavar="OTHER"),
    ] = None
    by: Annotated[str, option("--by", "Sums by folder, day (UTC) or run.", metavar="folder|day|run")] = (
        "folder"
    )
    depth: Annotated[
        int | None, option("--depth", "With --by folder: so many levels of folders.", min=1, metavar="N")
    ] = None
    ledger: LedgerPath = None
    json: Json = False


@takes(ReportOptions)
def report(options: ReportOptions) -> None:
    """Make a page of all results, before and after, the most suspect first. Nothing is sent, nothing is spent.

    It is a folder that opens without a network: accept and reject there, and take the rejects with you as a list. Made
    again, it looks at new results only. Needs the extra `review`.

    Examples:
      pixian-batch report ./cut --open
      pixian-batch report ./cut --inline --to review.html
      pixian-batch report ./cut --against ./old
    """
    from pixian_batch.cli.reporting import make, open_in_browser, record, tell  # not for the help

    made = make(options)
    if options.json:
        say([json_.dumps(record(made))])
    else:
        tell(made)
    if options.open:
        open_in_browser(made)
