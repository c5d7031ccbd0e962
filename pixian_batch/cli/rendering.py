"""What `pixian-batch render` does once it knows recipes and results: plan, make, tell. Not loaded for its help."""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from pixian_batch.cli.displays import DisplayOptions, make_console
from pixian_batch.cli.shared import fail, say, table
from pixian_batch.display.records import named
from pixian_batch.display.steps import Steps
from pixian_batch.display.text import file_size, printable, visible, with_hint
from pixian_batch.policy.disk import disk_cause, system_word
from pixian_batch.policy.stopping import Exit
from pixian_batch.rendering.index import IndexBrokenError, IndexInUseError
from pixian_batch.rendering.making import Interest, Making
from pixian_batch.rendering.planning import CollisionError, VariantPlanner, WishState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.console import Console

    from pixian_batch.cli.commands.render import RenderOptions
    from pixian_batch.rendering.making import MadeSoFar
    from pixian_batch.rendering.planning import Wish
    from pixian_batch.rendering.recipe import VariantRecipe
    from pixian_batch.rendering.sources import Cutout
    from pixian_batch.rendering.work import Outcome

_T = TypeVar("_T")
_MOST_SHOWN = 40


def begin(options: RenderOptions, recipes: Sequence[VariantRecipe], cutouts: Sequence[Cutout]) -> int:
    """Plan, and make what is planned. The exit code."""
    planner = VariantPlanner(options.to, overwrite=options.overwrite)
    wishes = _in_our_words(options, lambda: planner.plan(cutouts, recipes))
    if not wishes:
        sys.stderr.write("nothing to make: there is no result to make it of\n")
    telling = Telling(options, wishes)
    if options.dry_run:
        return telling.dry_run()
    interest = Interest()
    with _heard(interest), telling.steps:
        telling.refusals()
        making = Making(options.to, _jobs(options), interest, told=telling.told, looked=telling.looked)
        made = _in_our_words(options, lambda: making.make(wishes))
    code = _exit_code(made, interest)
    telling.summary(made, code)
    return code


def _jobs(options: RenderOptions) -> int:
    if options.jobs is not None:
        return options.jobs
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _in_our_words(options: RenderOptions, do: Callable[[], _T]) -> _T:
    """Trouble with the folder of variants ends the command."""
    try:
        return do()
    except CollisionError as error:
        fail(str(error), "add {recipe} or {folder} to their names; nothing was made", code=Exit.USAGE)
    except IndexInUseError:
        fail(
            f"another command makes variants in {options.to}",
            "wait until it has ended",
            code=Exit.LEDGER_IN_USE,
        )
    except IndexBrokenError as error:
        fail(str(error), "remove it: variants that stand there then need --overwrite", code=Exit.DISK)
    except OSError as error:
        hint = disk_cause(error).hint.replace("--out", "--to")
        fail(f"{error.filename or options.to}: {system_word(error)}", hint, code=Exit.DISK)


@contextmanager
def _heard(interest: Interest) -> Iterator[None]:
    """Ctrl-C and SIGTERM are counted in place of ending the process."""

    def hear(number: int, _frame: object) -> None:
        interest.times += 1
        interest.signal = number

    before = {one: signal.signal(one, hear) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _exit_code(made: MadeSoFar, interest: Interest) -> int:
    if interest.times:
        return int(Exit.SIGTERM if interest.signal == signal.SIGTERM else Exit.SIGINT)
    if made.stopped is not None:
        return int(Exit.DISK)
    return int(Exit.SOME_FAILED if made.failed else Exit.OK)


class Telling:
    """What people and programs are told: complaints and progress on standard error, records on standard output."""

    def __init__(self, options: RenderOptions, wishes: Sequence[Wish]) -> None:
        self.options, self.wishes = options, wishes
        planned = sum(wish.standing is WishState.MAKE for wish in wishes)
        self.steps = Steps(sys.stderr, "variants", planned, console=_console(options))
        self._refused = len([wish for wish in wishes if wish.standing is WishState.FAILED])

    def dry_run(self) -> int:
        """What would be made."""
        for wish in self.wishes:
            if self.options.json:
                self._record(wish, {"status": wish.standing.value, **_unmet(wish)})
        if not self.options.json:
            say(_plan_lines(self.wishes))
            self.refusals()
        return int(Exit.SOME_FAILED if self._refused else Exit.OK)

    def refusals(self) -> None:
        """What cannot be made, known before anything is."""
        for wish in self.wishes:
            if wish.standing is WishState.FAILED and wish.unmet is not None:
                self.steps.complain(_name(wish), wish.unmet.reason, wish.unmet.hint)
            if self.options.json and not self.options.dry_run and wish.standing is not WishState.MAKE:
                self._record(wish, {"status": wish.standing.value, **_unmet(wish)})

    def told(self, wish: Wish, outcome: Outcome) -> None:
        """One has ended."""
        if outcome.problem is not None:
            self.steps.complain(_name(wish), outcome.problem, outcome.hint)
        if self.options.json:
            self._record(wish, _facts(outcome))

    def looked(self, made: MadeSoFar) -> None:
        """How far it is."""
        self.steps.at(made.made, made.failed - self._refused)

    def summary(self, made: MadeSoFar, code: int) -> None:
        """The end."""
        if self.options.json:
            say([json.dumps(_summary(made, code, self.wishes))])
        sys.stderr.write("".join(f"{line}\n" for line in _summary_lines(made, self.wishes, self.options.to)))

    def _record(self, wish: Wish, facts: dict[str, Any]) -> None:
        path = os.path.join(self.options.to, *wish.place.split("/"))
        record = {
            "v": 1,
            "type": "variant",
            **named("result", None if wish.stored is None else wish.stored.path),
            "recipe": wish.recipe.name,
            **named("output", path),
            "free": wish.stored is not None and wish.stored.is_free,
            **_NO_FACTS,
            **facts,
        }
        say([json.dumps(record)])


_NO_FACTS: dict[str, Any] = {"bytes": None, "quality": None, "size": None, "scale": None, "error": None}


def _console(options: RenderOptions) -> Console | None:
    if not sys.stderr.isatty() or (options.json and sys.stdout.isatty()):
        return None
    from pixian_batch.display.live import suits  # rich, only for a terminal

    console = make_console(DisplayOptions())
    return console if suits(console) else None


def _name(wish: Wish) -> str:
    return f"{wish.cutout.place} ({wish.recipe.name})"


def _unmet(wish: Wish) -> dict[str, Any]:
    if wish.unmet is None:
        return {}
    return {"error": {"message": visible(wish.unmet.reason), "hint": visible(wish.unmet.hint)}}


def _facts(outcome: Outcome) -> dict[str, Any]:
    if outcome.problem is not None:
        error = {"message": visible(outcome.problem), "hint": visible(outcome.hint)}
        return {"status": "failed", "error": error}
    size = outcome.size
    return {
        "status": "done",
        "bytes": outcome.bytes,
        "quality": outcome.quality,
        "size": None if size is None else {"width": size.width, "height": size.height},
        "scale": round(outcome.scale, 4),
    }


def _plan_lines(wishes: Sequence[Wish]) -> list[str]:
    """A line for each recipe, and the first of what would be made."""
    planned = [wish for wish in wishes if wish.standing is WishState.MAKE]
    lines = [*_by_recipe(wishes), ""] if wishes else []
    lines += [printable(f"{_name(wish)} -> {wish.place}") for wish in planned[:_MOST_SHOWN]]
    if len(planned) > _MOST_SHOWN:
        lines.append(f"... and {len(planned) - _MOST_SHOWN:,} more")
    return [*lines, *_notes(wishes)]


def _by_recipe(wishes: Sequence[Wish]) -> list[str]:
    names = dict.fromkeys(wish.recipe.name for wish in wishes)
    rows = [["recipe", "to make", "exist", "cannot be made"]]
    for name in names:
        of_it = [wish.standing for wish in wishes if wish.recipe.name == name]
        rows.append([name, *(f"{of_it.count(standing):,}" for standing in WishState)])
    return table(rows)


def _notes(wishes: Sequence[Wish]) -> list[str]:
    free = {wish.cutout.place for wish in wishes if wish.stored is not None and wish.stored.is_free}
    if not free:
        return []
    return [
        with_hint(
            f"{len(free):,} of the results are free ones (--local, --test)", "not what the service would give"
        )
    ]


def _summary_lines(made: MadeSoFar, wishes: Sequence[Wish], to: str) -> list[str]:
    facts = [f"{made.made:,} made"]
    facts += [f"{made.exists:,} were there"] if made.exists else []
    facts += [f"{made.failed:,} failed"] if made.failed else []
    facts += [f"{made.left:,} not begun"] if made.left else []
    lines = [f"variants  {', '.join(facts)}, {file_size(made.bytes)} in {printable(to)}", *_notes(wishes)]
    if made.enlarged:
        what = f"{made.enlarged:,} show an object that was enlarged: there were fewer pixels than the recipe asks for"
        lines.append(with_hint(what, "enlarge = false in the recipe leaves it as it is"))
    if made.stopped is not None:
        lines.append(with_hint(f"stopped: {made.stopped.problem}", made.stopped.hint))
    elif made.left:
        lines.append("stopped: the same command makes the rest")
    return lines


def _summary(made: MadeSoFar, code: int, wishes: Sequence[Wish]) -> dict[str, Any]:
    return {
        "v": 1,
        "type": "rendered",
        "done": made.made,
        "skipped": made.exists,
        "failed": made.failed,
        "not_started": made.left,
        "enlarged": made.enlarged,
        "free": sum(wish.stored is not None and wish.stored.is_free for wish in wishes),
        "bytes": made.bytes,
        "exit_code": code,
    }
