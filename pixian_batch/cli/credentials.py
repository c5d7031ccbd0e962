"""Where a command's API id and secret come from. The first place that holds a secret decides.

1. the environment: PIXIAN_API_SECRET, or the file that PIXIAN_API_SECRET_FILE names
2. the command of `credentials-command` (a key of the user's file, or PIXIAN_BATCH_CREDENTIALS_COMMAND)
3. the system's keyring, filled by `pixian-batch login` (the optional extra `keyring`)
4. ~/.netrc, the entry of the API's host

A secret is never an option's value, and no message of this module repeats what a file or a command said.
"""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, Final, NoReturn, Protocol, cast
from urllib.parse import urlsplit

from pixian_batch.adapters.credentials import NoCredentialsError as CredentialsError
from pixian_batch.adapters.credentials import read_credentials
from pixian_batch.contract.account import Credentials
from pixian_batch.contract.address import DEFAULT_API_URL
from pixian_batch.display.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CredentialsError", "find_credentials"]

COMMAND: Final = "PIXIAN_BATCH_CREDENTIALS_COMMAND"
PATIENCE: Final = 60.0
"""Seconds that the command may take: it may have to ask somebody for a passphrase."""
KEYRING_SERVICE: Final = "pixian-batch"
_STDERR_LINES: Final = 5


class Keyring(Protocol):
    """What is used of the `keyring` package."""

    def get_password(self, service: str, username: str) -> str | None:
        """The stored text."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Store a text."""

    def delete_password(self, service: str, username: str) -> None:
        """Forget it."""


def find_credentials(api_url: str = DEFAULT_API_URL) -> Credentials:
    """The credentials for the API at `api_url`. Blocking. Raises `CredentialsError`."""
    if os.environ.get("PIXIAN_API_SECRET", "").strip() or os.environ.get("PIXIAN_API_SECRET_FILE"):
        return _noted(Credentials(*read_credentials()))
    sources: tuple[Callable[[str], Credentials | None], ...] = (_from_command, _from_keyring, _from_netrc)
    for source in sources:
        if (found := source(host_of(api_url))) is not None:
            return _noted(found)
    known = bool(os.environ.get("PIXIAN_API_ID", "").strip())
    raise CredentialsError(
        "PIXIAN_API_SECRET is not set" if known else "PIXIAN_API_ID and PIXIAN_API_SECRET are not set",
        "set both to the API id and secret of your Pixian.AI account, keep them with: pixian-batch login,"
        " or try --local: no account, no cost",
    )


def redacted(text: str) -> str:
    """`text` without any secret that this process has found."""
    for secret in _FOUND:
        text = text.replace(secret, "[secret]")
    return text


_FOUND: Final[set[str]] = set()
_SHORTEST: Final = 8
"""Shorter ones are nobody's secret, and would be found in ordinary words."""


def _noted(credentials: Credentials) -> Credentials:
    _FOUND.update(
        text
        for text in (credentials.secret, credentials.basic().removeprefix("Basic "))
        if len(text) >= _SHORTEST
    )
    return credentials


def host_of(api_url: str) -> str:
    """The name under which the credentials of an API are kept: its host, with the port where one is given."""
    return urlsplit(api_url).netloc


# --- a command ---------------------------------------------------------------------------------------


def _from_command(_host: str) -> Credentials | None:
    text = os.environ.get(COMMAND, "").strip()
    return _read(_output_of(text), "the credentials command") if text else None


def _output_of(text: str) -> list[str]:
    """The lines that the command prints. It runs without a shell, for a limited time."""
    try:
        words = shlex.split(text)
        done = subprocess.run(  # noqa: S603  # the user's own command, from the user's own settings
            words, capture_output=True, timeout=PATIENCE, check=False
        )
    except ValueError as error:
        _refuse(f"the credentials command cannot be read: {error}", f"check its quotes: {COMMAND}")
    except subprocess.TimeoutExpired:
        _refuse(f"the credentials command did not end within {PATIENCE:.0f} s", "run it by hand once")
    except OSError as error:
        _refuse(f"the credentials command cannot be run: {error.strerror}", f"check its name: {words[0]}")
    if done.returncode:
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-_STDERR_LINES:]
        said = "; ".join(printable(line) for line in last) or "nothing on stderr"
        _refuse(f"the credentials command ended with code {done.returncode}: {said}", "run it by hand once")
    return done.stdout.decode("utf-8", "replace").splitlines()


def _read(lines: list[str], where: str) -> Credentials:
    """`id:secret`, or the id and the secret on two lines, or the secret alone where the id is known."""
    lines = [line.strip() for line in lines if line.strip()]
    known = os.environ.get("PIXIAN_API_ID", "").strip()
    if not lines:
        _refuse(f"{where} gave nothing", "it should print id:secret")
    first, colon, rest = lines[0].partition(":")
    if colon:
        return Credentials(first.strip(), rest.strip())
    if known:
        return Credentials(known, lines[0])
    if len(lines) == 1:
        _refuse(f"{where} gave only one word", "it should print id:secret, or set PIXIAN_API_ID too")
    return Credentials(lines[0], lines[1])


# --- the keyring -------------------------------------------------------------------------------------


def open_keyring() -> Keyring | None:
    """The `keyring` package, or None where the extra is not installed."""
    try:
        import keyring  # optional, and slow to load
    except ImportError:
        return None
    return cast("Keyring", keyring)


def _from_keyring(host: str) -> Credentials | None:
    keyring = open_keyring()
    if keyring is None:
        return None
    try:
        text = keyring.get_password(KEYRING_SERVICE, host)
    except Exception:  # noqa: BLE001  # a locked, broken or missing keyring is no keyring; each raises its own
        return None
    return _read([text], "the keyring") if text else None


# --- netrc -------------------------------------------------------------------------------------------


def _from_netrc(host: str) -> Credentials | None:
    path = os.environ.get("NETRC") or os.path.join(os.path.expanduser("~"), ".netrc")
    if not os.path.isfile(path):
        return None
    import netrc  # rarely needed

    try:
        found = netrc.netrc(path).hosts.get(host.partition(":")[0])
        readable = os.stat(path).st_mode & (stat.S_IRGRP | stat.S_IROTH)
    except netrc.NetrcParseError as error:
        # Its message may quote a password.
        raise CredentialsError(f"{path} cannot be read, line {error.lineno}", "correct it") from None
    except (OSError, UnicodeDecodeError):
        return None
    if found is None:
        return None
    if readable and sys.platform != "win32":
        _refuse(f"{path} can be read by others", f"run: chmod 600 {shlex.quote(path)}")
    return Credentials(found[0], found[2])


def _refuse(message: str, hint: str) -> NoReturn:
    raise CredentialsError(message, hint) from None
