"""What later steps and jobs read of a run: a few values by name. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pixian_batch.display.text import plain_decimal

if TYPE_CHECKING:
    from pixian_batch.policy.progress import Summary


def outputs(summary: Summary) -> dict[str, str]:
    """Name -> value, each of one line. changed: whether a result was made; in-doubt: lost ones are among them."""
    tally = summary.tally
    return {
        "changed": str(tally.done + tally.duplicates > 0).lower(),
        "done": str(tally.done),
        "skipped": str(tally.skipped),
        "duplicates": str(tally.duplicates),
        "failed": str(tally.failed),
        "in-doubt": str(tally.undecided),
        "credits": plain_decimal(tally.credits_charged),
        "exit-code": str(int(summary.exit_code)),
    }


def dotenv(values: dict[str, str]) -> str:
    """`PIXIAN_DONE=12` a line, for GitLab's `artifacts:reports:dotenv`. Never PIXIAN_BATCH_*: those are options."""
    return "".join(f"PIXIAN_{name.upper().replace('-', '_')}={value}\n" for name, value in values.items())
