"""The single checks of `pixian-batch doctor`. Each gives findings; none spends a credit or changes a thing."""

from __future__ import annotations

import asyncio
import os
import ssl
import sys
import tempfile
from contextlib import closing, suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from pixian_batch.contract.account import CredentialCheck, read_probe
from pixian_batch.policy.disk import system_word
from pixian_batch.policy.stopping import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pixian_batch.adapters.ledger.rows import Condition
    from pixian_batch.contract.account import Credentials
    from pixian_batch.contract.errors import ApiError
    from pixian_batch.emulator.engine.model import Model

_MEGABYTE: Final = 1_000_000
_LOW: Final = 1_000 * _MEGABYTE
_TOO_LOW: Final = 100 * _MEGABYTE
"""What `run` keeps free unless told otherwise."""
_SKEW: Final = 60.0
_IDLE: Final = 30.0
WEIGHTS_SHA256: Final = "747137c8a7cb4484a4fdebad883398dc94e8f63692eb5f90cbdcb18ee336c3f3"
"""Of `u2netp.fp16.onnx`."""


class CheckStatus(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One line. hint: what to do about it; exit: the code of a problem."""

    name: str
    level: CheckStatus
    message: str
    hint: str = ""
    exit: Exit = Exit.OK


def ok(name: str, message: str) -> CheckResult:
    """All is well."""
    return CheckResult(name, CheckStatus.OK, message)


def warning(name: str, message: str, hint: str) -> CheckResult:
    """It works, and something should be known."""
    return CheckResult(name, CheckStatus.WARNING, message, hint)


def problem(name: str, message: str, hint: str, code: Exit) -> CheckResult:
    """It would not work; a run would end with `code`."""
    return CheckResult(name, CheckStatus.PROBLEM, message, hint, exit=code)


def versions() -> CheckResult:
    """What is installed."""
    from importlib.metadata import PackageNotFoundError, version  # only for this check

    from pixian_batch import __version__
    from pixian_batch.adapters.ledger.opening import SQLITE_VERSION

    parts = [f"pixian-batch {__version__}", f"Python {sys.version.split()[0]} on {sys.platform}"]
    for package in ("aiohttp", "pillow", "pillow-heif", "numpy", "onnxruntime"):
        try:
            parts.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            parts.append(f"no {package}")
    return ok("versions", ", ".join([*parts, f"SQLite {SQLITE_VERSION}"]))


# --- the service ---------------------------------------------------------------------------------------


def proxy(api_url: str) -> CheckResult:
    """Which way requests take. A proxy's password is not shown."""
    from urllib.request import getproxies  # only for this check

    from pixian_batch.adapters.wire.proxy import ProxyError, find_proxy, is_loopback

    host = urlsplit(api_url).hostname or ""
    if is_loopback(host):
        return ok("proxy", "none: this machine")
    try:
        found = find_proxy(api_url)
    except ProxyError as error:
        return problem("proxy", str(error), error.hint, Exit.USAGE)
    if found is not None:
        return ok("proxy", str(found))
    bypassed = getproxies().get(urlsplit(api_url).scheme)
    return ok("proxy", f"none: {host} is in NO_PROXY" if bypassed else "none")


async def service(credentials: Credentials, api_url: str) -> list[CheckResult]:
    """Credentials, reachability, certificate and clock: all from one free request without an image."""
    from pixian_batch.adapters.wire.session import WireSession
    from pixian_batch.adapters.wire.trace import Trace, WireError

    try:
        async with (
            WireSession(credentials, api_url=api_url, idle_timeout=_IDLE, connections=1) as wire,
            wire.probe_credentials(Trace()) as answer,
        ):
            date = answer.headers.get("Date", "")
            error = await answer.error()
    except WireError as broke:
        return [unreached(broke, api_url)]
    except ValueError as wrong:  # an id that HTTP Basic cannot carry
        return [problem("credentials", str(wrong), "check PIXIAN_API_ID", Exit.CREDENTIALS)]
    check = read_probe(error.status)
    if check is CredentialCheck.NO_API:
        return [problem("service", f"{api_url}: no Pixian API there", "check --api-url", Exit.SERVICE)]
    secure = api_url.startswith("https://")
    reached = ok("service", f"{api_url} answers{', its certificate is good' if secure else ''}")
    return [reached, _credentials(check, error), clock(date)]


def _credentials(check: CredentialCheck, error: ApiError) -> CheckResult:
    match check:
        case CredentialCheck.GOOD:
            return ok("credentials", "accepted")
        case CredentialCheck.REFUSED:
            return problem("credentials", error.message, error.hint, Exit.CREDENTIALS)
        case CredentialCheck.NO_CREDITS:
            return problem("credits", error.message, error.hint, Exit.CREDITS)
        case _:
            return problem("service", f"HTTP {error.status}: {error.message}", error.hint, Exit.SERVICE)


def unreached(error: BaseException, api_url: str) -> CheckResult:
    """Why nobody answered, and whose move it is."""
    causes = list(_causes(error))
    host = urlsplit(api_url).hostname or api_url
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        hint = (
            "check the clock; behind a company's proxy, add its certificate to the system's (SSL_CERT_FILE)"
        )
        why = next(filter(None, (getattr(cause, "verify_message", "") for cause in causes)), str(error))
        return problem("service", f"the certificate of {host} is not trusted: {why}", hint, Exit.SERVICE)
    if any(type(cause).__name__ == "gaierror" for cause in causes):
        return problem(
            "service", f"the name {host} is not known", "check the network and --api-url", Exit.SERVICE
        )
    hint = "check the network, the proxy and --api-url"
    return problem("service", f"{api_url} does not answer: {error}", hint, Exit.SERVICE)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def clock(date: str) -> CheckResult:
    """The local clock against the service's `Date` header."""
    from datetime import UTC, datetime  # only for this check
    from email.utils import parsedate_to_datetime

    from pixian_batch.adapters.clock import now  # the one place that reads the wall clock

    try:
        theirs = parsedate_to_datetime(date)
    except ValueError:
        return warning("clock", "the service did not say its time", "compare this machine's clock yourself")
    theirs = theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)
    skew = (datetime.fromisoformat(now()) - theirs).total_seconds()
    if abs(skew) > _SKEW:
        message = f"this machine is {abs(skew):,.0f} s {'ahead of' if skew > 0 else 'behind'} the service"
        return warning("clock", message, "set it: certificates and the daily credit limit depend on it")
    return ok("clock", "agrees with the service's")


# --- this machine --------------------------------------------------------------------------------------


def output(out: str) -> list[CheckResult]:
    """Whether results can be written, and how much room there is."""
    if os.path.lexists(out) and not os.path.isdir(out):
        return [problem("output", f"{out} is a file", "name a folder", Exit.USAGE)]
    folder = os.path.abspath(out)
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    from pixian_batch.adapters.landing import DiskError  # only with --out

    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"\0")
    except OSError as error:
        trouble = DiskError(folder, error)
        return [problem("output", str(trouble), trouble.hint, Exit.DISK)]
    note = "" if os.path.isdir(out) else " (it will be made)"
    return [ok("output", f"{out} can be written{note}"), _room(folder), *_sync(folder)]


def _sync(folder: str) -> list[CheckResult]:
    """Whether results are safe from a power failure: nothing is said where all is well."""
    from pixian_batch.adapters.landing.files import sync_folder  # only with --out

    try:
        synced = sync_folder(folder)
    except OSError as error:
        hint = "check the disk and the system's log"
        return [problem("output", f"{folder} cannot be synced: {system_word(error)}", hint, Exit.DISK)]
    hint = "results count all the same; after a power failure there, look whether the latest are in place"
    return [] if synced else [warning("output", f"{folder} cannot be synced (a network share?)", hint)]


def _room(folder: str) -> CheckResult:
    from pixian_batch.adapters.landing.files import free_bytes  # only with --out

    free = free_bytes(folder)
    if free is None:
        return ok("disk", "the file system does not say how much is free: a run goes on until it is full")
    message = f"{free // _MEGABYTE:,} MB free"
    if free < _TOO_LOW:
        return problem("disk", message, "make room: a run keeps 100 MB free (--min-free)", Exit.DISK)
    if free < _LOW:
        return warning("disk", message, "a result takes about as much as its photo, often more: make room")
    return ok("disk", message)


def ledger(path: str) -> CheckResult:
    """Whether the ledger can be read, is whole, and what in it waits for a decision."""
    from pixian_batch.adapters.ledger import LedgerError, questions  # only with --out
    from pixian_batch.adapters.ledger.opening import check_locks
    from pixian_batch.adapters.ledger.reader import LedgerReader
    from pixian_batch.cli.shared_ledger import exit_of
    from pixian_batch.display.text import to_decide

    async def ask() -> Condition:
        with closing(LedgerReader.open(path)) as reader:
            return await reader.ask(questions.condition)

    folder = os.path.dirname(os.path.abspath(path))
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    try:
        with suppress(OSError):  # a folder that may only be read: `output` says so
            check_locks(folder)
        if not os.path.lexists(path):
            return ok("ledger", f"none yet at {path}")
        state = asyncio.run(ask())
    except LedgerError as error:
        return problem("ledger", str(error), error.hint, exit_of(error))
    text = f"format {state.version}, whole, {state.images:,} image{'s' * (state.images != 1)} bought"
    if state.in_doubt or state.lost:
        text += f", {to_decide(state.in_doubt, state.lost)}"
        return warning("ledger", text, "decide with: pixian-batch resolve OUT")
    return ok("ledger", text)


def engine(*, needed: bool, model: Model | None = None) -> CheckResult:
    """Whether `--local` and `serve` can cut pictures out. Loads the engine: half a second, own models longer."""
    from concurrent.futures import ThreadPoolExecutor

    from pixian_batch.emulator.engine import EngineMissingError, load_engine  # numpy, onnxruntime

    if model is None and not _weights_are_right():
        hint = "install pixian-batch again"
        return problem("engine", "its weights are not the ones that were shipped", hint, Exit.USAGE)
    try:
        # On a thread of its own: onnxruntime has the one that loads it take tiny floats for zero, for good.
        with ThreadPoolExecutor(1) as pool:
            pool.submit(load_engine, threads=1, model=model).result()
    except EngineMissingError as error:
        if needed:
            option = "--local" if model is None else "--engine-model"
            return problem("engine", str(error), f"or leave {option} out", Exit.USAGE)
        return warning(
            "engine", "not installed", "only --local and serve need it: pip install 'pixian-batch[local]'"
        )
    except Exception as error:  # noqa: BLE001  # whatever onnxruntime finds wrong with this machine
        hint = "pip install --force-reinstall onnxruntime"
        return problem("engine", f"does not load here ({type(error).__name__})", hint, Exit.USAGE)
    if model is not None:
        return ok("engine", f"your own network loads and answers: {model.about}")
    return ok("engine", "u2netp loads, its weights are the ones that were shipped")


def _weights_are_right() -> bool:
    import hashlib  # only for this check
    from importlib.resources import files

    try:
        weights = (files("pixian_batch.emulator.engine") / "weights" / "u2netp.fp16.onnx").read_bytes()
    except OSError:
        return False
    return hashlib.sha256(weights).hexdigest() == WEIGHTS_SHA256
