"""Weather, applied: answers that break on purpose. What breaks and when is decided in `weather.py`."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NoReturn

from aiohttp import web

from pixian_batch.emulator import refusals
from pixian_batch.emulator.weather import Fault, FaultKind

if TYPE_CHECKING:
    from pixian_batch.emulator.result import RenderedResult

_HTML: Final = (
    b"<!DOCTYPE html><html><head><title>%s</title></head><body><h1>%s</h1><hr>nginx</body></html>\n"
)
_ELSEWHERE: Final = "https://elsewhere.invalid/api/v2/remove-background"
_RETRY_AFTER: Final = 1


class BrokenOnPurposeError(ConnectionResetError):
    """The weather broke this connection; nobody else did."""


async def stall(seconds: float | None) -> None:
    """Do nothing for `seconds`; None = until the client leaves (which cancels the handler)."""
    if seconds is None:
        await asyncio.get_running_loop().create_future()
    else:
        await asyncio.sleep(seconds)


def reset(request: web.BaseRequest) -> NoReturn:
    """Cut the connection with a TCP reset, so that the other side sees an error and no end of file."""
    transport = request.transport
    if transport is not None:
        raw = transport.get_extra_info("socket")
        if raw is not None:
            form = "hh" if sys.platform == "win32" else "ii"
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(form, 1, 0))
        transport.abort()
    raise BrokenOnPurposeError("the weather reset this connection")


def _html(status: int) -> web.Response:
    title = f"{status} {HTTPStatus(status).phrase}".encode()
    return web.Response(status=status, body=_HTML % (title, title), content_type="text/html")


def _redirect(status: int, where: str) -> web.Response:
    return web.Response(status=status, headers={"Location": where})


async def strike(request: web.BaseRequest, fault: Fault, *, retry_after: int | None) -> web.Response | None:
    """Apply a fault that comes before the charge; None lets the request go on. Raises `Refusal`."""
    if fault.kind in {FaultKind.RESET_BEFORE_READ, FaultKind.RESET_BEFORE_CHARGE}:
        reset(request)
    if fault.kind is FaultKind.STALL_BEFORE_CHARGE:
        await stall(fault.seconds)
        return None
    _refuse(fault.kind, retry_after=_RETRY_AFTER if retry_after is None else retry_after)
    if fault.kind in _PAGES:
        return _html(_PAGES[fault.kind])
    if fault.kind is FaultKind.REDIRECT_SAME:
        return _redirect(307, request.path)
    if fault.kind in _REDIRECTS:
        return _redirect(_REDIRECTS[fault.kind], fault.detail or _ELSEWHERE)
    return None


_PAGES: Final = {FaultKind.ERROR_502_HTML: 502, FaultKind.HTML_200: 200, FaultKind.HTML_500: 500}
_REDIRECTS: Final = {FaultKind.REDIRECT_OTHER: 302, FaultKind.REDIRECT_OTHER_307: 307}


def _refuse(kind: FaultKind, *, retry_after: int) -> None:
    """Raise the error object that a fault asks for, if it does."""
    match kind:
        case FaultKind.UNAUTHORIZED:
            raise refusals.wrong_secret()
        case FaultKind.OUT_OF_CREDITS:
            raise refusals.out_of_credits()
        case FaultKind.SLOW_DOWN:
            raise refusals.slow_down(retry_after)
        case FaultKind.SLOW_DOWN_BARE:
            raise refusals.slow_down(None)
        case FaultKind.ERROR_500:
            raise refusals.internal_error()
        case FaultKind.ERROR_503:
            raise refusals.overloaded()


def bend_headers(headers: dict[str, str], fault: Fault | None) -> dict[str, str]:
    """The result's headers with a header fault applied."""
    if fault is None:
        return headers
    if fault.kind is FaultKind.HEADER_MISSING:
        return {name: value for name, value in headers.items() if name != fault.detail}
    if fault.kind is FaultKind.HEADER_WRONG:
        return headers | {fault.detail: "not-a-value"}
    if fault.kind is FaultKind.WRONG_TYPE:
        return headers | {"Content-Type": "application/octet-stream"}
    return headers


async def send(
    request: web.BaseRequest, result: RenderedResult, headers: dict[str, str], *, fault: Fault | None
) -> web.StreamResponse:
    """Send a charged result as the fault allows. Returns only when the whole body was handed over.

    Raises ConnectionError when it was not, be it the weather or the client.
    """
    kind = None if fault is None else fault.kind
    if kind is FaultKind.RESET_AFTER_CHARGE:
        reset(request)
    if fault is not None and kind is FaultKind.STALL_BEFORE_ANSWER:
        await stall(fault.seconds)
    if request.transport is not None and not request.transport.is_closing():
        # A write then waits until the kernel has taken every byte: `delivered` must not be a guess.
        request.transport.set_write_buffer_limits(high=0)
    response = web.StreamResponse(headers=bend_headers(headers, fault))
    response.content_length = result.size
    await response.prepare(request)
    await _send_body(request, response, result, fault=fault)
    await response.write_eof()
    return response


async def _send_body(
    request: web.BaseRequest, response: web.StreamResponse, result: RenderedResult, *, fault: Fault | None
) -> None:
    kind = None if fault is None else fault.kind
    half, sent = result.size // 2, 0
    for block in result.blocks():
        here = half - sent
        if fault is not None and kind in _INTERRUPTIONS and 0 <= here < len(block):
            await response.write(block[:here])
            await _interrupt(request, fault)
            await response.write(block[here:])
        else:
            await response.write(_garbage(len(block)) if kind is FaultKind.GARBAGE else block)
        sent += len(block)


_INTERRUPTIONS: Final = frozenset({FaultKind.CUT_BODY, FaultKind.STALL_IN_BODY})


async def _interrupt(request: web.BaseRequest, fault: Fault) -> None:
    if fault.kind is FaultKind.STALL_IN_BODY:
        await stall(fault.seconds)
    elif request.transport is not None:
        request.transport.close()
        raise BrokenOnPurposeError("the weather cut this body")


def _garbage(size: int) -> bytes:
    return (b"garbage " * (size // 8 + 1))[:size]
