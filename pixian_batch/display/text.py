"""Numbers, durations, file names and states of a run as plain text. Pure: strings only, no rich.

Nothing that comes from outside (file names, the service's messages) may reach a terminal except through
`printable`.
"""

from __future__ import annotations

import math
import unicodedata
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from pixian_batch.display.streams import STAND_INS
from pixian_batch.policy.stopping import Exit
from pixian_batch.policy.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from pixian_batch.policy.outcome import Problem
    from pixian_batch.policy.progress import Backoff, Flow, Outage, Snapshot
    from pixian_batch.policy.tally import Tally

_CENT: Final = Decimal("0.01")
_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_LONGEST: Final = 3650 * _DAY
_SHOWN_DECIMALS: Final = 2
_FINE_BELOW: Final = 10
"""Rates below this are shown with one decimal."""

MOST_PRINTED: Final = 1000
"""Characters of a name or a message on a screen."""
_ASCII: Final = str.maketrans(STAND_INS)


def ascii_only(text: str) -> str:
    """`text` with our own punctuation in ASCII, for terminals that are not UTF-8."""
    return text.translate(_ASCII)


# --- names and messages --------------------------------------------------------------------------


def printable(text: str, width: int = MOST_PRINTED, *, measure: Callable[[str], int] = len) -> str:
    r"""`visible`, shortened in the middle to `width`: nothing that comes from outside may flood a screen.

    measure: columns of a text.
    """
    return shortened(visible(shortened(text, MOST_PRINTED)), width, measure=measure)


def visible(text: str) -> str:
    r"""`text` on one line without anything a terminal would interpret, however long: for programs and for copying.

    Control characters, line breaks, bidi and other invisible controls are shown as `\x1b` or `\u202e`;
    bytes of a name that is not UTF-8 (surrogate escapes) as `\xff`.
    """
    return text if text.isprintable() else "".join(_visible(char) for char in text)


_SURROGATE_BYTES: Final = range(0xDC80, 0xDD00)


def _visible(char: str) -> str:
    if char.isprintable() or unicodedata.category(char) == "Zs":  # spaces of all kinds are harmless
        return char
    code = ord(char)
    if code in _SURROGATE_BYTES:
        return f"\\x{code - 0xDC00:02x}"
    if code <= 0xFF:  # one byte
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # two bytes


def name_bytes(name: str) -> bytes:
    """The bytes of a name as the file system has them."""
    try:
        return name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a lone surrogate, which Windows allows in names, and any text may hold
        return name.encode("utf-8", "surrogatepass")


def shortened(text: str, width: int, *, measure: Callable[[str], int] = len) -> str:
    """`text` in at most `width` columns; what does not fit is taken out of the middle."""
    if measure(text) <= width:
        return text
    if width < 1:
        return ""
    # The end of a path tells more than its middle: it gets the odd column.
    head = _fitting(text, (width - 1) // 2, measure)
    tail = _fitting(text[::-1], width - 1 - measure(head), measure)[::-1]
    return f"{head}…{tail}"


def _fitting(text: str, width: int, measure: Callable[[str], int]) -> str:
    """The longest beginning of `text` in at most `width` columns."""
    end = min(len(text), width)
    while measure(text[:end]) > width:
        end -= 1
    return text[:end]


def problem_text(problem: Problem) -> str:
    """What happened and what to do about it, on one line."""
    return with_hint(problem.message, problem.hint)


def with_hint(message: str, hint: str) -> str:
    """`message — hint`, printable."""
    message = printable(message).strip()
    return f"{message.rstrip('.')} — {printable(hint)}" if hint else message


# --- numbers -------------------------------------------------------------------------------------


def count(number: int) -> str:
    """`1,234,567`."""
    return f"{number:,}"


def images(number: int) -> str:
    """`1 image`, `1,234 images`."""
    return f"{number:,} image{'' if number == 1 else 's'}"


def plain_decimal(amount: Decimal) -> str:
    """A decimal string for programs: no exponent, no separators, digits as the service gave them."""
    return f"{amount:f}"


def credit_amount(amount: Decimal) -> str:
    """`3,086.25` for people: two decimals, more where there are more, never an exponent."""
    exponent = amount.normalize().as_tuple().exponent
    decimals = -exponent if isinstance(exponent, int) else 0
    return f"{amount:,.{max(_SHOWN_DECIMALS, decimals)}f}"


def percent(done: int, total: int) -> float:
    """0.0 to 100.0 in tenths; rounded down, so that 100.0 means all."""
    return 100.0 if done >= total else max(0, done) * 1000 // total / 10


def duration(seconds: float) -> str:
    """`03:12`, `1:02:03`, `2 d 3 h`."""
    whole = _whole(seconds)
    if whole >= _DAY:
        return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"
    minutes, rest = divmod(whole, _MINUTE)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if whole >= _HOUR else f"{minutes:02}:{rest:02}"


def about(seconds: float) -> str:
    """A coarse duration that does not flicker: `about 40 s`, `about 12 min`, `about 2 h 10 min`."""
    whole = _whole(seconds)
    if whole >= _DAY:
        days, hours = divmod(_rounded(whole, _HOUR) // _HOUR, 24)
        return f"about {days} d {hours} h" if hours else f"about {days} d"
    if whole >= _HOUR:
        hours, minutes = divmod(_rounded(whole, 5 * _MINUTE) // _MINUTE, 60)
        return f"about {hours} h {minutes} min" if minutes else f"about {hours} h"
    if whole > _MINUTE + _MINUTE // 2:
        return f"about {_rounded(whole, _MINUTE) // _MINUTE} min"
    return f"about {max(5, _rounded(whole, 5))} s"


def rate(per_second: float) -> str:
    """`3.4/s`, `12/min` when slow, `3.0/h` when very slow; empty when nothing moves."""
    if not math.isfinite(per_second) or per_second <= 0:
        return ""
    for unit, factor in (("s", 1), ("min", _MINUTE), ("h", _HOUR)):
        number = per_second * factor
        if number >= 1 or unit == "h":
            break
    return f"{number:.1f}/{unit}" if number < _FINE_BELOW else f"{number:,.0f}/{unit}"


def _whole(seconds: float) -> int:
    if math.isnan(seconds):
        return 0
    return int(min(max(0.0, seconds), _LONGEST))


def _rounded(number: int, step: int) -> int:
    return (number + step // 2) // step * step


# --- a run ---------------------------------------------------------------------------------------


def known_eta(snapshot: Snapshot) -> float | None:
    """The snapshot's estimate, where it says something."""
    eta = snapshot.eta
    useful = eta is not None and math.isfinite(eta) and 0 < eta < _LONGEST
    return eta if useful and snapshot.stop is None and not snapshot.paused else None


def file_size(number: float) -> str:
    """`1.24 GB`, `12.3 MB`, `430 kB`."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6)):
        if number >= factor:
            decimals = 2 if unit == "GB" else 1
            return f"{number / factor:,.{decimals}f} {unit}"
    return f"{number / 1000:,.0f} kB"


def flow_facts(flow: Flow) -> list[str]:
    """What has moved on the wire: `up 12.3 MB/s, 1.24 GB`, `down ...`; nothing before the first byte."""
    ways = [("up", flow.up, flow.up_rate), ("down", flow.down, flow.down_rate)]
    return [
        f"{way} {file_size(rate)}/s, {file_size(number)}" if rate >= 1 else f"{way} {file_size(number)}"
        for way, number, rate in ways
        if number
    ]


def backoff_reason(backoff: Backoff) -> str:
    """Why workers rest, in a few words."""
    match backoff.why:
        case Verdict.THROTTLED:
            return "429, slow down"
        case Verdict.NOT_SENT:
            return "no connection"
        case _:
            return f"HTTP {backoff.status}" if backoff.status not in {None, 200} else "no whole answer"


def backoff_facts(backoff: Backoff) -> list[str]:
    """`4 workers: 429, slow down`, `41 times in 02:10`, `the first sends again in 8 s`."""
    workers = f"{backoff.workers:,} worker{'' if backoff.workers == 1 else 's'}"
    times = f"{backoff.times:,} times" if backoff.times > 1 else "once"
    return [
        f"{workers}: {backoff_reason(backoff)}",
        f"{times} in {duration(backoff.seconds)}",
        f"the first sends again in {duration(backoff.next_in)}",
    ]


def credit_facts(tally: Tally, *, free: bool) -> list[str]:
    """What was charged, or would have been, e.g. `3,086.25 credits charged`."""
    facts = ["free"] if free else [f"{credit_amount(tally.credits_charged)} credits charged"]
    if tally.credits_calculated:
        facts.append(f"{credit_amount(tally.credits_calculated)} credits calculated")
    if not free and (doubt := doubtful_credits(tally.credits_in_doubt, tally.doubts_unpriced)):
        facts.append(f"{doubt} in doubt")
    return facts


def to_decide(in_doubt: int, lost: int) -> str:
    """What waits for a decision, by its words: `2 images in doubt`, `1 image lost`, `2 images in doubt and 1 lost`."""
    if not lost:
        return f"{images(in_doubt)} in doubt"
    return f"{images(in_doubt)} in doubt and {lost:,} lost" if in_doubt else f"{images(lost)} lost"


def doubtful_credits(at_most: Decimal, unpriced: int) -> str:
    """What images in doubt can have cost, where `unpriced` of them may have cost anything; empty when nothing."""
    known = f"at most {credit_amount(at_most)} credits" if at_most else ""
    unknown = f"the unknown cost of {images(unpriced)}" if unpriced else ""
    return " and ".join(filter(None, [known, unknown]))


def credit_pace(snapshot: Snapshot) -> list[str]:
    """How fast credits go and what the run will have cost at its end: `12.50 a minute`, `about 250.00 at the end`."""
    tally = snapshot.tally
    bought = tally.done - tally.repaired - tally.credits_unknown
    if snapshot.free or bought <= 0 or not tally.credits_charged:
        return []
    each = tally.credits_charged / bought
    facts = []
    if snapshot.per_second > 0:
        per_minute = each * Decimal(snapshot.per_second * _MINUTE)
        facts.append(f"{credit_amount(per_minute.quantize(_CENT))} a minute")
    if snapshot.counted and snapshot.found > tally.ended and snapshot.stop is None:
        at_the_end = tally.credits_charged + each * (snapshot.found - tally.ended)
        facts.append(f"about {credit_amount(at_the_end.quantize(_CENT))} at the end")
    return facts


def outcome_facts(tally: Tally, *, all_of_them: bool = True) -> list[str]:
    """`12,000 done`, `2 failed`, ...: what is zero is left out, but for done."""
    numbers = [
        (tally.done, "done", all_of_them),
        (tally.skipped, "skipped", all_of_them and tally.skipped),
        (tally.duplicates, "duplicates", all_of_them and tally.duplicates),
        (tally.failed, "failed", tally.failed),
        (tally.kept, "kept", tally.kept),
        (tally.in_doubt, "in doubt", tally.in_doubt),
        (tally.lost, "lost", tally.lost),
    ]
    return [f"{number:,} {word}" for number, word, wanted in numbers if wanted]


def state(snapshot: Snapshot) -> str:
    """A sentence when the run is stopping or paused; empty while all is well."""
    stop = snapshot.stop
    if stop is not None:
        landing = f"nothing new is sent, {images(snapshot.busy)} in flight "
        landing += "is being finished" if snapshot.busy == 1 else "are being finished"
        rest = landing if snapshot.busy else "nothing is in flight any more"
        again = "; Ctrl-C again stops at once" if stop.cause is Exit.SIGINT and snapshot.busy else ""
        return f"stopping: {printable(stop.message)}; {rest}{again}"
    return _paused(snapshot.outage) if snapshot.paused else ""


def _paused(outage: Outage | None) -> str:
    since = f" for {duration(outage.seconds)}" if outage is not None else ""
    answer = f"; the last answer: {printable(outage.answer).strip()}" if outage and outage.answer else ""
    return f"paused{since}: the service fails for every image; one at a time is tried until it answers again{answer}"


def one_line(snapshot: Snapshot) -> str:
    """The whole state on one plain line."""
    ended = snapshot.tally.ended
    if snapshot.counted:
        total = max(snapshot.found, ended)
        share = f" ({percent(ended, total):.1f} %)" if total else ""
        facts = [f"{count(ended)} of {images(total)}{share}"]
    else:
        facts = [f"{images(ended)}, still counting: {count(max(snapshot.found, ended))} so far"]
    facts.append(rate(snapshot.per_second))
    eta = known_eta(snapshot)
    facts.append(f"{about(eta)} left" if eta is not None else "")
    facts += credit_facts(snapshot.tally, free=snapshot.free)
    facts.append(f"{snapshot.busy} busy")
    facts.append(_backing_off(snapshot))
    facts += outcome_facts(snapshot.tally, all_of_them=False)
    facts += flow_facts(snapshot.flow)
    facts.append(state(snapshot))
    return ", ".join(fact for fact in facts if fact)


def _backing_off(snapshot: Snapshot) -> str:
    why = "; ".join(
        f"{backoff_reason(one)}: {one.times:,} times in {duration(one.seconds)}" for one in snapshot.backoffs
    )
    if not snapshot.resting:
        return ""
    return f"{snapshot.resting} backing off" + (f" ({why})" if why else "")
