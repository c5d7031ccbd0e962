"""What the small commands share: their options, how they speak, and how they end. Imports nothing heavy."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from pixian_batch.cli.mistakes import MistakeError
from pixian_batch.cli.options import option
from pixian_batch.cli.telling import tell_error
from pixian_batch.contract import address
from pixian_batch.display.shell import shell_word
from pixian_batch.library import errors
from pixian_batch.policy.stopping import Exit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pixian_batch.library.client import PixianClient

Out = Annotated[str, typer.Argument(metavar="OUT", help="The output folder of the runs.", show_default=False)]
LedgerPath = Annotated[
    str | None, option("--ledger", "The ledger, when it is not in the output folder.", metavar="PATH")
]


def say(lines: Iterable[str]) -> None:
    """Results, on standard output."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines with aligned columns: the first to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def next_command(name: str, out: str, ledger: str | None, *more: str) -> str:
    """`pixian-batch NAME OUT ...` as it can be copied, with the ledger where it is not at its usual place."""
    words = [out, *more, *(["--ledger", ledger] if ledger is not None else [])]
    return " ".join(["pixian-batch", name, *map(shell_word, words)])


def fail(message: str, hint: str, *, code: int) -> NoReturn:
    """End the command with one line of what went wrong, and what to do about it."""
    tell_error(message, hint)
    raise typer.Exit(code)


def check_api_url(url: str) -> str:
    """The URL, if it may be used: https, or http to this machine. Raises `MistakeError`."""
    try:
        return address.check_api_url(url)
    except ValueError as error:
        raise MistakeError(f"--api-url: {error}", "the vendor's is taken unless another is named") from None


def check_way(url: str) -> str:
    """The URL, if it may be used and a proxy on the way there can be, too. Raises `BadParameter`."""
    from pixian_batch.adapters.wire.proxy import ProxyError, find_proxy  # not for --help

    check_api_url(url)
    try:
        find_proxy(url)
    except ProxyError as error:
        fail(str(error), error.hint, code=Exit.USAGE)
    return url


def give_up(error: errors.PixianError) -> NoReturn:
    """End the command with what the library raised when it asked the service."""
    exits = {errors.CredentialsError: Exit.CREDENTIALS, errors.OutOfCreditsError: Exit.CREDITS}
    code = exits.get(type(error), Exit.SERVICE)
    fail(error.message, error.hint.replace("api_url", "--api-url"), code=code)


def connect(api_url: str, *, idle_timeout: float) -> PixianClient:
    """The library's client with the command's credentials. Raises `BadParameter`, `CredentialsError`."""
    from pixian_batch.adapters.credentials import NoCredentialsError, find_credentials  # not for --help
    from pixian_batch.library.client import PixianClient  # aiohttp

    check_way(api_url)
    try:
        ours = find_credentials(api_url)
        return PixianClient(
            ours.api_id, ours.secret, api_url=api_url, idle_timeout=idle_timeout, concurrency=1
        )
    except NoCredentialsError as error:
        raise errors.CredentialsError(str(error), hint=error.hint) from error
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
