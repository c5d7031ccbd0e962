"""What a file may say: the options of `run` and `plan`, as keys. Made from the options themselves."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, Any, Final, get_args, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typer.models import OptionInfo

ENVIRONMENT: Final = {"credentials-command": "PIXIAN_BATCH_CREDENTIALS_COMMAND", "api-id": "PIXIAN_API_ID"}
"""Keys that are no options: who reads them looks into the environment."""
_PATHS: Final = frozenset({"out", "ledger", "log-file", "metrics-file", "files-from", "engine-model"})


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionKey:
    """One option as a file names it. kind: `switch`, `list`, `number` or `text`."""

    name: str
    attribute: str
    kind: str = "text"
    default: object = None
    read: Callable[[Any], object] | None = None
    envvar: str | None = None
    choices: tuple[str, ...] = ()

    @property
    def is_path(self) -> bool:
        """Whether its value is a path of this machine."""
        return self.name in _PATHS


@cache
def keys() -> dict[str, OptionKey]:
    """All options of `run` and `plan` that a file may set, by name."""
    from pixian_batch.cli.options import PlanOptions, RunOptions  # only when files are read

    run, plan = ({key.name: key for key in _keys_of(kind)} for kind in (RunOptions, PlanOptions))
    return run | plan | run  # where both have a key, the run's


def _keys_of(kind: type) -> Iterator[OptionKey]:
    from pixian_batch.cli.options import default_of

    hints = get_type_hints(kind, include_extras=True)
    for item in fields(kind):
        if item.name == "context":  # typer's, no option
            continue
        annotation, info = get_args(hints[item.name])[:2]
        # Inside `Annotated`, typer's first name stands where a default would.
        declared = (info.default, *(getattr(info, "param_decls", None) or ()))
        names = [name for name in declared if isinstance(name, str) and name.startswith("--")]
        if names:
            default = None if item.default is MISSING else default_of(item)
            yield OptionKey(
                name=names[0][2:],
                attribute=item.name,
                kind=_kind(annotation, info),
                default=default,
                read=info.parser,
                envvar=info.envvar,
                choices=tuple(info.autocompletion()) if info.autocompletion is not None else (),
            )


def _kind(annotation: object, info: OptionInfo) -> str:
    if annotation is bool:
        return "switch"
    if annotation in {int, int | None} and info.parser is None:
        return "number"
    return "list" if "list" in str(annotation) else "text"
