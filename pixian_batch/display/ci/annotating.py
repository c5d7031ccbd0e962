"""Which annotations a run gets: nine of a level at most and one that counts the rest, as GitHub drops what is above ten.

Each cause has its first image before any has its second. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from pixian_batch.display.ci.commands import AnnotationLevel
from pixian_batch.display.ci.concerns import ConcernKind
from pixian_batch.display.text import images, printable, with_hint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pixian_batch.display.ci.concerns import Cause, Concern
    from pixian_batch.policy.progress import Message
    from pixian_batch.policy.stopping import Stop

SHOWN: Final = 9
"""Of each level; the tenth counts the rest."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """input: the image's name as the run has it; empty where it is about none."""

    level: AnnotationLevel
    title: str
    message: str
    input: str = ""


def annotations_of(
    stop: Stop | None, messages: Sequence[Message], causes: Sequence[Cause]
) -> list[Annotation]:
    """In the order in which they are to be told. messages: errors of the run itself, which are few."""
    stopped = [] if stop is None else [_note("pixian-batch stopped", stop.message, stop.hint)]
    told = [_note("pixian-batch", message.text, message.hint) for message in messages]
    errors = [cause for cause in causes if cause.kind is not ConcernKind.SUSPECT]
    suspects = [cause for cause in causes if cause.kind is ConcernKind.SUSPECT]
    return [
        *_limited([*stopped, *told], errors, AnnotationLevel.ERROR),
        *_limited([], suspects, AnnotationLevel.WARNING),
    ]


def _note(title: str, message: str, hint: str) -> Annotation:
    return Annotation(AnnotationLevel.ERROR, title, with_hint(message, hint))


def _limited(first: list[Annotation], causes: Sequence[Cause], level: AnnotationLevel) -> list[Annotation]:
    """Nine, and one for all others."""
    chosen = list(_in_turn(causes))[: max(0, SHOWN - len(first))]
    told = [*first[:SHOWN], *(_about(cause, number, level) for cause, number in chosen)]
    counts = {id(cause): sum(1 for each, _ in chosen if each is cause) for cause in causes}
    left = [(cause, cause.count - counts[id(cause)]) for cause in causes]
    rest = _rest([(cause, number) for cause, number in left if number > 0], len(first) - SHOWN)
    return [*told, Annotation(level, "pixian-batch", rest)] if rest else told


def _in_turn(causes: Sequence[Cause]) -> Iterator[tuple[Cause, int]]:
    """The first image of every cause, then the second ones, each with its number among its cause's."""
    columns = [[(cause, number) for number in range(len(cause.examples))] for cause in causes]
    for row in zip_longest(*columns):
        yield from filter(None, row)


def _about(cause: Cause, number: int, level: AnnotationLevel) -> Annotation:
    concern = cause.examples[number]
    text = f"{printable(concern.input)}: {reason(concern)}"
    if number == 0 and cause.count > 1:
        text += f" (one of {images(cause.count)} for this reason)"
    return Annotation(level, cause.kind.word, text, concern.input)


def reason(concern: Concern) -> str:
    """Why, and what to do."""
    return with_hint(concern.message, concern.hint)


def _rest(left: list[tuple[Cause, int]], messages: int) -> str:
    """`and 37 more: 30 in doubt, 7 failed`; empty when nothing is left."""
    counts = {
        kind: sum(number for cause, number in left if cause.kind is kind)
        for kind in ConcernKind
        if any(cause.kind is kind for cause, _ in left)
    }
    facts = [f"{number:,} {_word(kind, number)}" for kind, number in counts.items()]
    facts += [f"{messages:,} messages"] if messages > 0 else []
    total = sum(counts.values()) + max(0, messages)
    return f"and {total:,} more: {', '.join(facts)}; the summary and --junit name them" if facts else ""


def _word(kind: ConcernKind, number: int) -> str:
    if kind is ConcernKind.SUSPECT:
        return "result to be looked at" if number == 1 else "results to be looked at"
    return kind.word
