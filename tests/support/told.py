"""What a run has told with `--json` of its images and its end, without what it tells of itself on the way."""

from __future__ import annotations

import json
from typing import Any

ENDINGS = ("image", "summary")


def endings_told(out: str) -> list[dict[str, Any]]:
    """The records of images, and the summary at last."""
    records = [json.loads(line) for line in out.splitlines()]
    return [record for record in records if record.get("type") in ENDINGS]
