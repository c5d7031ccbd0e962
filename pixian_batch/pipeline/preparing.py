"""Found -> job: all that has to be known of an input, and of its result's place, before it may be bought.

Proved by tests/cli/test_via_delta.py.
"""

from __future__ import annotations

import asyncio
import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pixian_batch.adapters.reading import Fingerprint, Stamp, read_fingerprint
from pixian_batch.adapters.wire.source import BytesSource, FileSource, UrlSource
from pixian_batch.imaging.errors import UnprovenLayoutError
from pixian_batch.pipeline.duplicating import Wanted
from pixian_batch.pipeline.job import Job, master_of, url_digest
from pixian_batch.policy.record import CONVERSIONS, Key

if TYPE_CHECKING:
    from collections.abc import Callable

    from pixian_batch.adapters.landing import Landing
    from pixian_batch.adapters.wire.source import Source
    from pixian_batch.imaging.foreign import ForeignHeader
    from pixian_batch.imaging.probe import Probe
    from pixian_batch.pipeline.job import Found
    from pixian_batch.pipeline.spec import Spec


@dataclass(slots=True, kw_only=True)
class Preparing:
    """Looks at inputs, for runs and plans alike: `await preparing.job(found)`. Writes nothing."""

    spec: Spec
    landing: Landing
    _key_params: dict[bool, tuple[str, str]] = field(init=False)
    """Of what is bought, and of its result; by whether it is bought as a delta."""
    _recalled_params: tuple[str, ...] = field(init=False)
    """Of all keys that a photo of which no byte is read may have."""

    def __post_init__(self) -> None:
        self._key_params = {rebuild: self._both_params(rebuild=rebuild) for rebuild in (False, True)}
        conversions = (None, *CONVERSIONS) if self.spec.convert else (None,)
        self._recalled_params = tuple(self.spec.result_key_params(conversion=one) for one in conversions)

    async def job(self, found: Found) -> tuple[Job, str | None, Stamp | None]:
        """The job, why its result can have no place, and the file's stamp. Raises `ReadingError`."""
        place = found.place
        if found.is_url:
            job, refusal = self._url_job(found, place), await asyncio.to_thread(self.landing.refusal, place)
            return job, refusal or await self._no_master(job), None
        fingerprint, refusal = await asyncio.to_thread(self._look, found, place)
        job = self._file_job(found, place, fingerprint)
        return job, refusal or await self._no_master(job), fingerprint.stamp

    async def _no_master(self, job: Job) -> str | None:
        """Why the full picture from which it would be drawn can have no place."""
        if job.drawn is None:
            return None
        return await asyncio.to_thread(self.landing.refusal, master_of(job).place)

    def _file_job(self, found: Found, place: str, fingerprint: Fingerprint) -> Job:
        probe = fingerprint.probe
        no_delta = self._no_delta(probe) if self.spec.via_delta else ""
        rebuild = self.spec.via_delta and not no_delta
        key, drawn = self._keys(fingerprint.digest, rebuild=rebuild, foreign=fingerprint.foreign)
        return Job(
            input=found.path,
            source=_source(found.path, fingerprint),
            key=key,
            drawn=drawn,
            params=self.spec.request(rebuild=rebuild),
            place=place,
            pixels=probe.size.pixels,
            rebuild=rebuild,
            no_delta=no_delta,
            conversion=fingerprint.foreign,
        )

    def _keys(
        self, digest: bytes, *, rebuild: bool, foreign: ForeignHeader | None = None
    ) -> tuple[Key, Key | None]:
        """Of what is bought, and of what is drawn from it."""
        if foreign is None:
            bought, result = self._key_params[rebuild]
        else:
            bought, result = self._both_params(rebuild=False, conversion=foreign.word)
        return Key(digest, bought), Key(digest, result) if self.spec.draws else None

    def _both_params(self, *, rebuild: bool, conversion: str | None = None) -> tuple[str, str]:
        spec = self.spec
        return (
            spec.key_params(rebuild=rebuild, conversion=conversion),
            spec.result_key_params(rebuild=rebuild, conversion=conversion),
        )

    async def recalled(self, found: Found, is_done: Callable[[Key], bool]) -> Wanted | None:
        """An input of an image that is done, told by the ledger alone: nothing of it is read.

        None: its bytes are not known, may have changed, or are not of such an image.
        """
        if found.known is None or self.spec.via_delta:  # how a delta is bought depends on what the photo is
            return None
        # The same bytes are always sent as they are, or as the same other kind: one of these keys at most can be done.
        keys = (Key(found.known[2], params) for params in self._recalled_params)
        key = next(filter(is_done, keys), None)
        if key is None or not await asyncio.to_thread(self._is_as_known, found):
            return None
        return Wanted(key, found.path, found.place)

    def _is_as_known(self, found: Found) -> bool:
        """Whether the input has not changed, and its result can have its place. Blocking."""
        try:
            now = os.stat(found.path)
        except OSError:
            return False
        same = found.known is not None and (now.st_size, now.st_mtime_ns) == found.known[:2]
        readable = stat.S_ISREG(now.st_mode) and os.access(
            found.path, os.R_OK
        )  # else it fails, as a plan says
        return same and readable and self.landing.refusal(found.place) is None

    def _no_delta(self, probe: Probe) -> str:
        """Why the image is bought as PNG although a delta was asked for; "" when it is not."""
        pixels, limit = probe.size.pixels, self.spec.params.max_pixels
        if pixels > limit:
            return f"its {pixels:,} pixels are more than --max-pixels {limit:,}, so it will be shrunk"
        return "" if probe.is_proven else str(UnprovenLayoutError(probe.layout))

    def _look(self, found: Found, place: str) -> tuple[Fingerprint, str | None]:
        """At the input and at its result's place, in one visit to a thread. Blocking."""
        known = (Stamp(found.known[0], found.known[1]), found.known[2]) if found.known else None
        fingerprint = read_fingerprint(found.path, known=known, convert=self.spec.convert)
        return fingerprint, self.landing.refusal(place)

    def _url_job(self, found: Found, place: str) -> Job:
        """The service fetches it: the URL stands for its bytes, and nothing of it is known here."""
        key, drawn = self._keys(url_digest(found.path), rebuild=False)
        return Job(
            input=found.path,
            source=UrlSource(found.path),
            key=key,
            drawn=drawn,
            params=self.spec.request(rebuild=False),
            place=place,
            pixels=None,
            no_delta="the original of a URL is not here" if self.spec.via_delta else "",
        )


def _source(path: str, fingerprint: Fingerprint) -> Source:
    """A small photo as it was read; a large one is read again while it is sent, and must still be the same."""
    kind = fingerprint.foreign.kind if fingerprint.foreign else fingerprint.probe.kind
    if fingerprint.content is not None:
        return BytesSource(fingerprint.content, kind)
    return FileSource(path, kind, (fingerprint.stamp.size, fingerprint.stamp.mtime_ns))
