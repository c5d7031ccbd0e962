"""Options that the small commands share, and how they end when the library says no. Imports nothing heavy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from pixian_batch.cli.output import fail
from pixian_batch.contract.address import check_api_url
from pixian_batch.library import errors
from pixian_batch.policy.stopping import Exit

if TYPE_CHECKING:
    from pixian_batch.library.client import PixianClient

ApiUrl = Annotated[
    str,
    typer.Option(
        "--api-url", metavar="URL", help="Another address of the API.", envvar="PIXIAN_BATCH_API_URL"
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="One JSON object on standard output.", envvar="PIXIAN_BATCH_JSON")
]


def exit_of(error: errors.PixianError) -> Exit:
    """The exit code of an error that ends a command."""
    match error:
        case errors.CredentialsError():
            return Exit.CREDENTIALS
        case errors.OutOfCreditsError():
            return Exit.CREDITS
        case errors.InputError():
            return Exit.SOME_FAILED
        case errors.OutputError():
            return Exit.DISK
        case _:
            return Exit.SERVICE


def give_up(error: errors.PixianError) -> NoReturn:
    """End the command with what the library raised."""
    fail(error.message, error.hint.replace("api_url", "--api-url"), code=exit_of(error))


def connect(api_url: str, *, idle_timeout: float) -> PixianClient:
    """The library's client with the command's credentials. Raises `BadParameter`, `CredentialsError`."""
    from pixian_batch.cli.credentials import CredentialsError, find_credentials  # aiohttp
    from pixian_batch.library.client import PixianClient

    try:
        check_api_url(api_url)
        found = find_credentials(api_url)
        return PixianClient(
            found.api_id, found.secret, api_url=api_url, idle_timeout=idle_timeout, concurrency=1
        )
    except CredentialsError as error:
        raise errors.CredentialsError(str(error), hint=error.hint) from error
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
