"""The one-liner for scripts without an event loop: one image, one session."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pixian_batch.contract.address import DEFAULT_API_URL
from pixian_batch.library.client import PixianClient, Result

if TYPE_CHECKING:
    import os
    from typing import Unpack

    from pixian_batch.contract.params import Params
    from pixian_batch.library.parameters import Parameters
    from pixian_batch.library.sources import Source


def remove_background(
    source: Source,
    params: Params | None = None,
    *,
    to: str | os.PathLike[str] | None = None,
    via_delta: bool = False,
    convert: bool = False,
    api_id: str | None = None,
    api_secret: str | None = None,
    api_url: str = DEFAULT_API_URL,
    **parameters: Unpack[Parameters],
) -> Result:
    """Cut out one image and wait for it.

        import pixian_batch
        pixian_batch.remove_background("photo.jpg", to="photo.png", crop_to_foreground=True)

    Credentials come from PIXIAN_API_ID and PIXIAN_API_SECRET unless given. For many images use
    `PixianClient`: it keeps its connections. See `PixianClient.remove_background` for the rest. Raises
    RuntimeError inside a running event loop.
    """
    _check_no_loop()

    async def once() -> Result:
        async with PixianClient(api_id, api_secret, api_url=api_url, concurrency=1) as client:
            return await client.remove_background(
                source, params, to=to, via_delta=via_delta, convert=convert, **parameters
            )

    return asyncio.run(once())


def _check_no_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(
        "an event loop is running here (a notebook, an async program): use "
        "`async with PixianClient() as client: await client.remove_background(...)`"
    )
