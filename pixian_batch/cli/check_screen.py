"""What `check` shows people: what each file breaks as it is found, then a table of the rules. Coloured on a terminal, else plain.

Complying files are only counted, unless everything is asked for: of 10,000 files nobody reads those.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pixian_batch.cli.shared import say, table
from pixian_batch.display.text import count, printable
from pixian_batch.review.compliance import Compliance, Severity
from pixian_batch.review.facts import ImageFacts, UnreadableFile
from pixian_batch.review.rule_values import megabytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import Console

    from pixian_batch.review.compliance import Checked, Judgement
    from pixian_batch.review.counts import CheckCounts

_WORDS: Final = {
    Compliance.COMPLIES: "complies",
    Compliance.ADVISED: "complies, with advice",
    Compliance.BREAKS: "does not comply",
    Compliance.UNREADABLE: "cannot be checked",
}
_STYLES: Final = {
    Compliance.COMPLIES: "green",
    Compliance.ADVISED: "yellow",
    Compliance.BREAKS: "bold red",
    Compliance.UNREADABLE: "bold red",
    Severity.ERROR: "red",
    Severity.WARNING: "yellow",
}
_RULE: Final = 16
_HEADS: Final = ("rule", "", "broken by", "demanded")
_Part = tuple[str, str]
"""A text and its style."""


class CheckScreen:
    """console: of a terminal; None: plain lines. verbose: complying files, too. profiles: more than one, so each is named."""

    def __init__(self, console: Console | None, *, verbose: bool, several: bool) -> None:
        self._console, self._verbose, self._several = console, verbose, several

    def told(self, checked: Checked) -> None:
        """One file by one profile."""
        if checked.status is Compliance.COMPLIES and not self._verbose:
            return
        self._line(self._head(checked))
        if isinstance(checked.facts, UnreadableFile):
            self._line([(f"    {checked.facts.reason}", ""), (f" - {checked.facts.hint}", "dim")])
        for judgement in checked.broken():
            for line in _finding(judgement):
                self._line(line)
        if self._verbose and (untold := [item.rule for item in checked.judgements if item.keeps is None]):
            self._line([(f"    not judged, as the ground is not plain: {', '.join(untold)}", "dim")])

    def finished(self, counts: Mapping[str, CheckCounts], *, strict: bool, whole: bool) -> None:
        """The table of each profile."""
        for name, counted in counts.items():
            self._line([("", "")])
            self._line(_totals(name, counted, strict=strict, whole=whole))
            self._table(list(_rows(counted)))
            if counted.untold:
                files = f"{count(max(counted.untold.values()))} files" if counted.files > 1 else "it"
                self._line(
                    [
                        (
                            f"  not judged in {files}, whose ground is not plain: {', '.join(counted.untold)}",
                            "dim",
                        )
                    ]
                )

    def _head(self, checked: Checked) -> list[_Part]:
        parts = [(_WORDS[checked.status], _STYLES[checked.status]), (f"  {printable(checked.path)}", "bold")]
        if self._several:
            parts.append((f"  {checked.profile}", "cyan"))
        if isinstance(checked.facts, ImageFacts):
            facts = checked.facts
            size = f"{facts.size.width} x {facts.size.height} px"
            parts.append((f"  {facts.format}, {size}, {megabytes(facts.bytes)}", "dim"))
        return parts

    def _line(self, parts: Iterable[_Part]) -> None:
        parts = [(printable(text) if text.strip() else text, style) for text, style in parts]
        if self._console is None:
            say(["".join(text for text, _style in parts)])
            return
        from rich.text import Text  # for a terminal

        self._console.print(Text.assemble(*parts), soft_wrap=True)

    def _table(self, rows: list[tuple[str, str, str, str]]) -> None:
        if not rows:
            return
        if self._console is None:
            # The last column is a text: it is not aligned.
            lines = table([row[:3] for row in (_HEADS, *rows)])
            say(f"  {line}  {row[3]}" for line, row in zip(lines, (_HEADS, *rows), strict=True))
            return
        from rich.table import Table  # for a terminal

        shown = Table(box=None, padding=(0, 2), header_style="dim")
        for head, justify in zip(_HEADS, ("left", "left", "right", "left"), strict=True):
            shown.add_column(head, justify=justify)  # type: ignore[arg-type]  # rich has a literal for it
        for row in rows:
            shown.add_row(*row, style=_STYLES[Severity(row[1])] if row[2] != "0" else "")
        self._console.print(shown)


def _finding(judgement: Judgement) -> list[list[_Part]]:
    where = f" at {judgement.at[0]}, {judgement.at[1]}" if judgement.at is not None else ""
    head: list[_Part] = [
        (f"    {judgement.severity.value:<8}", _STYLES[judgement.severity]),
        (f"{judgement.rule:<{_RULE}}  ", ""),
        (f"{judgement.measured}{where}", ""),
        (f" - demanded: {judgement.demanded}", "dim"),
    ]
    indent = " " * (4 + 8 + _RULE + 2)
    return [head, [(f"{indent}{judgement.advice}", "dim")]] if judgement.advice else [head]


def _totals(name: str, counts: CheckCounts, *, strict: bool, whole: bool) -> list[_Part]:
    failing, advised = counts.failing(strict=strict), counts.statuses[Compliance.ADVISED]
    files = f"{count(counts.files)} file{'' if counts.files == 1 else 's'}"
    parts: list[_Part] = [(name, "bold"), (f": {files} checked, ", "")]
    parts.append(
        (f"{count(failing)} do{'es' if failing == 1 else ''} not comply", "bold red" if failing else "green")
    )
    if advised:
        parts.append((f", {count(advised)} with advice", "yellow"))
    if not whole:
        parts.append((", and the others were not checked", "bold yellow"))
    return parts


def _rows(counts: CheckCounts) -> Iterable[tuple[str, str, str, str]]:
    """The rules, the most broken first."""
    order = sorted(counts.rules.items(), key=lambda item: (item[0][0] is Severity.WARNING, -item[1]))
    for (severity, rule), broken in order:
        yield rule, severity.value, count(broken), counts.demanded[severity, rule]
