"""Which service a command talks to: Pixian's, another address, or the embedded emulator."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pixian_batch.adapters.credentials import find_credentials
from pixian_batch.adapters.wire.session import DEFAULT_IDLE_TIMEOUT, WireSession, use_small_tls_buffers
from pixian_batch.contract.account import Credentials
from pixian_batch.contract.address import DEFAULT_API_URL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pixian_batch.emulator.settings import ModelChoice

LOCAL_CREDENTIALS = Credentials("local", "local")
_NOBODY = Credentials("nobody", "nothing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """The address, and who we are there. `local`: start the emulator for it, with the user's `model` or its own.

    silent: nothing will be asked, so nobody has to be known there.
    """

    local: bool = False
    model: ModelChoice | None = None
    api_url: str = DEFAULT_API_URL
    idle_timeout: float = DEFAULT_IDLE_TIMEOUT
    connections: int = 100
    silent: bool = False


@asynccontextmanager
async def open_wire(service: Endpoint) -> AsyncIterator[WireSession]:
    """A session with the service. Raises `NoCredentialsError`, and `EngineMissingError` for `local`."""
    use_small_tls_buffers()
    if not service.local:
        credentials = _NOBODY if service.silent else find_credentials(service.api_url)
        async with _wire(service, credentials, service.api_url) as wire:
            yield wire
        return
    from pixian_batch.emulator.server import Emulator  # its engine, only here
    from pixian_batch.emulator.settings import EmulatorSettings, ModelChoice

    settings = EmulatorSettings(free=True, model=service.model or ModelChoice())
    async with (
        Emulator(settings) as emulator,
        _wire(service, LOCAL_CREDENTIALS, emulator.url) as wire,
    ):
        yield wire


def _wire(service: Endpoint, credentials: Credentials, url: str) -> WireSession:
    return WireSession(
        credentials, api_url=url, idle_timeout=service.idle_timeout, connections=service.connections
    )
