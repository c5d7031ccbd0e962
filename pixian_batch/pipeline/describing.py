"""The photo's own words and dates for its result, before it comes to its place. Never fails what was paid for.

The file that is renamed is whole before the rename, so the size that the ledger records is the final one, and a
run that is killed in between does it again from the body, for free.

Proved by tests/cli/test_keeping.py.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pixian_batch.adapters.landing.describing import MetadataError, date_as, describe
from pixian_batch.policy.progress import Level, Message

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_SUFFIX: Final = ".described"
_HINT: Final = "the result itself is whole"


@dataclass(frozen=True, slots=True)
class Keep:
    """What of a photo its result keeps."""

    dates: bool = False
    metadata: bool = False


def _untold(_message: Message) -> None:
    """Where nobody is told."""


@dataclass(frozen=True, slots=True)
class Describer:
    """`await describer.describe(photo, file)`."""

    keeping: Keep = field(default_factory=Keep)
    notify: Callable[[Message], None] = _untold

    @property
    def words(self) -> bool:
        """Whether each result has content of its own, even among those of one image."""
        return self.keeping.metadata

    async def describe(self, photo: str, file: str) -> str:
        """The file to be renamed in the place of `file`: itself, or one beside it with the photo's metadata."""
        if not (self.keeping.dates or self.keeping.metadata) or _is_url(photo):
            return file
        return await asyncio.to_thread(self._describe, photo, file)

    def _describe(self, photo: str, file: str) -> str:
        described = file
        try:
            if self.keeping.metadata and describe(photo, file, file + _SUFFIX):
                described = file + _SUFFIX
        except MetadataError as error:
            self._warn(photo, "metadata", error)
        self._date(photo, described)
        return described

    async def date_all(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Give files their photos' dates, (photo, file), where that is wanted."""
        if self.keeping.dates and pairs:
            await asyncio.to_thread(self._date_all, pairs)

    def _date_all(self, pairs: Sequence[tuple[str, str]]) -> None:
        for photo, path in pairs:
            if not _is_url(photo):
                self._date(photo, path)

    def _date(self, photo: str, path: str) -> None:
        try:
            if self.keeping.dates:
                date_as(photo, path)
        except MetadataError as error:
            self._warn(photo, "date", error)

    def _warn(self, photo: str, what: str, error: MetadataError) -> None:
        text = f"{photo}: its {what} could not be given to its result: {error}"
        self.notify(Message(Level.WARNING, text, _HINT))


def _is_url(photo: str) -> bool:
    return photo.startswith(("http://", "https://"))


def leftovers(body: str) -> tuple[str, ...]:
    """What an interrupted run may have left beside a body of which nothing is needed any more."""
    return f"{body}{_SUFFIX}", f"{body}.rebuilt", f"{body}.rebuilt{_SUFFIX}"
