"""`pixian-batch redo`: buy results once more, on purpose. What it may cost is said before anything is spent."""

from __future__ import annotations

from pixian_batch.cli.options import RunOptions
from pixian_batch.cli.taking import takes


@takes(RunOptions)
def redo(options: RunOptions) -> None:
    """Buy the results of these photos once more, for the price that is said first; the old ones are kept.

    Takes the options of the run that bought them. Asks at a terminal; elsewhere it needs --yes.

    Examples:
      pixian-batch redo photos/cat.jpg --out ./cut
      pixian-batch redo photos/cat.jpg photos/dog.jpg --out ./cut --yes
      pixian-batch redo --files-from reject.txt --out ./cut
    """
    from pixian_batch.cli.redoing import begin  # not for the help

    begin(options)
