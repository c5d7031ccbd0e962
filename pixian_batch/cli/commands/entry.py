"""`run` and `plan` as the parser sees them. What they do, with all it needs, is loaded when they are called."""

from __future__ import annotations

from pixian_batch.cli.options import PlanOptions, RunOptions
from pixian_batch.cli.taking import takes


@takes(RunOptions)
def run(options: RunOptions) -> None:
    """Cut out photos: send them through, write the results, skip what is done.

    Examples:
      pixian-batch ./photos --out ./cut --local
      pixian-batch ./photos --out ./cut --concurrency-max 40
      pixian-batch ./photos --out ./cut --max-credits 100 --json > log.jsonl
      pixian-batch ./photos --out ./cut --only-failed
      find photos -name '*.jpg' -print0 | pixian-batch --files-from - -0 --out ./cut
    """
    from pixian_batch.cli.commands.run import begin  # not for the help

    begin(options)


@takes(PlanOptions)
def plan(options: PlanOptions) -> None:
    """Say what a run would do and cost, and spend nothing.

    Examples:
      pixian-batch plan ./photos --out ./cut
      pixian-batch plan ./photos --out ./cut --calibrate 5
    """
    from pixian_batch.cli.commands.plan import begin  # not for the help

    begin(options)
