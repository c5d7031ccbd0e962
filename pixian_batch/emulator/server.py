"""The emulator's life: opening its port, finding the way to what is asked, closing without a trace.

What happens to one image is `service.py`'s work. Every refusal is JSON in the API's form; only our own
bugs and the weather answer 5xx.
"""

from __future__ import annotations

import logging
import ssl
import time
from typing import TYPE_CHECKING, Final, Self

from aiohttp import web

from pixian_batch.emulator import auth, refusals
from pixian_batch.emulator.account import CreditAccount
from pixian_batch.emulator.answers import JsonServer, error_answer, refusal_answer
from pixian_batch.emulator.bill import Bill
from pixian_batch.emulator.openapi import describe
from pixian_batch.emulator.refusals import ACCOUNT_PATH, API_PATH, REMOVE_PATH, Refusal
from pixian_batch.emulator.rendering import Renderer
from pixian_batch.emulator.service import Service

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from pixian_batch.emulator.settings import EmulatorSettings

log = logging.getLogger(__name__)
BILL_PATH: Final = "/emulator/bill"
OPENAPI_PATH: Final = "/emulator/openapi.json"
_BACKLOG: Final = 1024
_SHUTDOWN_SECONDS: Final = 0.2


class Emulator:
    """A running emulator: `async with Emulator(settings) as emulator: emulator.url`.

    Start it and stop it in one event loop. `port` 0 takes a free one. `now` is the wall clock that the bill
    is dated by, in seconds since 1970: here, and nowhere else in this room, is it read.
    """

    def __init__(
        self,
        settings: EmulatorSettings,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._host = host
        self._port = port
        self._bill = Bill(now=now, entries=settings.bill_entries, file=settings.bill_file)
        self._account = CreditAccount(settings, self._bill)
        self._renderer = Renderer(settings)
        self._service = Service(settings, bill=self._bill, account=self._account, renderer=self._renderer)
        self._runner: web.ServerRunner | None = None
        self._routes: dict[str, dict[str, Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]]] = {
            REMOVE_PATH: {"POST": self._service.handle},
            ACCOUNT_PATH: {"GET": self._show_account},
            BILL_PATH: {"GET": self._show_bill, "DELETE": self._reset_bill},
            OPENAPI_PATH: {"GET": self._show_openapi},
        }

    @property
    def url(self) -> str:
        """The base URL of the API, e.g. `http://127.0.0.1:8080/api/v2`."""
        return f"{self.origin}{API_PATH}"

    @property
    def origin(self) -> str:
        """Scheme, host and port, e.g. `http://127.0.0.1:8080`."""
        scheme = "https" if self._settings.tls_cert else "http"
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{scheme}://{host}:{self._port}"

    @property
    def bill(self) -> Bill:
        """The same bill that `GET /emulator/bill` shows. Read it in the emulator's own event loop."""
        return self._bill

    @property
    def account(self) -> CreditAccount:
        """Whose balance falls with what is on the bill. Read it in the emulator's own event loop."""
        return self._account

    async def start(self) -> None:
        """Load the engine and open the port; raises `EngineMissingError` and OSError (port taken)."""
        try:
            await self._renderer.start()
            self._runner = web.ServerRunner(self._server(), shutdown_timeout=_SHUTDOWN_SECONDS)
            await self._runner.setup()
            context = _tls(self._settings)
            site = web.TCPSite(self._runner, self._host, self._port, ssl_context=context, backlog=_BACKLOG)
            await site.start()
        except BaseException:
            await self.stop()
            raise
        self._port = self._runner.addresses[0][1]
        log.info("the emulator listens at %s (engine %s)", self.url, self._settings.engine)

    async def stop(self) -> None:
        """Close the port and every connection and drop what is under way. May be called twice."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        await self._service.close()
        await self._renderer.close()
        self._bill.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _server(self) -> JsonServer:
        # With handler_cancellation a stall ends when its client leaves.
        return JsonServer(
            self._answer, handler_cancellation=True, access_log=None, lingering_time=_LINGERING_SECONDS
        )

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        response: web.StreamResponse
        try:
            response = await self._route(request)
        except Refusal as refusal:
            response = refusal_answer(refusal)
        except ConnectionError:
            raise
        except Exception:
            log.exception("a bug of the emulator at %s %s", request.method, request.path)
            response = error_answer(refusals.our_bug())
        log.debug("%s %s -> %s", request.method, request.path, response.status)
        return response

    async def _route(self, request: web.BaseRequest) -> web.StreamResponse:
        path, method = request.path, request.method
        handlers = self._routes.get(path)
        if handlers is None:
            raise refusals.wrong_path(path)
        if method not in handlers:
            raise refusals.wrong_method(method, path, ", ".join(handlers))
        if path.startswith(API_PATH):
            auth.check(request.headers.get("Authorization"), self._settings)
        return await handlers[method](request)

    async def _show_account(self, _: web.BaseRequest) -> web.StreamResponse:
        return web.json_response(self._account.as_json())

    async def _show_bill(self, request: web.BaseRequest) -> web.StreamResponse:
        entries, arrivals = (_count(request.query.get(name, "0")) for name in ("entries", "arrivals"))
        images = request.query.get("images", "true") != "false"
        return web.json_response(self._bill.as_json(images=images, entries=entries, arrivals=arrivals))

    async def _reset_bill(self, _: web.BaseRequest) -> web.StreamResponse:
        self._bill.reset()
        return web.json_response(self._bill.as_json())

    async def _show_openapi(self, _: web.BaseRequest) -> web.StreamResponse:
        return web.json_response(describe(self.origin))


_LINGERING_SECONDS: Final = 30.0
"""How long an upload whose answer is already given may go on, so that its client gets to read the answer."""


def _count(text: str) -> int:
    return min(int(text), 1_000_000) if text.isascii() and text.isdigit() and len(text) < _DIGITS else 0


_DIGITS: Final = 10


def _tls(settings: EmulatorSettings) -> ssl.SSLContext | None:
    if settings.tls_cert is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(settings.tls_cert, settings.tls_key)
    return context
