"""`pixian-batch doctor`: is everything ready for a run? Spends nothing, changes nothing."""

from __future__ import annotations

import asyncio
import json as json_module
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pixian_batch.cli import checkups
from pixian_batch.cli.checkups import CheckResult, CheckStatus
from pixian_batch.cli.output import say
from pixian_batch.cli.shared import ApiUrl, Json  # noqa: TC001  # typer reads the annotations at run time
from pixian_batch.contract.address import DEFAULT_API_URL, check_api_url
from pixian_batch.display.text import printable
from pixian_batch.policy.stopping import Exit

if TYPE_CHECKING:
    from collections.abc import Sequence

Out = Annotated[
    str | None,
    typer.Option(
        "--out",
        "-o",
        metavar="DIR",
        envvar="PIXIAN_BATCH_OUT",
        help="Also check this output folder and its ledger.",
    ),
]
LedgerPath = Annotated[
    str | None,
    typer.Option(
        "--ledger", metavar="PATH", envvar="PIXIAN_BATCH_LEDGER", help="The ledger, if it is not in DIR."
    ),
]
Local = Annotated[
    bool,
    typer.Option(
        "--local", envvar="PIXIAN_BATCH_LOCAL", help="Check for runs with --local: no account, no network."
    ),
]


def doctor(
    *,
    out: Out = None,
    ledger: LedgerPath = None,
    local: Local = False,
    api_url: ApiUrl = DEFAULT_API_URL,
    json: Json = False,
) -> None:
    """Check credentials, service, certificate, proxy, clock, disk, ledger and engine. Spends nothing.

    Ends with 0 when a run would work, else with the code that the run would end with.

    Example: pixian-batch doctor --out ./cut
    """
    try:
        check_api_url(api_url)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    findings = [checkups.versions()]
    if not local:
        findings += asyncio.run(_remote(api_url))
    if out is not None:
        findings += checkups.output(out)
    if out is not None or ledger is not None:
        findings.append(checkups.ledger(ledger or _default_ledger(out or "")))
    findings.append(checkups.engine(needed=local))
    code = exit_of(findings)
    say([json_module.dumps(_record(findings, code))] if json else _lines(findings))
    raise typer.Exit(code)


async def _remote(api_url: str) -> list[CheckResult]:
    from pixian_batch.cli.credentials import CredentialsError, find_credentials  # aiohttp

    way = checkups.proxy(api_url)
    try:
        credentials = find_credentials(api_url)
    except CredentialsError as error:
        missing = checkups.problem("credentials", str(error), error.hint, Exit.CREDENTIALS)
        return [
            missing,
            way,
            checkups.warning("service", "not asked", "it is asked once there are credentials"),
        ]
    return [way, *await checkups.service(credentials, api_url)]


def _default_ledger(out: str) -> str:
    from pixian_batch.adapters.ledger import default_path  # only with --out

    return default_path(out)


def exit_of(findings: Sequence[CheckResult]) -> Exit:
    """The code a run would end with: of several problems the service's and the disk's (4 to 8) come first."""
    codes = [found.exit for found in findings if found.level is CheckStatus.PROBLEM]
    return min(codes, key=lambda code: (code < Exit.CREDENTIALS, code), default=Exit.OK)


def _record(findings: Sequence[CheckResult], code: Exit) -> dict[str, Any]:
    spec = [CheckStatus.PROBLEM, CheckStatus.WARNING, CheckStatus.OK]
    return {
        "v": 1,
        "type": "doctor",
        "status": min((found.level for found in findings), key=spec.index).value,
        "checks": [
            {"name": found.name, "level": found.level, "message": found.message, "hint": found.hint}
            for found in findings
        ],
        "exit_code": int(code),
    }


def _lines(findings: Sequence[CheckResult]) -> list[str]:
    lines = []
    for found in findings:
        lines.append(f"{found.level:<8} {found.name:<12} {printable(found.message)}")
        if found.hint:
            lines.append(f"{'':<8} {'':<12} -> {printable(found.hint)}")
    return lines
