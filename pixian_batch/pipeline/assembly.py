"""How the rooms of a run are put together, in one visible place. Moves nothing itself.

The layers around one request, from the outside in, each the same callable (`job.Send`):

    retry      Worker       rests and sends again; a job never goes back into a queue
    circuit    Circuit      closed, or one probe at a time while the service fails for everyone
    money      Spending     within the limits: the highest possible price is set aside
    disk       DiskRoom     room for the result is set aside
    record     Recording    written down before, while and after it is sent
    exchange   exchange()   the request and its answer on the wire

Proved by tests/money/test_faults.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from pixian_batch.pipeline.buying import Buying
from pixian_batch.pipeline.circuit import Circuit
from pixian_batch.pipeline.concurrency import Concurrency, InUse
from pixian_batch.pipeline.converting import Converter
from pixian_batch.pipeline.deciding import Deciding
from pixian_batch.pipeline.drawing import Drawing
from pixian_batch.pipeline.duplicating import Duplicates
from pixian_batch.pipeline.image import ImageHandler
from pixian_batch.pipeline.keeping import Keeping
from pixian_batch.pipeline.pixel_room import PixelRoom
from pixian_batch.pipeline.pool import Pool
from pixian_batch.pipeline.preflight import Preflight
from pixian_batch.pipeline.preparing import Preparing
from pixian_batch.pipeline.rests import Rests
from pixian_batch.pipeline.sending import DiskRoom, Recording
from pixian_batch.pipeline.spending import Spending
from pixian_batch.pipeline.worker import Worker
from pixian_batch.policy.concurrency import ChangeReason

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pixian_batch.adapters.landing import Landing
    from pixian_batch.adapters.ledger import Ledger
    from pixian_batch.adapters.wire.session import WireSession
    from pixian_batch.pipeline.finishing import Finisher
    from pixian_batch.pipeline.job import Found
    from pixian_batch.pipeline.pool import Turn
    from pixian_batch.pipeline.spec import Pace, Spec
    from pixian_batch.pipeline.spending import Limits
    from pixian_batch.pipeline.stop_sign import StopSign
    from pixian_batch.policy.concurrency import ConcurrencyChange
    from pixian_batch.policy.outcome import Done
    from pixian_batch.policy.progress import Watcher
    from pixian_batch.policy.record import Key


@dataclass(slots=True, kw_only=True)
class Assembly:
    """The rooms that one run's images pass, made of the doors that it has opened."""

    session: WireSession
    ledger: Ledger
    landing: Landing
    finisher: Finisher
    stop: StopSign
    watcher: Watcher
    spec: Spec
    pace: Pace
    limits: Limits
    spending: Spending = field(init=False)
    preflight: Preflight = field(init=False)
    rests: Rests = field(default_factory=Rests)
    concurrency: Concurrency = field(init=False)

    def __post_init__(self) -> None:
        recording = Recording(
            session=self.session,
            ledger=self.ledger,
            landing=self.landing,
            stop=self.stop,
            free=self.spec.free,
        )
        self.spending = Spending(
            session=self.session,
            ledger=self.ledger,
            stop=self.stop,
            send=DiskRoom(landing=self.landing, send=recording),
            free=self.spec.free,
            limits=self.limits,
            all_key_params=self.spec.all_key_params(),
        )
        self.preflight = Preflight(
            session=self.session,
            ledger=self.ledger,
            spending=self.spending,
            stop=self.stop,
            retry_policy=self.pace.retry_policy,
            notify=self.watcher.notify,
            local=self.spec.service.startswith("local"),
            free=self.spec.free,
        )

    def pool(self, handle: Callable[[Found, Turn], Awaitable[None]]) -> tuple[Pool[Found], Circuit]:
        """The workers, and the circuit that all of them send through."""
        self.concurrency = Concurrency(
            state=lambda: self._in_use(pool, circuit),
            note=self._note_change,
        )
        self.rests.on_change = self.concurrency.rested
        self.stop.on_up = partial(self.concurrency.once, ChangeReason.STOP)
        pool: Pool[Found] = Pool(
            self.pace.ramp,
            self.stop,
            hire=lambda: Worker(circuit, self.stop, self.pace.retry_policy, rests=self.rests),
            handle=handle,
            on_step=self.concurrency.stepped,
        )
        circuit = Circuit(
            breaker=self.pace.breaker,
            stop=self.stop,
            send=self.spending,
            idle=pool.idle,
            on_trip=self.concurrency.once,
        )
        return pool, circuit

    def _in_use(self, pool: Pool[Found], circuit: Circuit) -> InUse:
        """What may be sent now: nothing once the run stops, one probe while the service fails for everyone."""
        allowed = 0 if self.stop.up else min(1, pool.allowed) if circuit.is_tripped() else pool.allowed
        return InUse(allowed, pool.in_use, self.rests.resting)

    def _note_change(self, change: ConcurrencyChange) -> None:
        self.ledger.note_concurrency(change)
        self.watcher.concurrency(change)

    def handler(self, masters: dict[Key, Done]) -> ImageHandler:
        """One image's way. masters: that were finished for an interrupted run, by their keys."""
        duplicates = Duplicates(self.finisher)
        return ImageHandler(
            replace=self.spec.replace,
            buys=not self.spec.require_cached,
            ledger=self.ledger,
            landing=self.landing,
            preparing=Preparing(spec=self.spec, landing=self.landing),
            deciding=Deciding(spec=self.spec, ledger=self.ledger, landing=self.landing),
            keeping=Keeping(self.ledger, self.landing),
            finisher=self.finisher,
            duplicates=duplicates,
            buying=self._buying(duplicates, masters),
            stop=self.stop,
        )

    def _buying(self, duplicates: Duplicates, masters: dict[Key, Done]) -> Buying:
        room = PixelRoom()
        return Buying(
            free=self.spec.free,
            ledger=self.ledger,
            landing=self.landing,
            converter=Converter(landing=self.landing, stop=self.stop, notify=self.watcher.notify, room=room),
            finisher=self.finisher,
            duplicates=duplicates,
            drawing=Drawing(params=self.spec.params, finisher=self.finisher, room=room),
            recovered=masters,
            preflight=self.preflight,
            stop=self.stop,
            notify=self.watcher.notify,
        )
