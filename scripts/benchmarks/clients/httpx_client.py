"""httpx and asyncio, as people write it: one client, as many tasks as workers.

usage: python httpx_client.py URL WORKERS OUT FILE...
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

import httpx  # type: ignore[import-not-found, unused-ignore]  # in its own environment

if TYPE_CHECKING:
    from collections.abc import Iterator


async def _work(client: httpx.AsyncClient, url: str, out: str, paths: Iterator[str]) -> None:
    for path in paths:
        with open(path, "rb") as stream:  # noqa: ASYNC230  # as people write it
            answer = await client.post(url, files={"image": stream}, auth=("id", "secret"))
        answer.raise_for_status()
        target = os.path.join(out, os.path.basename(path) + ".png")
        with open(target + ".part", "wb") as result:  # noqa: ASYNC230  # as people write it
            result.write(answer.content)
        os.rename(target + ".part", target)


async def _main(url: str, workers: int, out: str, paths: list[str]) -> None:
    limits = httpx.Limits(max_connections=workers, max_keepalive_connections=workers)
    ours = iter(paths)
    async with httpx.AsyncClient(limits=limits, timeout=180) as client:
        await asyncio.gather(*(_work(client, url, out, ours) for _ in range(workers)))


asyncio.run(_main(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4:]))
