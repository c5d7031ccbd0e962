"""JSON answers in the API's form, for refusals, bugs and requests that are no HTTP. Sends nothing itself."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from aiohttp import web

from pixian_batch.contract.errors import ApiError, write_error
from pixian_batch.emulator import refusals

if TYPE_CHECKING:
    from pixian_batch.emulator.refusals import Refusal

log = logging.getLogger(__name__)
_SERVER_ERRORS = 500


def error_answer(error: ApiError, headers: dict[str, str] | None = None) -> web.Response:
    """The API's error object as an answer."""
    body = write_error(error)
    return web.Response(status=error.status, body=body, headers=headers, content_type="application/json")


def refusal_answer(refusal: Refusal) -> web.Response:
    """A refusal as an answer."""
    return error_answer(refusal.error, refusal.headers)


class _Protocol(web.RequestHandler):
    """aiohttp's protocol with errors in JSON: those that come before any of our code runs."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = _SERVER_ERRORS,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if isinstance(exc, ConnectionError):
            raise exc  # nobody is left to read an answer
        log.debug("not answered by a handler: %s %s %s", request.remote, status, message, exc_info=exc)
        error = refusals.our_bug() if status >= _SERVER_ERRORS else refusals.not_http()
        response = error_answer(error)
        response.force_close()
        return response


class JsonServer(web.Server):
    """aiohttp's low-level server whose every answer is JSON unless a handler says otherwise."""

    def __call__(self) -> web.RequestHandler:
        """A protocol for one connection."""
        return _Protocol(self, loop=self._loop, **self._kwargs)
