"""Where the API id and secret come from. The first place that holds a secret decides.

1. the environment: PIXIAN_API_SECRET, or 2. the file that PIXIAN_API_SECRET_FILE names
3. the command of `credentials-command` (a key of the user's file, or PIXIAN_BATCH_CREDENTIALS_COMMAND)
4. the system's keyring, filled by `pixian-batch login` (the optional extra `keyring`)
5. ~/.netrc, the entry of the API's host

A secret is never an option's value: it would stand in the process list and the shell's history. No message
of this module repeats a secret. What a command wrote on its standard error is quoted as it is: whoever
prints an error makes it printable.
"""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, Final, NoReturn, Protocol, cast
from urllib.parse import urlsplit

from pixian_batch.contract.account import Credentials, redacted
from pixian_batch.contract.address import DEFAULT_API_URL
from pixian_batch.policy.disk import system_word
from pixian_batch.policy.encoding import SAVE_AS_UTF8, Utf16Error, is_utf16, text_of, without_mark

if TYPE_CHECKING:
    from collections.abc import Callable

COMMAND: Final = "PIXIAN_BATCH_CREDENTIALS_COMMAND"
PATIENCE: Final = 60.0
"""Seconds that the command may take: it may have to ask somebody for a passphrase."""
KEYRING_SERVICE: Final = "pixian-batch"
_STDERR_LINES: Final = 5
_MOST_BYTES: Final = 1 << 16
"""Of a file with a secret: more is none, and fits into no pipe."""


class NoCredentialsError(Exception):
    """No usable credentials: what is wrong; `hint`: what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class Keyring(Protocol):
    """What is used of the `keyring` package."""

    def get_password(self, service: str, username: str) -> str | None:
        """The stored text."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Store a text."""

    def delete_password(self, service: str, username: str) -> None:
        """Forget it."""


def find_credentials(api_url: str = DEFAULT_API_URL) -> Credentials:
    """The credentials for the API at `api_url`, of all places. Blocking. Raises `NoCredentialsError`."""
    if _variable("PIXIAN_API_SECRET") or os.environ.get("PIXIAN_API_SECRET_FILE"):
        return _noted(Credentials(*read_credentials()))
    sources: tuple[Callable[[str], Credentials | None], ...] = (_from_command, _from_keyring, _from_netrc)
    for source in sources:
        if (credentials := source(host_of(api_url))) is not None:
            return _noted(credentials)
    raise NoCredentialsError(
        "PIXIAN_API_SECRET is not set"
        if _variable("PIXIAN_API_ID")
        else "PIXIAN_API_ID and PIXIAN_API_SECRET are not set",
        "set both to the API id and secret of your Pixian.AI account, keep them with: pixian-batch login,"
        " or try --local: no account, no cost",
    )


def hide_secrets(text: str) -> str:
    """`text` without any secret that `find_credentials` has given to this process."""
    return redacted(text, _NOTED)


_NOTED: Final[set[str]] = set()


def _noted(credentials: Credentials) -> Credentials:
    _NOTED.update(credentials.secrets)
    return credentials


def host_of(api_url: str) -> str:
    """The name under which the credentials of an API are kept: its host, with the port where one is given."""
    return urlsplit(api_url).netloc


def _variable(name: str) -> str:
    return os.environ.get(name, "").strip()


# --- the environment, and a file -----------------------------------------------------------------------


def read_credentials() -> tuple[str, str]:
    """The id and the secret of the environment. Raises `NoCredentialsError`."""
    pair = _variable("PIXIAN_API_ID"), _variable("PIXIAN_API_SECRET") or _from_file()
    missing = [
        name for name, value in zip(("PIXIAN_API_ID", "PIXIAN_API_SECRET"), pair, strict=True) if not value
    ]
    if missing:
        raise NoCredentialsError(
            f"{' and '.join(missing)} {'are' if len(missing) > 1 else 'is'} not set",
            "set both to the API id and secret of your Pixian.AI account, or try --local: no account, no cost",
        )
    return pair


def _from_file() -> str:
    path = os.environ.get("PIXIAN_API_SECRET_FILE", "")
    if not path:
        return ""
    try:
        with open(path, "rb") as stream:
            _check_private(path, os.fstat(stream.fileno()))
            return text_of(stream.read(_MOST_BYTES)).strip().partition("\n")[0].strip()
    except Utf16Error as error:
        _refuse(f"{path} {error}", SAVE_AS_UTF8)
    except UnicodeDecodeError:
        _refuse(f"PIXIAN_API_SECRET_FILE {path}: it is not UTF-8 text", "write the secret alone into it")
    except OSError as error:
        why = system_word(error)
        _refuse(f"PIXIAN_API_SECRET_FILE {path} cannot be read: {why}", "check the path and its rights")


def _check_private(path: str, status: os.stat_result) -> None:
    """Refuse a file that others can read, where this user can change that: a secret that is mounted is as it is."""
    if sys.platform == "win32" or not status.st_mode & (stat.S_IRGRP | stat.S_IROTH):
        return
    if status.st_uid == os.geteuid() and not os.statvfs(path).f_flag & os.ST_RDONLY:
        _refuse(f"{path} can be read by others", f"run: chmod 600 {shlex.quote(path)}")


# --- a command -----------------------------------------------------------------------------------------


def _from_command(_host: str) -> Credentials | None:
    text = _variable(COMMAND)
    return _read(_output_of(text), "the credentials command") if text else None


def _output_of(text: str) -> list[str]:
    """The lines that the command prints. It runs without a shell, for a limited time."""
    try:
        words = shlex.split(text)
        done = subprocess.run(  # noqa: S603  # the user's own command, from the user's own settings
            words, capture_output=True, timeout=PATIENCE, check=False
        )
    except ValueError:
        _refuse(
            "the credentials command cannot be read: a quote is not closed", f"check its quotes: {COMMAND}"
        )
    except subprocess.TimeoutExpired:
        _refuse(f"the credentials command did not end within {PATIENCE:.0f} s", "run it by hand once")
    except OSError as error:
        _refuse(f"the credentials command cannot be run: {system_word(error)}", f"check its name: {words[0]}")
    if done.returncode:
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-_STDERR_LINES:]
        reason = "; ".join(last) or "nothing on stderr"
        _refuse(f"the credentials command ended with code {done.returncode}: {reason}", "run it by hand once")
    try:
        return text_of(done.stdout, errors="replace").splitlines()
    except Utf16Error as error:
        _refuse(f"what the credentials command prints {error}", "let it print UTF-8")


def _read(lines: list[str], where: str) -> Credentials:
    """`id:secret`, or the id and the secret on two lines, or the secret alone where the id is known."""
    lines = [line.strip() for line in lines if line.strip()]
    if not lines:
        _refuse(f"{where} gave nothing", "it should print id:secret")
    first, colon, rest = lines[0].partition(":")
    if colon:
        return Credentials(first.strip(), rest.strip())
    if known := _variable("PIXIAN_API_ID"):
        return Credentials(known, lines[0])
    if len(lines) == 1:
        _refuse(f"{where} gave only one word", "it should print id:secret, or set PIXIAN_API_ID too")
    return Credentials(lines[0], lines[1])


# --- the keyring ---------------------------------------------------------------------------------------


def open_keyring() -> Keyring | None:
    """The `keyring` package, or None where the extra is not installed."""
    try:
        import keyring  # optional, and slow to load
    except (ImportError, RuntimeError):  # not installed, or it wants a home and there is none
        return None
    return cast("Keyring", keyring)


def keeps_nothing(keyring: Keyring) -> bool:
    """Whether the package found no keyring of this system to keep things in: as on most servers."""
    current = getattr(keyring, "get_keyring", lambda: None)()
    return type(current).__module__.startswith(("keyring.backends.fail", "keyring.backends.null"))


def _from_keyring(host: str) -> Credentials | None:
    keyring = open_keyring()
    if keyring is None:
        return None
    try:
        text = keyring.get_password(KEYRING_SERVICE, host)
    except Exception:  # noqa: BLE001  # a locked, broken or missing keyring is no keyring; each raises its own
        return None
    return _read([text], "the keyring") if text else None


# --- netrc ---------------------------------------------------------------------------------------------


def _from_netrc(host: str) -> Credentials | None:
    home = os.path.expanduser("~")
    path = os.environ.get("NETRC") or os.path.join(home, ".netrc")
    if not os.path.isfile(path) or (home == "~" and "NETRC" not in os.environ):  # a user without a home
        return None
    import netrc  # rarely needed

    try:
        readable, status = _plain(path)
        entries = netrc.netrc(readable)  # type: ignore[arg-type]  # it is only given to `open`
        entry = entries.hosts.get(host.partition(":")[0])
    except netrc.NetrcParseError as error:
        # Its message may quote a password.
        raise NoCredentialsError(f"{path} cannot be read, line {error.lineno}", "correct it") from None
    except Utf16Error as error:
        _refuse(f"{path} {error}", SAVE_AS_UTF8)
    except (OSError, UnicodeDecodeError):
        return None
    if entry is None:
        return None
    _check_private(path, status)
    return Credentials(entry[0], entry[2])


def _plain(path: str) -> tuple[str | int, os.stat_result]:
    """What `netrc` may open, and the file's status. A byte order mark is no token to it: then it gets a pipe without.

    Whoever opens the pipe by its number closes it.
    """
    with open(path, "rb") as stream:
        data, status = stream.read(_MOST_BYTES), os.fstat(stream.fileno())
    if is_utf16(data):
        raise Utf16Error
    if (plain := without_mark(data)) == data:
        return path, status
    reader, writer = os.pipe()
    with open(writer, "wb") as pipe:
        pipe.write(plain)
    return reader, status


def _refuse(message: str, hint: str) -> NoReturn:
    raise NoCredentialsError(message, hint) from None
