"""The client for asyncio programs: one call an image, with the command's own patience and honesty.

Throttled: waits and sends again. Unavailable and not sent: again, a few times. Possibly charged: never
again by itself. No exception of the HTTP library leaves; it is the `__cause__`.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, assert_never

from pixian_batch.adapters.credentials import NoCredentialsError, read_credentials
from pixian_batch.adapters.landing import DiskError, RebuildError
from pixian_batch.adapters.wire.exchange import exchange
from pixian_batch.adapters.wire.session import DEFAULT_IDLE_TIMEOUT, WireSession
from pixian_batch.adapters.wire.trace import SourceChangedError, Trace, WireError
from pixian_batch.contract.account import Account, CredentialCheck, Credentials, read_probe
from pixian_batch.contract.address import DEFAULT_API_URL, check_api_url
from pixian_batch.contract.errors import ApiError
from pixian_batch.contract.headers import ResultHeaders
from pixian_batch.contract.kinds import Kind, result_kind
from pixian_batch.library import errors, raising
from pixian_batch.library.parameters import Parameters, read_parameters
from pixian_batch.library.request import CallSpec, read_call
from pixian_batch.library.sinks import ResultSink, finish, finish_rebuilt, open_sink
from pixian_batch.policy.retry import Fail, Halt, Hold, Land, Rest, RetryPolicy, RetryState, after
from pixian_batch.policy.verdict import Verdict

if TYPE_CHECKING:
    import os
    import ssl
    from collections.abc import AsyncIterator
    from types import TracebackType
    from typing import Self, Unpack

    from pixian_batch.contract.params import Params
    from pixian_batch.library.sources import Source
    from pixian_batch.policy.reply import Reply

__all__ = ["Account", "PixianClient", "Result"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Result:
    """One finished image.

    content: its bytes, or None when it was written to `path`. kind: PNG or JPEG. headers: what the service
    said (credits as Decimal, sizes and boxes in pixels; None where it said nothing readable).
    attempts: the requests it took. warnings: sentences for people, empty when all was as it should be.
    rebuilt: made from a Delta PNG and the local original. converted: what was made of the image to be sent
    (`heic->jpeg`), None when it was sent as it is.
    """

    content: bytes | None
    path: str | None
    kind: Kind
    headers: ResultHeaders
    attempts: int
    warnings: tuple[str, ...] = ()
    rebuilt: bool = False
    converted: str | None = None


@dataclass(slots=True)
class _Slot:
    """One of the requests that may be out at once: its memory of 429s, kept from image to image."""

    retry_state: RetryState = field(default_factory=RetryState)


class PixianClient:
    """A session with the service. Use it as an async context manager, for many images.

        async with PixianClient() as client:
            result = await client.remove_background("photo.jpg", to="photo.png")

    api_id, api_secret: from PIXIAN_API_ID and PIXIAN_API_SECRET unless given. idle_timeout: seconds without
    a byte in either direction before a request is given up; there is no total limit, and putting one around
    a call (`asyncio.timeout`, cancelling it) can lose an image that was paid for. concurrency: requests that
    may be out at once; further calls wait for their turn. The vendor asks batch jobs to begin with at most 5
    and to add one every 5 minutes. retries: times that an unavailable service is tried again; backoff_step:
    seconds of the linear back-off; max_throttles: 429s in a row that are waited out, None for no limit.
    tls: a context of one's own, for a private certificate authority.

    Raises `CredentialsError` when there are none, ValueError for an `api_url` that is neither https nor
    http to this machine, and when it is opened for a proxy of the environment that cannot be used.
    """

    def __init__(  # noqa: PLR0913  # each is a choice of its own
        self,
        api_id: str | None = None,
        api_secret: str | None = None,
        *,
        api_url: str = DEFAULT_API_URL,
        idle_timeout: float = DEFAULT_IDLE_TIMEOUT,
        concurrency: int = 5,
        retries: int = 3,
        backoff_step: float = 5.0,
        max_throttles: int | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        if concurrency < 1:
            raise ValueError("concurrency must be at least 1")
        self._session = WireSession(
            _credentials(api_id, api_secret),
            api_url=check_api_url(api_url),
            idle_timeout=idle_timeout,
            connections=concurrency,
            tls=tls,
        )
        self._retry_policy = RetryPolicy(backoff_step, retries)
        self._max_throttles = max_throttles
        self._turns = asyncio.Semaphore(concurrency)
        self._slots: list[_Slot] = []

    async def __aenter__(self) -> Self:
        await self._session.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._session.__aexit__(kind, error, traceback)

    async def remove_background(
        self,
        source: Source,
        params: Params | None = None,
        *,
        to: str | os.PathLike[str] | None = None,
        via_delta: bool = False,
        convert: bool = False,
        **parameters: Unpack[Parameters],
    ) -> Result:
        """Cut out one image.

            await client.remove_background("a.jpg", to="a.png", crop_to_foreground=True, margin="10px")
            await client.remove_background(content, background_color="#FFFFFF", target_size=(1200, 800))

        source: a path, the bytes of an image, an http(s) URL that the service fetches, or `File`, `Bytes`,
        `Base64`, `Url`. to: write the result there (synced, then renamed into place, replacing what stands
        there); it is `result.content` otherwise. via_delta: download the smaller Delta PNG and rebuild the
        full PNG from the local original; an image above `max_pixels`, or stored in a way that is not proven to be
        read exactly (16 bits, CMYK), is asked for as PNG, with a warning. convert: of WebP, AVIF, HEIC send a PNG or JPEG.

        Raises one of `PixianError`'s kinds. ValueError and TypeError are mistakes in the arguments. Whatever
        is raised before a request was sent has cost nothing.
        """
        asked = read_parameters(params, parameters)
        spec = await read_call(source, asked, to=to, via_delta=via_delta, convert=convert)
        async with self._slot() as slot:
            spec = await spec.ready()
            sink, reply, attempts = await self._pursue(spec, slot)
        return await _result(spec, sink, reply, attempts)

    async def account(self) -> Account:
        """The account's credits, pack and state: free. Raises `PixianError`, never `InDoubtError`."""
        try:
            account = await self._session.account()
        except WireError as error:
            raise raising.unreached(error) from error
        if isinstance(account, ApiError):
            raise raising.answered(account, 1)
        return account

    async def check_credentials(self) -> None:
        """Ask, with a free request without an image, whether the credentials are good.

        Raises `CredentialsError`, `OutOfCreditsError`, or what else keeps the service from saying yes.
        """
        try:
            async with self._session.probe_credentials(Trace()) as answer:
                error = await answer.error()
        except WireError as broke:
            raise raising.unreached(broke) from broke
        check = read_probe(error.status)
        if check is CredentialCheck.NO_API:
            raise errors.RefusedError(
                f"there is no Pixian API at this address: {error.message}",
                hint="check the address",
                status=error.status,
                code=error.code,
                attempts=1,
            )
        if check is not CredentialCheck.GOOD:
            raise raising.answered(error, 1)

    # --- one image's way ------------------------------------------------------------------------------

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[_Slot]:
        """A turn. Whoever rests after a 429 keeps it: the service is asked less, not by somebody else."""
        async with self._turns:
            slot = self._slots.pop() if self._slots else _Slot()
            slot.retry_state = slot.retry_state.next_image()
            try:
                yield slot
            finally:
                self._slots.append(slot)

    async def _pursue(self, spec: CallSpec, slot: _Slot) -> tuple[ResultSink, Reply, int]:
        """Send, rest, send again, until the image is here; raises what else comes of it."""
        # A test request cannot cost money: it may simply be sent again.
        retry_policy = replace(self._retry_policy, resend_doubtful=spec.params.test)
        attempts = 0
        while True:
            sink, reply = await self._attempt(spec, attempts)
            attempts += 1
            following, slot.retry_state = after(
                reply.verdict, slot.retry_state, retry_policy, retry_after=reply.retry_after
            )
            match following:
                case Land():
                    return sink, reply, attempts
                case Rest(seconds):
                    self._check_rest(reply, slot.retry_state, seconds, attempts)
                    await sink.drop()
                    log.info("%s: resting for %g s before attempt %d", reply.verdict, seconds, attempts + 1)
                    await asyncio.sleep(seconds)
                case Fail() | Hold() | Halt():
                    raise raising.error_of(reply, sink, attempts) from reply.cause
                case other:
                    assert_never(other)

    async def _attempt(self, spec: CallSpec, attempts: int) -> tuple[ResultSink, Reply]:
        """One exchange, and where its body is. Raises `OutputError` before anything is sent."""
        try:
            sink = await open_sink(spec.destination)
        except DiskError as error:
            hint = "check the path, its rights and the free room"
            raise errors.OutputError(str(error), hint=hint, attempts=attempts) from error
        try:
            return sink, await exchange(self._session, spec.prepared.wire, spec.params, sink)
        except BaseException:  # cancelled: nobody will ask for what came
            await sink.drop()
            raise

    def _check_rest(self, reply: Reply, retry_state: RetryState, seconds: float, attempts: int) -> None:
        """Raise what a rest cannot mend, or what the caller does not want to wait for."""
        if isinstance(reply.cause, SourceChangedError):
            raise raising.changed(attempts) from reply.cause
        limit = self._max_throttles
        if reply.verdict is Verdict.THROTTLED and limit is not None and retry_state.throttles > limit:
            raise raising.limited(reply.problem, attempts, retry_after=seconds)


def _credentials(api_id: str | None, api_secret: str | None) -> Credentials:
    if api_id and api_secret:
        return Credentials(api_id, api_secret)
    if api_id or api_secret:
        raise errors.CredentialsError("api_id and api_secret go together", hint="give both or neither")
    try:
        return Credentials(*read_credentials())
    except NoCredentialsError as error:
        advice = "set both to the API id and secret of your Pixian.AI account, or give api_id and api_secret"
        raise errors.CredentialsError(str(error), hint=advice) from error


async def _result(spec: CallSpec, sink: ResultSink, reply: Reply, attempts: int) -> Result:
    """From the body that came to the result; what was paid for is kept, whatever happens."""
    headers, kind = reply.headers or ResultHeaders(), reply.body.kind if reply.body else None
    try:
        if spec.rebuild:
            content = await finish_rebuilt(spec.destination, sink, spec.prepared, headers.input_orientation)
        else:
            content = await finish(spec.destination, sink)
    except (RebuildError, DiskError) as error:
        lost = raising.lost(str(error), reply, sink, attempts)
        lost.hint = f"what was paid for is kept{f' at {lost.path}' if lost.path else ' in error.partial'}"
        raise lost from error
    return Result(
        content=content,
        path=spec.destination.path if spec.destination else None,
        kind=kind or result_kind(spec.params.result_format),
        headers=headers,
        attempts=attempts,
        warnings=(*spec.warnings, *headers.warnings),
        rebuilt=spec.rebuild,
        converted=spec.prepared.foreign.word if spec.prepared.foreign else None,
    )
