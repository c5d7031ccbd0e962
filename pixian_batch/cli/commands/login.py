"""`pixian-batch login`: keep the API id and secret in the system's keyring, after the service has taken them."""

from __future__ import annotations

import asyncio
import getpass
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Final

from pixian_batch.adapters.credentials import KEYRING_SERVICE, host_of, keeps_nothing, open_keyring
from pixian_batch.adapters.wire.session import WireSession
from pixian_batch.adapters.wire.trace import WireError
from pixian_batch.cli.options import ApiUrl, ServiceOptions, option
from pixian_batch.cli.shared import check_way, fail, say
from pixian_batch.contract.account import Account, Credentials
from pixian_batch.policy.stopping import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pixian_batch.adapters.credentials import Keyring

_PATIENCE = 30.0
_WITHOUT: Final = "without one: PIXIAN_API_SECRET_FILE=FILE (chmod 600), or credentials-command"


def login(
    *,
    remove: Annotated[bool, option("--remove", "Forget them.")] = False,
    api_url: ApiUrl = ServiceOptions.api_url,
) -> None:
    """Keep the API id and secret in the system's keyring, after the service has taken them.

    Asks for both; the secret is not shown. Without a terminal they are read from standard input, two lines.

    Examples:
      pixian-batch login
      pixian-batch login --remove
    """
    url = check_way(api_url)
    keyring = open_keyring()
    if keyring is None:
        fail("the keyring is not installed", f"{_install_line()}\n{_WITHOUT}", code=Exit.USAGE)
    if keeps_nothing(keyring):
        hint = f"on Linux that is a desktop's (Secret Service, KWallet)\n{_WITHOUT}"
        fail("this system has no keyring that is running", hint, code=Exit.USAGE)
    if remove:
        _forget(keyring, host_of(url))
        return
    try:
        credentials = _ask()
        _try(credentials, url)
    except ValueError:  # its message may quote a part of them
        hint = "copy both from your Pixian.AI account again"
        fail("the API id or the secret has characters that cannot be sent", hint, code=Exit.USAGE)
    _keep(keyring, host_of(url), credentials)


def _install_line() -> str:
    """What installs the keyring, the way this program was installed."""
    place = sys.prefix.replace(os.sep, "/")
    if "/pipx/" in place:
        return "pipx inject pixian-batch keyring"
    if "/uv/tools/" in place:
        return "uv tool install 'pixian-batch[local,keyring]'"
    return "pip install 'pixian-batch[keyring]'"


def _ask() -> Credentials:
    if sys.stdin.isatty():
        sys.stderr.write("API id: ")
        sys.stderr.flush()
        lines = [sys.stdin.readline(), getpass.getpass("API secret (not shown): ", stream=sys.stderr)]
    else:
        lines = [sys.stdin.readline(), sys.stdin.readline()]
    api_id, secret = (line.strip() for line in lines)
    if not api_id or not secret:
        fail("the API id or the secret is empty", "both are in your Pixian.AI account", code=Exit.USAGE)
    if not (api_id + secret).isprintable():  # bytes that are not UTF-8, too
        raise ValueError
    return Credentials(api_id, secret)


def _try(credentials: Credentials, url: str) -> None:
    """One free request with them; ends the command when the service does not take them."""

    async def ask() -> object:
        async with WireSession(credentials, api_url=url, idle_timeout=_PATIENCE) as wire:
            return await wire.account()

    try:
        answer = asyncio.run(ask())
    except WireError as error:
        fail(
            f"the service could not be asked: {error}", "nothing was kept; try again later", code=Exit.SERVICE
        )
    if not isinstance(answer, Account):
        message, hint = getattr(answer, "message", ""), getattr(answer, "hint", "")
        fail(f"not taken: {message}", hint or "nothing was kept", code=Exit.CREDENTIALS)


def _keep(keyring: Keyring, host: str, credentials: Credentials) -> None:
    with _refusals("unlock it, or use credentials-command"):
        keyring.set_password(KEYRING_SERVICE, host, f"{credentials.api_id}:{credentials.secret}")
    say([f"kept in the keyring for {host}"])


def _forget(keyring: Keyring, host: str) -> None:
    with _refusals("unlock it and try again"):
        known = keyring.get_password(KEYRING_SERVICE, host) is not None
        if known:
            keyring.delete_password(KEYRING_SERVICE, host)
    say([f"forgotten for {host}" if known else f"nothing was kept for {host}"])


@contextmanager
def _refusals(hint: str) -> Iterator[None]:
    """End the command when the keyring will not."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  # every keyring raises its own
        fail(f"the keyring refused: {type(error).__name__}", hint, code=Exit.DISK)
