"""Questions to a person at a terminal: before a dear run, and about images in doubt. Never anywhere else.

A question goes to standard error, its answer comes from standard input; both have to be terminals.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from pixian_batch.cli.commands.status import doubt_line
from pixian_batch.display.text import credit_amount, images
from pixian_batch.policy.forecast import Fate
from pixian_batch.policy.retry import Decision

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pixian_batch.cli.commands.plan import Plan
    from pixian_batch.pipeline.stop_sign import StopSign
    from pixian_batch.policy.record import Standing

_SHOWN: Final = 20
_LONGEST_ANSWER: Final = 1024
_DECISIONS: Final = {
    "": Decision.HOLD,
    "h": Decision.HOLD,
    "hold": Decision.HOLD,
    "r": Decision.RESEND,
    "resend": Decision.RESEND,
    "q": Decision.QUIT,
    "quit": Decision.QUIT,
}


def at_terminal() -> bool:
    """Whether there is a person to ask."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


@dataclass(frozen=True, slots=True)
class DoubtQuestion:
    """`await question(doubts)`: what to do about images in doubt. The stop sign ends the waiting: hold."""

    stop: StopSign

    async def __call__(self, doubts: Sequence[Standing]) -> Decision:
        """Ask until the answer is one of the three. An end of input is `quit`."""
        _tell(_doubt_lines(doubts))
        while True:
            _tell(["[h]old them (default), [r]esend them, [q]uit? "], end="")
            answer = await _answer(self.stop)
            if answer is None:
                _tell([""])
                return Decision.HOLD if self.stop.up else Decision.QUIT
            if (decision := _DECISIONS.get(answer.strip().lower())) is not None:
                return decision


def _doubt_lines(doubts: Sequence[Standing]) -> list[str]:
    """What the decision is about: each image's input, time and highest price."""
    lines = [
        f"{images(len(doubts))} may have been charged without a result:",
        *(f"  {doubt_line(item)}" for item in doubts[:_SHOWN]),
    ]
    if len(doubts) > _SHOWN:
        lines.append(f"  ... and {len(doubts) - _SHOWN:,} more")
    if prices := [item.at_most for item in doubts if item.at_most is not None]:
        most = credit_amount(sum(prices, start=Decimal()))
        lines.append(f"sent again, they may cost up to {most} credits once more")
    return lines


async def _answer(stop: StopSign) -> str | None:
    """A line from the terminal; None at its end, or when the stop sign goes up first."""
    loop = asyncio.get_running_loop()
    line: asyncio.Future[str] = loop.create_future()

    def read() -> None:
        text = _read_line()
        # The loop may be gone: the thread stays in its read until the process ends.
        if not loop.is_closed():
            loop.call_soon_threadsafe(_give, line, text)

    threading.Thread(target=read, name="answer", daemon=True).start()
    raised = asyncio.ensure_future(stop.wait())
    waiting: set[asyncio.Future[Any]] = {line, raised}
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        raised.cancel()
    if not line.done():
        line.cancel()
        return None
    return line.result() or None


def _give(line: asyncio.Future[str], text: str) -> None:
    if not line.done():
        line.set_result(text)


def _read_line() -> str:
    """One line, or nothing at the end of input. Past Python's buffer, whose lock would outlive the program."""
    try:
        return os.read(sys.stdin.fileno(), _LONGEST_ANSWER).decode("utf-8", "replace")
    except OSError:
        return ""


def may_replace(plan: Plan) -> bool:
    """Ask about a run that would replace bought results; True: go on."""
    from pixian_batch.cli.commands.plan import at_hand_sentence, replaces_sentence  # only where it is asked

    total, expected = plan.total, plan.credits
    lines = [f"this run {replaces_sentence(total)}; these are kept, and going back to them is free"]
    if total.at_hand:
        lines.append(at_hand_sentence(total))
    if expected.unpriced:
        lines.append("what it costs is not known yet")
    elif expected.high:
        lines.append(f"buying in their place may cost up to {credit_amount(expected.high)} credits")
    _tell([*lines, "Replace them? [y/N] "], end="")
    return _is_yes()


def may_redo(plan: Plan, *, ask: bool) -> bool:
    """Say what buying once more may cost; ask about it, where there is somebody. True: go on."""
    number, expected = plan.total.fates[Fate.NEW], plan.credits
    if plan.free or not number:
        return True
    cost = f"at most {credit_amount(expected.high)} credits"
    if expected.unpriced:
        cost = "a price that is not known"
    elif expected.extrapolated:
        cost = f"about {credit_amount(expected.high)} credits, as a guess: none as large was bought"
    _tell([f"buys {images(number)} once more, for {cost}; the old results are kept"])
    if not ask:
        return True
    _tell(["Buy? [y/N] "], end="")
    return _is_yes()


def may_cost(plan: Plan, above: Decimal) -> bool:
    """Ask about a run that is expected to cost more than `above`, or of unknown cost; True: go on."""
    expected = plan.credits
    if plan.free or (expected.high <= above and not expected.unpriced):
        return True
    from pixian_batch.cli.commands.plan import plan_lines  # only where it is asked

    dear = f"it may cost more than {credit_amount(above)} credits"
    why = "its cost is not known" if expected.unpriced else dear
    _tell([*plan_lines(plan), "", f"--ask-above: {why}. Run it? [y/N] "], end="")
    return _is_yes()


def _is_yes() -> bool:
    try:
        answer = _read_line()
    except KeyboardInterrupt:
        answer = ""
        _tell([""])
    return answer.strip().lower() in {"y", "yes"}


def _tell(lines: Sequence[str], end: str = "\n") -> None:
    sys.stderr.write("\n".join(lines) + end)
    sys.stderr.flush()
