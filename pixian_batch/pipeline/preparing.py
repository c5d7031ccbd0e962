"""Found -> job: all that has to be known of an input, and of its result's place, before it may be bought.

Proved by tests/cli/test_via_delta.py.
"""

from __future__ import annotations

import asyncio
import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from blake3 import blake3

from pixian_batch.adapters.reading import Fingerprint, Stamp, read_fingerprint
from pixian_batch.adapters.wire.source import BytesSource, FileSource, UrlSource
from pixian_batch.imaging.errors import UnprovenLayoutError
from pixian_batch.pipeline.duplicating import Wanted
from pixian_batch.pipeline.job import Job
from pixian_batch.policy.record import Key

if TYPE_CHECKING:
    from collections.abc import Callable

    from pixian_batch.adapters.landing import Landing
    from pixian_batch.adapters.wire.source import Source
    from pixian_batch.imaging.probe import Probe
    from pixian_batch.pipeline.job import Found
    from pixian_batch.pipeline.spec import Spec


@dataclass(slots=True, kw_only=True)
class Preparing:
    """Looks at inputs, for runs and plans alike: `await preparing.job(found)`. Writes nothing."""

    spec: Spec
    landing: Landing
    _key_params: dict[bool, str] = field(init=False)

    def __post_init__(self) -> None:
        self._key_params = {rebuild: self.spec.key_params(rebuild=rebuild) for rebuild in (False, True)}

    async def job(self, found: Found) -> tuple[Job, str | None, Stamp | None]:
        """The job, why its result can have no place, and the file's stamp. Raises `ReadingError`."""
        place = self.spec.result_place(found.place)
        if found.is_url:
            return self._url_job(found, place), await asyncio.to_thread(self.landing.refusal, place), None
        fingerprint, refusal = await asyncio.to_thread(self._look, found, place)
        return self._file_job(found, place, fingerprint), refusal, fingerprint.stamp

    def _file_job(self, found: Found, place: str, fingerprint: Fingerprint) -> Job:
        probe = fingerprint.probe
        no_delta = self._no_delta(probe) if self.spec.via_delta else ""
        rebuild = self.spec.via_delta and not no_delta
        return Job(
            input=found.path,
            source=_source(found.path, fingerprint),
            key=Key(fingerprint.digest, self._key_params[rebuild]),
            params=self.spec.request(rebuild=rebuild),
            place=place,
            pixels=probe.size.pixels,
            rebuild=rebuild,
            no_delta=no_delta,
        )

    async def recalled(self, found: Found, is_done: Callable[[Key], bool]) -> Wanted | None:
        """An input of an image that is done, told by the ledger alone: nothing of it is read.

        None: its bytes are not known, may have changed, or are not of such an image.
        """
        if found.known is None or self.spec.via_delta:  # how a delta is bought depends on what the photo is
            return None
        key = Key(found.known[2], self._key_params[False])
        place = self.spec.result_place(found.place)
        if not is_done(key) or not await asyncio.to_thread(self._is_as_known, found, place):
            return None
        return Wanted(key, found.path, place)

    def _is_as_known(self, found: Found, place: str) -> bool:
        """Whether the input has not changed, and its result can have its place. Blocking."""
        try:
            now = os.stat(found.path)
        except OSError:
            return False
        same = found.known is not None and (now.st_size, now.st_mtime_ns) == found.known[:2]
        return same and stat.S_ISREG(now.st_mode) and self.landing.refusal(place) is None

    def _no_delta(self, probe: Probe) -> str:
        """Why the image is bought as PNG although a delta was asked for; "" when it is not."""
        pixels, limit = probe.size.pixels, self.spec.params.max_pixels
        if pixels > limit:
            return f"its {pixels:,} pixels are more than --max-pixels {limit:,}, so it will be shrunk"
        return "" if probe.is_proven else str(UnprovenLayoutError(probe.layout))

    def _look(self, found: Found, place: str) -> tuple[Fingerprint, str | None]:
        """At the input and at its result's place, in one visit to a thread. Blocking."""
        known = (Stamp(found.known[0], found.known[1]), found.known[2]) if found.known else None
        return read_fingerprint(found.path, known=known), self.landing.refusal(place)

    def _url_job(self, found: Found, place: str) -> Job:
        """The service fetches it: the URL stands for its bytes, and nothing of it is known here."""
        return Job(
            input=found.path,
            source=UrlSource(found.path),
            key=Key(blake3(b"url\0" + os.fsencode(found.path)).digest(), self._key_params[False]),
            params=self.spec.params,
            place=place,
            pixels=None,
            no_delta="the original of a URL is not here" if self.spec.via_delta else "",
        )


def _source(path: str, fingerprint: Fingerprint) -> Source:
    """A small photo as it was read; a large one is read again while it is sent, and must still be the same."""
    if fingerprint.content is not None:
        return BytesSource(fingerprint.content, fingerprint.probe.kind)
    return FileSource(path, fingerprint.probe.kind, (fingerprint.stamp.size, fingerprint.stamp.mtime_ns))
