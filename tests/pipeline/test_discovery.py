"""What is done is recognised before any worker is asked, and no two inputs may want one place."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest
from support.hearing import Hearing
from support.pictures import picture, put
from support.records import answered, ended, sending

from pixian_batch.adapters.landing import Landing
from pixian_batch.adapters.ledger import Ledger
from pixian_batch.adapters.reading import read_fingerprint
from pixian_batch.contract.params import Params
from pixian_batch.pipeline.discovery import Discovery
from pixian_batch.pipeline.inputs import Inputs
from pixian_batch.pipeline.job import Found
from pixian_batch.pipeline.originals import Originals
from pixian_batch.pipeline.progress import Progress
from pixian_batch.pipeline.spec import Spec
from pixian_batch.pipeline.stop_sign import StopSign
from pixian_batch.pipeline.stream import Stream
from pixian_batch.policy.outcome import Failed, Skipped
from pixian_batch.policy.ramp import Ramp
from pixian_batch.policy.record import Key, Placed
from pixian_batch.policy.stopping import Exit, Stop

if TYPE_CHECKING:
    from pathlib import Path


async def bought(ledger: Ledger, folder: Path, *names: str) -> None:
    """As if a run had bought these: the ledger says so, and the results stand there."""
    key_params = Spec(Params()).key_params(rebuild=False)
    for name in names:
        path = str(folder / "in" / name)
        fingerprint = read_fingerprint(path)
        key = Key(fingerprint.digest, key_params)
        place = name.rpartition(".")[0] + ".png"
        attempt = ledger.next_attempt()
        await ledger.sending(sending(attempt, key=key, input=path, place=place))
        await ledger.answered(attempt, answered())
        await ledger.ended(attempt, ended())
        put(folder / "out" / place, b"result")
        ledger.note_source(path, fingerprint.stamp.size, fingerprint.stamp.mtime_ns, fingerprint.digest)
        await ledger.placed(path, place, Placed(key, len(b"result")))


async def discover(
    folder: Path, inputs: Inputs, *, buy: tuple[str, ...] = (), params: Params | None = None
) -> tuple[list[str], Hearing, int]:
    """What may need work, by name; what was told; how many were done."""
    ledger = await Ledger.open(str(folder / "ledger.db"))
    await ledger.begin_run(version="1", service="test")
    await bought(ledger, folder, *buy)
    hearing, stop, stream = Hearing(skipped=True), StopSign(), Stream[Found]()
    progress = Progress(ramp=Ramp(), stop=stop, watcher=hearing, out=str(folder / "out"))
    spec = Spec(params or Params())
    discovery = Discovery(
        spec=spec,
        ledger=ledger,
        landing=Landing(str(folder / "out")),
        stop=stop,
        listener=progress,
        originals=Originals(inputs, str(folder / "out")),
    )
    walk = inputs.walk(out=str(folder / "out"), result_names=spec.result_names)
    feeding = asyncio.ensure_future(discovery.feed(walk, stream, several=inputs.several))
    fresh: list[str] = []
    while (item := await stream.take()) is not None:
        assert discovery.work.is_set()
        fresh.append(os.path.basename(item.path))
    assert await feeding == len(fresh) + len(hearing.endings)
    await ledger.close()
    done = [ending for ending in hearing.endings if isinstance(ending.outcome, Skipped)]
    return fresh, hearing, len(done)


@pytest.mark.asyncio
async def test_done_changed_gone_and_new(tmp_path: Path) -> None:
    names = ["done.jpg", "changed.jpg", "gone.jpg", "short.jpg", "new.jpg"]
    for shade, name in enumerate(names):
        put(tmp_path / "in" / name, picture("jpg", shade=shade))
    inputs = Inputs((str(tmp_path / "in"),))
    fresh, _, done = await discover(tmp_path, inputs, buy=tuple(names[:4]))
    assert (sorted(fresh), done) == (["new.jpg"], 4)
    put(tmp_path / "in" / "changed.jpg", picture("jpg", shade=77, size=(30, 30)))
    (tmp_path / "out" / "gone.png").unlink()
    (tmp_path / "out" / "short.png").write_bytes(b"res")
    fresh, _, done = await discover(tmp_path, inputs)
    assert (sorted(fresh), done) == (["changed.jpg", "gone.jpg", "new.jpg", "short.jpg"], 1)


@pytest.mark.asyncio
async def test_the_result_of_other_parameters_is_not_the_one_asked_for(tmp_path: Path) -> None:
    put(tmp_path / "in" / "a.jpg", picture("jpg"))
    inputs = Inputs((str(tmp_path / "in"),))
    _, _, done = await discover(tmp_path, inputs, buy=("a.jpg",))
    assert done == 1
    fresh, _, done = await discover(tmp_path, inputs, params=Params(crop_to_foreground=True))
    assert (fresh, done) == (["a.jpg"], 0)


@pytest.mark.asyncio
async def test_of_two_that_want_one_place_the_later_one_fails_and_the_others_go_on(tmp_path: Path) -> None:
    for name in ("a.jpg", "A.png", "b.jpg"):
        put(tmp_path / "in" / name, picture(name[-3:]))
    fresh, hearing, _ = await discover(tmp_path, Inputs((str(tmp_path / "in"),)))
    assert fresh == ["A.png", "b.jpg"]
    assert {
        ending.outcome.problem.code for ending in hearing.endings if isinstance(ending.outcome, Failed)
    } == {"collision"}
    assert len(hearing.endings) == 1


@pytest.mark.asyncio
async def test_an_input_named_twice_is_one_and_another_root_may_not_take_its_place(tmp_path: Path) -> None:
    put(tmp_path / "in" / "a.jpg", picture("jpg"))
    put(tmp_path / "more" / "a.jpg", picture("jpg", shade=9))
    path = str(tmp_path / "in" / "a.jpg")
    ledger = await Ledger.open(str(tmp_path / "ledger.db"))
    hearing, stop, stream = Hearing(), StopSign(), Stream[Found]()
    progress = Progress(ramp=Ramp(), stop=stop, watcher=hearing, out=str(tmp_path / "out"))
    spec = Spec(Params())
    inputs = Inputs((path, path, str(tmp_path / "more")))
    discovery = Discovery(
        spec=spec,
        ledger=ledger,
        landing=Landing(str(tmp_path / "out")),
        stop=stop,
        listener=progress,
        originals=Originals(inputs, str(tmp_path / "out")),
    )
    walk = inputs.walk(out=str(tmp_path / "out"), result_names=spec.result_names)
    feeding = asyncio.ensure_future(discovery.feed(walk, stream, several=True))
    fresh = []
    while (item := await stream.take()) is not None:
        fresh.append(item.path)
    await feeding
    await ledger.close()
    assert fresh == [path]
    [ending] = hearing.endings
    assert isinstance(ending.outcome, Failed)
    assert "another input of this run" in ending.outcome.problem.message


@pytest.mark.asyncio
async def test_when_the_run_stops_nothing_more_is_handed_over(tmp_path: Path) -> None:
    for number in range(5):
        put(tmp_path / "in" / f"{number}.jpg", picture("jpg"))
    ledger = await Ledger.open(str(tmp_path / "ledger.db"))
    stop, stream = StopSign(), Stream[Found]()
    progress = Progress(ramp=Ramp(), stop=stop, watcher=Hearing(), out="out")
    spec = Spec(Params())
    inputs = Inputs((str(tmp_path / "in"),))
    discovery = Discovery(
        spec=spec,
        ledger=ledger,
        landing=Landing("out"),
        stop=stop,
        listener=progress,
        originals=Originals(inputs, "out"),
    )
    walk = inputs.walk(out="out", result_names=spec.result_names)
    feeding = asyncio.ensure_future(discovery.feed(walk, stream, several=False))
    assert await stream.take() is not None
    stop.raise_(Stop(Exit.SIGINT, "stopped"))
    taken = 0
    while await stream.take() is not None:
        taken += 1
    assert await feeding is None
    assert taken <= 1, "what was on its way"
    await ledger.close()
