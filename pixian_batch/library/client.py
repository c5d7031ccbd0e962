"""The client for asyncio programs: one call an image, with the command's own patience and honesty.

Throttled: waits and sends again. Unavailable and not sent: again, a few times. Possibly charged: never
again by itself. No exception of the HTTP library leaves; it is the `__cause__`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, assert_never

from pixian_batch.adapters.credentials import NoCredentialsError, read_credentials
from pixian_batch.adapters.landing import DiskError
from pixian_batch.adapters.wire.session import DEFAULT_IDLE_TIMEOUT, WireSession
from pixian_batch.adapters.wire.trace import SourceChangedError, Trace, WireError
from pixian_batch.contract.account import Account, Credentials
from pixian_batch.contract.address import DEFAULT_API_URL, check_api_url
from pixian_batch.contract.errors import ApiError, hint
from pixian_batch.contract.kinds import Kind, result_kind
from pixian_batch.contract.params import OutputFormat, Params
from pixian_batch.library import errors
from pixian_batch.library.attempt import MemorySink, Reply, Sink, send
from pixian_batch.library.landing import Destination, open_sink, rebuilt
from pixian_batch.library.parameters import Parameters, read_parameters
from pixian_batch.library.sources import File, Source, Url, explicit, prepare
from pixian_batch.policy.retry import Fail, Halt, Hold, Land, Rest, RetryPolicy, RetryState, after
from pixian_batch.policy.verdict import Verdict

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator
    from types import TracebackType
    from typing import Self, Unpack

    from pixian_batch.contract.headers import ResultHeaders
    from pixian_batch.library.sources import Prepared

__all__ = ["Account", "PixianClient", "Result"]

log = logging.getLogger(__name__)
_RUN_AGAIN: Final = "send it again only if paying twice is acceptable; check your account's history first"


@dataclass(frozen=True, slots=True)
class Result:
    """One finished image.

    content: its bytes, or None when it was written to `path`. kind: PNG or JPEG. headers: what the service
    said (credits as Decimal, sizes and boxes in pixels; None where it said nothing readable).
    attempts: the requests it took. warnings: sentences for people, empty when all was as it should be.
    rebuilt: made from a Delta PNG and the local original.
    """

    content: bytes | None
    path: str | None
    kind: Kind
    headers: ResultHeaders
    attempts: int
    warnings: tuple[str, ...] = ()
    rebuilt: bool = False


@dataclass(slots=True)
class _Slot:
    """One of the requests that may be out at once: its memory of 429s, kept from image to image."""

    retry_state: RetryState = field(default_factory=RetryState)


@dataclass(frozen=True, slots=True)
class _CallSpec:
    """What one call is about. rebuild: a delta is bought, and the full PNG is made of it."""

    prepared: Prepared
    params: Params
    destination: Destination | None
    rebuild: bool
    warnings: tuple[str, ...] = ()


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
    http to this machine.
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
        self._wire = WireSession(
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
        await self._wire.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._wire.__aexit__(kind, error, traceback)

    async def remove_background(
        self,
        source: Source,
        params: Params | None = None,
        *,
        to: str | os.PathLike[str] | None = None,
        via_delta: bool = False,
        **parameters: Unpack[Parameters],
    ) -> Result:
        """Cut out one image.

            await client.remove_background("a.jpg", to="a.png", crop_to_foreground=True, margin="10px")
            await client.remove_background(content, background_color="#FFFFFF", target_size=(1200, 800))

        source: a path, the bytes of an image, an http(s) URL that the service fetches, or `File`, `Bytes`,
        `Base64`, `Url`. to: write the result there (synced, then renamed into place, replacing what stands
        there); it is `result.content` otherwise. via_delta: download the smaller Delta PNG and rebuild the
        full PNG from the local original; an image above `max_pixels` is asked for as PNG, with a warning.

        Raises one of `PixianError`'s kinds. ValueError and TypeError are mistakes in the arguments. Whatever
        is raised before a request was sent has cost nothing.
        """
        spec = await _call_spec(
            source, read_parameters(params, parameters), None if to is None else os.fspath(to), via_delta
        )
        async with self._slot() as slot:
            sink, reply, attempts = await self._pursue(spec, slot)
        return await _finish(spec, sink, reply, attempts)

    async def account(self) -> Account:
        """The account's credits, pack and state: free. Raises `PixianError`, never `InDoubtError`."""
        try:
            said = await self._wire.account()
        except WireError as error:
            raise _unreached(error) from error
        if isinstance(said, ApiError):
            raise _answered(said, 1)
        return said

    async def check_credentials(self) -> None:
        """Ask, with a free request without an image, whether the credentials are good.

        Raises `CredentialsError`, `OutOfCreditsError`, or what else keeps the service from saying yes.
        """
        try:
            async with self._wire.probe_credentials(Trace()) as answer:
                error = await answer.error()
        except WireError as broke:
            raise _unreached(broke) from broke
        if error.status in {404, 405}:
            raise errors.RefusedError(
                f"there is no Pixian API at this address: {error.message}",
                hint="check the address",
                status=error.status,
                code=error.code,
                attempts=1,
            )
        if error.status != 400:  # "where is the image?": the credentials are good
            raise _answered(error, 1)

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

    async def _pursue(self, spec: _CallSpec, slot: _Slot) -> tuple[Sink, Reply, int]:
        """Send, rest, send again, until the image is here; raises what else comes of it."""
        # A test request cannot cost money: it may simply be sent again.
        retry_policy = replace(self._retry_policy, resend_doubtful=spec.params.test)
        attempts = 0
        while True:
            try:
                sink = await open_sink(spec.destination)
            except DiskError as error:
                raise errors.OutputError(
                    str(error), hint="check the path, its rights and the free room", attempts=attempts
                ) from error
            reply = await send(self._wire, spec.prepared.wire, spec.params, sink)
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
                    raise _error(reply, sink, spec, attempts) from reply.cause
                case other:
                    assert_never(other)

    def _check_rest(self, reply: Reply, retry_state: RetryState, seconds: float, attempts: int) -> None:
        """Raise what a rest cannot mend, or what the caller does not want to wait for."""
        if reply.trace.source_changed:
            raise _changed(attempts) from reply.cause
        limit = self._max_throttles
        if reply.verdict is Verdict.THROTTLED and limit is not None and retry_state.throttles > limit:
            error = _limited(reply, attempts)
            error.retry_after = seconds
            raise error


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


async def _call_spec(source: Source, params: Params, to: str | None, via_delta: bool) -> _CallSpec:  # noqa: FBT001
    """All that can be wrong is found here, before anything is sent."""
    meant = explicit(source)
    if via_delta:
        params = _for_delta(meant, params)
    destination = None if to is None else Destination(to)
    if destination is not None:
        destination.check(os.fspath(meant.path) if isinstance(meant, File) else None, params)
    prepared = await prepare(meant)
    if not via_delta:
        return _CallSpec(prepared, params, destination, rebuild=False)
    size = prepared.size
    if size is not None and size.pixels > params.max_pixels:
        said = (
            f"{size.width} x {size.height} is more than max_pixels ({params.max_pixels:,}): "
            "it was asked for as PNG, not by way of a Delta PNG"
        )
        return _CallSpec(prepared, params, destination, rebuild=False, warnings=(said,))
    delta = replace(params, output_format=OutputFormat.DELTA_PNG)
    return _CallSpec(prepared, delta, destination, rebuild=True)


def _for_delta(source: object, params: Params) -> Params:
    """The parameters of a PNG that is made by way of a delta. Raises ValueError."""
    if isinstance(source, Url):
        raise ValueError("via_delta needs the original here: give a file or bytes, not a URL")  # noqa: TRY004  # the type is fine, the combination is not
    if params.output_format not in {OutputFormat.AUTO, OutputFormat.PNG}:
        raise ValueError(f"via_delta gives a PNG: leave output_format={params.output_format.value!r} out")
    delta = {"output_format": OutputFormat.DELTA_PNG}
    try:
        read_parameters(params, delta)
    except ValueError as error:
        raise ValueError(str(error).replace("delta_png", "via_delta")) from None
    return replace(params, output_format=OutputFormat.PNG)


async def _finish(spec: _CallSpec, sink: Sink, reply: Reply, attempts: int) -> Result:
    """From the body that came to the result; what was paid for is kept, whatever happens."""
    assert reply.body is not None  # noqa: S101  # delivered
    assert reply.headers is not None  # noqa: S101  # delivered
    content = bytes(sink.content) if isinstance(sink, MemorySink) else None
    try:
        if spec.rebuild:
            content = await _rebuild(spec, sink, reply)
        elif spec.destination is not None:
            await spec.destination.take(reply.body.path)
    except (_RebuildError, DiskError) as error:
        lost = _lost(str(error), reply, sink, attempts)
        lost.hint = f"what was paid for is kept{f' at {lost.path}' if lost.path else ' in error.partial'}"
        raise lost from error
    return Result(
        content,
        spec.destination.path if spec.destination else None,
        reply.body.kind or result_kind(spec.params.result_format),
        reply.headers,
        attempts,
        (*spec.warnings, *reply.headers.warnings),
        rebuilt=spec.rebuild,
    )


class _RebuildError(Exception):
    """The delta and the original do not give a picture."""


async def _rebuild(spec: _CallSpec, sink: Sink, reply: Reply) -> bytes | None:
    """The full PNG, or None once it stands at its destination. Raises `_RebuildError`, `DiskError`."""
    from pixian_batch.imaging.errors import ImagingError  # only where deltas are bought

    try:
        content = await rebuilt(spec.prepared, sink, reply)
    except (ImagingError, OSError) as error:
        raise _RebuildError(str(error)) from error
    if spec.destination is None or isinstance(sink, MemorySink):
        return content
    await spec.destination.write(content, f"{sink.path}.rebuilt")
    with contextlib.suppress(OSError):
        os.unlink(sink.path)  # the delta: the rebuilt picture is safe
    return None


# --- facts -> errors -----------------------------------------------------------------------------------


def _error(reply: Reply, sink: Sink, spec: _CallSpec, attempts: int) -> errors.PixianError:
    """What is raised for an attempt that was not delivered and is not repeated."""
    match reply.verdict:
        case Verdict.NOT_SENT if isinstance(reply.cause, SourceChangedError):
            return _changed(attempts)
        case Verdict.NOT_SENT:
            return _unreached(reply.cause, attempts)
        case Verdict.IN_DOUBT:
            said = f"the request went out and no answer came ({reply.cause}): it may have been charged"
            return errors.InDoubtError(said, hint=_RUN_AGAIN, code="no_answer", attempts=attempts)
        case Verdict.LOST:
            return _lost(_what_came(reply, spec.params), reply, sink, attempts)
        case _ if reply.error is not None:
            return _answered(reply.error, attempts)
        case _:  # a 4xx or 5xx whose disk or wire broke under it
            return _answered(ApiError(reply.trace.status or 0, None, f"HTTP {reply.trace.status}"), attempts)


def _what_came(reply: Reply, params: Params) -> str:
    asked = result_kind(params.result_format)
    if reply.cause is not None:
        return str(reply.cause)
    kind = reply.body.kind if reply.body else None
    if kind is asked:
        return f"the {asked.name} that came is cut off"
    return f"the answer is {kind.name if kind else 'no image'}, not the {asked.name} asked for"


def _lost(said: str, reply: Reply, sink: Sink, attempts: int) -> errors.LostResultError:
    error = errors.LostResultError(
        f"{said}; it has probably been charged",
        hint=_RUN_AGAIN,
        status=reply.trace.status,
        code="lost",
        attempts=attempts,
    )
    error.headers = reply.headers
    if isinstance(sink, MemorySink):
        error.partial = bytes(sink.content)
    else:
        error.path = reply.kept or (reply.body.path if reply.body else None)
    return error


_BY_STATUS: Final = {
    401: errors.CredentialsError,
    402: errors.OutOfCreditsError,
    403: errors.CredentialsError,
    429: errors.RateLimitedError,
}


def _answered(error: ApiError, attempts: int) -> errors.PixianError:
    """The exception for an error answer."""
    refused = 400 <= error.status <= 499
    kind = _BY_STATUS.get(error.status, errors.RefusedError if refused else errors.UnavailableError)
    advice = error.hint.replace("--api-url", "api_url").replace("--concurrency-max", "concurrency")
    advice = advice.replace("run the same command again later", "try again later")
    return kind(error.message, hint=advice, status=error.status, code=error.code, attempts=attempts)


def _limited(reply: Reply, attempts: int) -> errors.RateLimitedError:
    said = reply.error or ApiError(429, None, "slow down")
    return errors.RateLimitedError(
        said.message,
        hint=hint(429).replace("--concurrency-max", "concurrency"),
        status=429,
        code=said.code,
        attempts=attempts,
    )


def _unreached(error: Exception | None, attempts: int = 1) -> errors.NotSentError:
    return errors.NotSentError(
        f"the service was not reached: {error}",
        hint="check the network, the proxy and the address",
        code="not_sent",
        attempts=attempts,
    )


def _changed(attempts: int) -> errors.InputError:
    return errors.InputError(
        "the file changed while it was being sent",
        hint="send it again when nobody writes to it",
        code="changed",
        attempts=attempts,
    )
