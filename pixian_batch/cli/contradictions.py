"""Options of one command line that cannot both be meant: the list, and what is said. Settled before a command begins.

Who says a thing counts: a flag is stronger than the environment, that than a file; of a file, the profile than the
rest, the project's than the user's. Against a stronger one the weaker is forgotten (`--verbose` where a file has
`quiet = true`); two of the same strength contradict each other, and nothing is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pixian_batch.cli.mistakes import MistakeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True, slots=True)
class Pair:
    """Two parameters of which at most one can be meant, and why. unless: values of the second that go with the first."""

    one: str
    other: str
    why: str
    only: frozenset[str] = frozenset()
    """Values of the second that the first contradicts; empty: any."""


PAIRS: Final = (
    Pair("quiet", "verbose", "one says less, the other more"),
    Pair("local", "api_url", "--local is a service of its own, on this machine"),
    Pair("local", "calibrate", "--local costs nothing: there is no price to ask for"),
    Pair("test", "calibrate", "--test costs nothing: there is no price to ask for"),
    Pair("yes", "in_doubt", "--yes asks nothing", frozenset({"ask"})),
    Pair("charged", "not_charged", "an image was charged, or it was not"),
    Pair("all_", "attempts", "--all needs no numbers"),
    Pair("failed", "in_doubt", "each is a list of its own"),
    Pair("failed", "json", "--json has all of it, the failed ones as `failed`"),
)
"""Over all commands, by the parameters' names; a pair is for every command that has both."""
NEEDS: Final = (
    ("log_format", "log_file", "there is no log file whose format it could be"),
    ("nul", "files_from", "it says how the names of a list are separated"),
)
"""Options that mean nothing without another: said of flags only, since a file may hold them for other days."""
STRENGTH: Final = {"COMMANDLINE": 1000, "PROMPT": 1000, "ENVIRONMENT": 900}
"""Of where a value comes from; files are weaker, each with the strength of its own layer."""


def settle(context: Any, strength_of: Callable[[str], int]) -> None:
    """Raise `MistakeError` for what cannot be meant, and forget in `context` what is overruled.

    strength_of: the layer of a key of the files, higher is stronger.
    """
    seen = _Seen(context, strength_of)
    for pair in PAIRS:
        if seen.is_set(pair.one) and seen.is_set(pair.other) and seen.clash(pair):
            _decide(seen, pair)
    for name, needed, why in NEEDS:
        if seen.source(name) == "COMMANDLINE" and seen.is_set(name) and not seen.is_set(needed):
            raise MistakeError(
                f"{seen.name(name)} without {seen.name(needed)}: {why}", f"add {seen.name(needed)}"
            )
    _settle_workers(seen)


def _decide(seen: _Seen, pair: Pair) -> None:
    """The stronger of two stays; of two that are as strong none does."""
    one, other = seen.strength(pair.one), seen.strength(pair.other)
    if one == other:
        names = f"{seen.name(pair.one)} and {seen.name(pair.other)}"
        raise MistakeError(f"{names} cannot both be meant: {pair.why}", "leave one of them out")
    seen.forget(pair.other if one > other else pair.one)


def _settle_workers(seen: _Seen) -> None:
    """A start above the most: the cap is kept where it is the stronger, and else said."""
    start, most = (seen.context.params.get(name) for name in ("concurrency_start", "concurrency_max"))
    if start is None or most is None or start <= most or not seen.is_set("concurrency_start"):
        return
    if seen.strength("concurrency_start") < seen.strength("concurrency_max"):
        return  # the ramp begins at its cap
    names = f"{seen.name('concurrency_start')} {start} is more than {seen.name('concurrency_max')} {most}"
    raise MistakeError(names, "lower the one, or raise the other")


@dataclass(frozen=True, slots=True)
class _Seen:
    """A command's parameters: which are set, by whom, and how they are called there."""

    context: Any
    strength_of: Callable[[str], int]

    def is_set(self, name: str) -> bool:
        """Whether somebody has said it, and not only its default or `false`."""
        value = self.context.params.get(name)
        return self.source(name) not in {"", "DEFAULT"} and value not in (
            None,
            False,
            (),
            [],
            self._default(name),
        )

    def clash(self, pair: Pair) -> bool:
        """Whether the values are of the kind that contradicts."""
        return not pair.only or self.context.params[pair.other] in pair.only

    def source(self, name: str) -> str:
        """Where a value comes from, empty for a parameter that the command has not."""
        found = self.context.get_parameter_source(name) if name in self.context.params else None
        return "" if found is None else str(found.name)

    def strength(self, name: str) -> int:
        """How strong what was said is."""
        source = self.source(name)
        return STRENGTH.get(source) or (
            self.strength_of(self._param(name).opts[0].lstrip("-")) if source else -1
        )

    def name(self, name: str) -> str:
        """The parameter, as the user has written it."""
        param = self._param(name)
        if param.param_type_name == "argument":
            return str(param.metavar or param.name).strip("{}[].")
        if self.source(name) == "ENVIRONMENT" and param.envvar:
            return str(param.envvar)
        return str(param.opts[0])

    def forget(self, name: str) -> None:
        """As if it had not been said."""
        self.context.params[name] = self._default(name)

    def _default(self, name: str) -> object:
        default = self._param(name).default
        return None if callable(default) else default

    def _param(self, name: str) -> Any:
        return next(param for param in self._params() if param.name == name)

    def _params(self) -> Iterator[Any]:
        return iter(self.context.command.params)
