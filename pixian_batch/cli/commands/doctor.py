"""`pixian-batch doctor`: is everything ready for a run? Spends nothing, changes nothing."""

from __future__ import annotations

import asyncio
import json as json_module
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pixian_batch.cli import checkups
from pixian_batch.cli.checkups import CheckResult, CheckStatus
from pixian_batch.cli.local_engine import choose_model, model_of
from pixian_batch.cli.options import ApiUrl, EngineOptions, Json, ServiceOptions, option
from pixian_batch.cli.shared import LedgerPath, check_api_url, say
from pixian_batch.cli.taking import takes
from pixian_batch.display.text import printable
from pixian_batch.policy.stopping import Exit

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, kw_only=True)
class _Options(EngineOptions):
    """The options of `doctor`."""

    out: Annotated[
        str | None, option("--out", "Also check this output folder and its ledger.", "-o", metavar="DIR")
    ] = None
    ledger: LedgerPath = None
    local: Annotated[bool, option("--local", "Check for runs with --local: no account, no network.")] = False
    api_url: ApiUrl = ServiceOptions.api_url
    json: Json = False


@takes(_Options)
def doctor(options: _Options) -> None:
    """Check credentials, service, certificate, proxy, clock, disk, ledger and engine. Spends nothing.

    Ends with 0 when a run would work, else with the code that the run would end with.

    Example: pixian-batch doctor --out ./cut
    """
    check_api_url(options.api_url)
    out, ledger = options.out, options.ledger
    model = model_of(choose_model(options, local=options.local))
    results = [checkups.versions()]
    if not options.local:
        results += asyncio.run(_remote(options.api_url))
    if out is not None:
        results += checkups.output(out)
    if out is not None or ledger is not None:
        results.append(checkups.ledger(ledger or _default_ledger(out or "")))
    results.append(checkups.engine(needed=options.local, model=model))
    code = exit_of(results)
    say([json_module.dumps(_record(results, code))] if options.json else _lines(results))
    raise typer.Exit(code)


async def _remote(api_url: str) -> list[CheckResult]:
    from pixian_batch.adapters.credentials import NoCredentialsError, find_credentials  # not for --help

    way = checkups.proxy(api_url)
    if way.exit is not Exit.OK:
        return [way, checkups.warning("service", "not asked", "it is asked once the proxy can be used")]
    try:
        credentials = find_credentials(api_url)
    except NoCredentialsError as error:
        missing = checkups.problem("credentials", printable(str(error)), error.hint, Exit.CREDENTIALS)
        return [
            missing,
            way,
            checkups.warning("service", "not asked", "it is asked once there are credentials"),
        ]
    return [way, *await checkups.service(credentials, api_url)]


def _default_ledger(out: str) -> str:
    from pixian_batch.adapters.ledger import default_path  # only with --out

    return default_path(out)


def exit_of(results: Sequence[CheckResult]) -> Exit:
    """The code a run would end with: of several problems the service's and the disk's (4 to 8) come first."""
    codes = [result.exit for result in results if result.level is CheckStatus.PROBLEM]
    return min(codes, key=lambda code: (code < Exit.CREDENTIALS, code), default=Exit.OK)


def _record(results: Sequence[CheckResult], code: Exit) -> dict[str, Any]:
    worst_first = [CheckStatus.PROBLEM, CheckStatus.WARNING, CheckStatus.OK]
    return {
        "v": 1,
        "type": "doctor",
        "status": min((result.level for result in results), key=worst_first.index).value,
        "checks": [
            {"name": result.name, "level": result.level, "message": result.message, "hint": result.hint}
            for result in results
        ],
        "exit_code": int(code),
    }


def _lines(results: Sequence[CheckResult]) -> list[str]:
    lines = []
    for result in results:
        lines.append(f"{result.level:<8} {result.name:<12} {printable(result.message)}")
        if result.hint:
            lines.append(f"{'':<8} {'':<12} -> {printable(result.hint)}")
    return lines
