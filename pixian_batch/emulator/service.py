"""One request for a result, from its arrival to its last byte.

Order: rate limit and other weather on arrival, the form, the account (test requests need none), the
picture, the charge, the answer. A charge is booked when the result is ready, before the first byte of
the answer leaves. Once a request was read to its end it is worked on and charged even if its client
has left, as a real service would do.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pixian_batch.contract.headers import ResultHeaders, write_result_headers
from pixian_batch.contract.params import canonical
from pixian_batch.emulator import faults, refusals
from pixian_batch.emulator.bill import ZERO, Bill, Visit
from pixian_batch.emulator.fetch import Fetcher
from pixian_batch.emulator.form import Form, Upload, check_head, check_kind, decode_base64, read_form
from pixian_batch.emulator.refusals import Refusal
from pixian_batch.emulator.weather import Bucket, Fault, Stage, draw, fault_of_image, forecast

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from aiohttp import web

    from pixian_batch.contract.params import Params
    from pixian_batch.emulator.account import CreditAccount
    from pixian_batch.emulator.rendering import Renderer
    from pixian_batch.emulator.result import RenderedResult
    from pixian_batch.emulator.settings import EmulatorSettings

_OUR_BUG = 500


class Service:
    """Serves `POST /remove-background`. Close it."""

    def __init__(
        self, settings: EmulatorSettings, *, bill: Bill, account: CreditAccount, renderer: Renderer
    ) -> None:
        self._settings = settings
        self._bill = bill
        self._account = account
        self._renderer = renderer
        self._fetcher = Fetcher(settings)
        self._bucket = Bucket(float(settings.weather.rate_limit.burst), 0.0)
        self._work: set[asyncio.Task[RenderedResult]] = set()

    async def close(self) -> None:
        """Drop what is under way; nothing of it is charged any more."""
        for task in self._work:
            task.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)
        await self._fetcher.close()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; raises `Refusal` and ConnectionError."""
        visit = self._bill.arrive()
        try:
            response = await self._serve(request, visit)
            visit.status = response.status
        except Refusal as refusal:
            visit.status, visit.code = refusal.error.status, refusal.error.code
            raise
        except faults.BrokenOnPurposeError:
            raise
        except (ConnectionError, asyncio.CancelledError):
            visit.client_left = True
            raise
        except BaseException:
            visit.status = _OUR_BUG
            raise
        finally:
            self._bill.leave(visit)
        return response

    async def _serve(self, request: web.BaseRequest, visit: Visit) -> web.StreamResponse:
        cast = forecast(self._settings.weather, visit.number)
        if cast.fault is not None and cast.fault.kind.stage is Stage.ARRIVAL:
            page = await self._strike(request, visit, cast.fault)
            if page is not None:
                return page
        self._check_pace(visit)
        check_head(request, self._settings)
        await _expect(request)
        upload, params = await self._receive(request)
        task = None
        try:
            fault = self._identify(visit, upload, params) or cast.fault
            self._account.check(test=params.test)
            if fault is not None and fault.kind.stage is not Stage.CHARGED:
                await asyncio.sleep(cast.latency)
                page = await self._strike(request, visit, fault)
                if page is not None:
                    return page
            task = self._begin(self._make(visit, upload, params, latency=cast.latency), upload)
        finally:
            if task is None:
                upload.close()
        return await self._deliver(request, visit, task, fault=fault)

    async def _strike(self, request: web.BaseRequest, visit: Visit, fault: Fault) -> web.Response | None:
        visit.fault = str(fault)
        return await faults.strike(request, fault, retry_after=self._settings.weather.rate_limit.retry_after)

    def _check_pace(self, visit: Visit) -> None:
        limit = self._settings.weather.rate_limit
        now = asyncio.get_running_loop().time()
        self._bucket, passes = draw(self._bucket, limit, now)
        crowded = limit.concurrent is not None and visit.at_once > limit.concurrent
        if crowded or not passes:
            raise refusals.slow_down(limit.retry_after)
        if len(self._work) >= self._settings.max_waiting:
            raise refusals.overloaded()

    async def _receive(self, request: web.BaseRequest) -> tuple[Upload, Params]:
        """The image, whichever way it came, and the parameters. The caller closes the upload."""
        form = await read_form(request, self._settings)
        try:
            params, source = form.params(), form.source()
            upload = await self._upload(form, source)
        except BaseException:
            form.close()
            raise
        return upload, params

    async def _upload(self, form: Form, source: str) -> Upload:
        if source == "image.url":
            return await self._fetcher.fetch(form.texts[source])
        upload = form.upload or decode_base64(form.texts[source], self._settings)
        try:
            check_kind(upload, source)
        except Refusal:
            upload.close()
            raise
        return upload

    def _identify(self, visit: Visit, upload: Upload, params: Params) -> Fault | None:
        visit.test, visit.params = params.test, canonical(params)
        times = self._bill.identify(visit, upload.digest)
        return fault_of_image(self._settings.weather, upload.digest, times)

    def _begin(
        self, work: Coroutine[None, None, RenderedResult], upload: Upload
    ) -> asyncio.Task[RenderedResult]:
        """Work that goes on when its client leaves; at its end the upload is closed."""
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        # Not in the work itself: a task that is cancelled before its first step never gets there.
        task.add_done_callback(lambda _: upload.close())
        return task

    async def _make(self, visit: Visit, upload: Upload, params: Params, *, latency: float) -> RenderedResult:
        """Make the result and charge for it."""
        await asyncio.sleep(latency)
        result = await self._renderer.make(upload, params)
        try:
            self._charge(visit, params, result)
        except BaseException:
            result.close()
            raise
        return result

    def _charge(self, visit: Visit, params: Params, result: RenderedResult) -> None:
        price = self._account.price(min(result.input_size.pixels, params.max_pixels))
        if params.test:
            self._bill.charge(visit, ZERO, calculated=price)
        else:
            self._account.check_price(price)
            self._bill.charge(visit, price)

    async def _deliver(
        self,
        request: web.BaseRequest,
        visit: Visit,
        task: asyncio.Task[RenderedResult],
        *,
        fault: Fault | None,
    ) -> web.StreamResponse:
        try:
            result = await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_drop)
            raise
        try:
            if fault is not None:
                visit.fault = str(fault)
            response = await faults.send(request, result, _headers(visit, result), fault=fault)
        finally:
            result.close()
        visit.delivered = True
        return response


def _headers(visit: Visit, result: RenderedResult) -> dict[str, str]:
    headers = ResultHeaders(
        credits_charged=visit.charged,
        credits_calculated=visit.calculated,
        input_orientation=result.orientation,
        input_size=result.input_size,
        result_size=result.result_size,
        input_foreground=result.input_foreground,
        result_foreground=result.result_foreground,
    )
    return {"Content-Type": result.kind.media_type} | write_result_headers(headers)


def _drop(task: asyncio.Task[RenderedResult]) -> None:
    """Nobody waits for this result any more."""
    if not task.cancelled() and task.exception() is None:
        task.result().close()


async def _expect(request: web.BaseRequest) -> None:
    """Tell a client that waits for it (curl does, above 1 MB) to send its body."""
    expected = request.headers.get("Expect")
    if expected is None:
        return
    if expected.lower() != "100-continue":
        raise refusals.expectation_failed(expected)
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    # The interim answer is not part of the answer: it must not count as "already begun".
    request.writer.output_size = 0
