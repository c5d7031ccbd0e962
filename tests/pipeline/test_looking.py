"""A look at a result takes nobody's time and fails nobody."""

from __future__ import annotations

import asyncio
import io
import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from pixian_batch.contract.headers import Box, ResultHeaders
from pixian_batch.contract.params import Color, OutputFormat, Params, Size
from pixian_batch.pipeline.looking import Looker
from pixian_batch.pipeline.spec import Spec
from pixian_batch.pipeline.stop_sign import StopSign
from pixian_batch.policy.look import Look, Suspicion
from pixian_batch.policy.outcome import Done, Ending, Failed, Problem
from pixian_batch.policy.stopping import Exit, Stop

if TYPE_CHECKING:
    from pathlib import Path

EMPTY_BOX = ResultHeaders(input_size=Size(10, 10), input_foreground=Box(0, 0, 0, 0))


def result(path: Path, alpha: int) -> Ending:
    out = io.BytesIO()
    Image.new("RGBA", (64, 48), (9, 9, 9, alpha)).save(out, "PNG")
    path.write_bytes(out.getvalue())
    return Ending("a.jpg", str(path), Done(ResultHeaders(), 200), attempts=1)


def looks(ending: Ending, params: Params | None = None, *, stop: StopSign | None = None) -> Look | None:
    async def main() -> Ending:
        looker = Looker(Spec(params or Params()), stop or StopSign())
        try:
            return await looker.look(ending)
        finally:
            looker.close()

    done = asyncio.run(main()).outcome
    assert isinstance(done, Done)
    return done.look


def test_the_ending_says_what_was_seen(tmp_path: Path) -> None:
    for alpha, suspicion in (
        (0, Suspicion.EMPTY),
        (128, Suspicion.HALF_TRANSPARENT),
        (255, Suspicion.FULL),
    ):
        look = looks(result(tmp_path / "a.png", alpha))
        assert look is not None
        assert look.suspicion is suspicion


def test_a_result_without_alpha_is_known_by_its_headers_only(tmp_path: Path) -> None:
    ending = replace(result(tmp_path / "a.png", 255), outcome=Done(EMPTY_BOX, 200))
    for params in (Params(background_color=Color(255, 255, 255)), Params(output_format=OutputFormat.JPEG)):
        look = looks(ending, params)
        assert look is not None
        assert (look.suspicion, look.shares) == (Suspicion.EMPTY, None)


def test_whatever_is_wrong_with_a_file_the_image_is_done(tmp_path: Path) -> None:
    whole = result(tmp_path / "a.png", 255)
    content = (tmp_path / "a.png").read_bytes()
    for broken in (b"", content[:60], b"\x89PNG\r\n\x1a\n" + os.urandom(90)):
        (tmp_path / "a.png").write_bytes(broken)
        assert looks(whole) in {None, Look()}
    (tmp_path / "a.png").unlink()
    assert looks(whole) is None


def test_only_what_is_done_is_looked_at() -> None:
    ending = Ending("a.jpg", "out/a.png", Failed(Problem(None, "no")))
    assert asyncio.run(Looker(Spec(Params()), StopSign()).look(ending)) is ending


def test_a_hard_stop_waits_for_no_look(tmp_path: Path) -> None:
    stop = StopSign()
    stop.raise_hard(Stop(Exit.SIGINT, "stopped"))
    assert looks(result(tmp_path / "a.png", 0), stop=stop) is None


def test_results_that_come_too_fast_are_not_waited_for(tmp_path: Path) -> None:
    ending = result(tmp_path / "a.png", 0)

    async def main() -> list[Ending]:
        looker = Looker(Spec(Params()), StopSign(), threads=1)
        all_at_once = list(await asyncio.gather(*(looker.look(ending) for _ in range(50))))
        small = replace(ending, outcome=Done(ResultHeaders(result_size=Size(64, 48)), 200))
        few = await asyncio.gather(*(looker.look(small) for _ in range(50)))
        assert all(isinstance(one.outcome, Done) and one.outcome.look for one in few)
        return all_at_once

    seen = [one.outcome.look for one in asyncio.run(main()) if isinstance(one.outcome, Done)]
    assert len(seen) == 50
    assert 1 <= sum(look is not None for look in seen) <= 6, (
        "of twelve megapixels each, for all that is known"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="a thread's niceness is Linux's own")
def test_its_threads_give_way(tmp_path: Path) -> None:
    async def main() -> int:
        looker = Looker(Spec(Params()), StopSign(), threads=1)
        await looker.look(result(tmp_path / "a.png", 0))
        assert looker._executor is not None
        return await asyncio.get_running_loop().run_in_executor(
            looker._executor, lambda: os.getpriority(os.PRIO_PROCESS, 0)
        )

    assert asyncio.run(main()) >= os.getpriority(os.PRIO_PROCESS, 0) + 1
