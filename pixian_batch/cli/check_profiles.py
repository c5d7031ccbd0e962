"""`check --list`: the profiles with their numbers, their sources and the day on which these were read."""

from __future__ import annotations

import json as json_
from typing import TYPE_CHECKING, Any

from pixian_batch.cli.shared import say
from pixian_batch.display.text import printable
from pixian_batch.review.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pixian_batch.review.profiles import Profile, Rules


def show(profiles: Sequence[Profile], *, json: bool) -> None:
    """Print them."""
    if json:
        say(json_.dumps(_record(profile)) for profile in profiles)
    else:
        say(line for profile in profiles for line in _lines(profile))


def _lines(profile: Profile) -> Iterator[str]:
    yield printable(f"{profile.name}: {profile.title}" if profile.title else profile.name)
    for severity, rules in (("error", profile.errors), ("warning", profile.warnings)):
        for name, value in rules:
            yield f"  {severity:<8}{name:<18}{RULES[name].demanded(value)}"
    if profile.recipe:
        yield printable(f"  recipe    {profile.recipe}")
    checked = f", read {profile.checked}" if profile.checked else ""
    for source in profile.sources:
        yield printable(f"  source    {source}{checked}")
    yield ""


def _record(profile: Profile) -> dict[str, Any]:
    return {
        "v": 1,
        "type": "check_profile",
        "profile": profile.name,
        "title": profile.title,
        "error": _demands(profile.errors),
        "warning": _demands(profile.warnings),
        "recipe": profile.recipe,
        "sources": list(profile.sources),
        "checked": None if profile.checked is None else profile.checked.isoformat(),
    }


def _demands(rules: Rules) -> dict[str, str]:
    return {name: RULES[name].demanded(value) for name, value in rules}
