"""How a command shows its help, and how it takes its words: plain sections without frames, the same everywhere.

A screen reader and a dumb terminal get the same words; rich is not loaded for it. `-h` is short, `--help` is all.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any, Final

import typer
from typer.core import TyperCommand

from pixian_batch.cli.configuration.files import OWN_PROFILES
from pixian_batch.cli.contradictions import settle
from pixian_batch.cli.help import FIRST, PANELS
from pixian_batch.cli.mistakes import PARSER_ERROR, Mistake, MistakeError, in_our_words
from pixian_batch.cli.telling import tell_error
from pixian_batch.policy.stopping import Exit

if TYPE_CHECKING:
    from collections.abc import Sequence

_SHORT_PAGE: Final = 10
"""So few options need no groups, and are all on the short page."""
_EXAMPLES: Final = re.compile(r"\n\s*Examples?:\s*")
CHOICES_OF_FILES: Final = (
    ("--profile NAME", "Use this profile of the configuration files."),
    ("--config FILE", "Read this configuration file in place of the usual ones; none: read no file."),
)
"""Options of every command that are read before the parser is built, because they change its defaults."""
_HELP: Final = (("-h", "The options that matter most, and examples."), ("--help", "All options."))
_Rows = dict[str, list[tuple[str, str]]]


class Command(TyperCommand):
    """A command whose docstring ends with `Example: ...` or `Examples:` and one command a line."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        text, *examples = _EXAMPLES.split(named.get("help") or "", maxsplit=1)
        named["help"] = text.strip()
        named["rich_markup_mode"] = None
        super().__init__(*arguments, **named)
        self.examples = [line.strip() for line in "".join(examples).splitlines() if line.strip()]
        """Command lines as a user would type them."""

    # --- taking words ------------------------------------------------------------------------------

    def run(self, words: Sequence[str], *, defaults: dict[str, object], choice: object) -> int:
        """Take the words and do it; the exit code. What is wrong with them is told here, nowhere else."""
        program = f"pixian-batch {self.name}"
        try:
            code = self.main(
                args=list(words), prog_name=program, default_map=defaults, obj=choice, standalone_mode=False
            )
        except PARSER_ERROR as error:
            return _tell(in_our_words(error, program=program, words=words))
        except MistakeError as error:
            return _tell(error.mistake)
        except typer.Abort:
            return Exit.SIGINT
        return code if isinstance(code, int) else Exit.OK

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The short page is asked for by a word that is no option of the parser: `--help` is."""
        before = args[: args.index("--")] if "--" in args else args
        if "-h" in before and not ctx.resilient_parsing:
            sys.stdout.write(self.short_page(ctx))
            ctx.exit()
        return list(super().parse_args(ctx, args))

    def invoke(self, ctx: Any) -> Any:
        """Nothing begins while two options contradict each other."""
        settle(ctx, lambda key: _layer(ctx.obj, key))
        return super().invoke(ctx)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """`OUT`, not typer's `{OUT}`."""
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]

    # --- help --------------------------------------------------------------------------------------

    def short_page(self, ctx: Any) -> str:
        """What `-h` shows: the options that matter most, and the examples."""
        formatter = ctx.make_formatter()
        self.format_usage(ctx, formatter)
        formatter.write_paragraph()
        formatter.write_text((self.help or "").partition("\n\n")[0])
        rows = [row for section in self.sections(ctx, self._first()).values() for row in section]
        if rows:
            with formatter.section("Options"):
                formatter.write_dl(rows)
        self.format_epilog(ctx, formatter)
        formatter.write_paragraph()
        formatter.write_text(f"All options: {ctx.command_path} --help")
        return str(formatter.getvalue())

    def _first(self) -> Sequence[str]:
        """The names of the options on the short page; of a command with few, all."""
        own = [param for param in self.params if param.param_type_name == "option"]
        everything = [param.opts[0] for param in own] if len(own) <= _SHORT_PAGE else []
        return FIRST.get(self.name or "") or everything

    def sections(self, ctx: typer.Context, only: Sequence[str] | None = None) -> _Rows:
        """(names, help) of all parameters by the panel they belong to, in the order of need; `only` these options."""
        rows: _Rows = {}
        grouped = len(self.params) > _SHORT_PAGE
        for param in self.params:
            record = param.get_help_record(ctx)
            if record is None or (only is not None and not set(only) & set(param.opts)):
                continue
            panel = "Arguments" if param.param_type_name == "argument" else "Options"
            if grouped:
                panel = getattr(param, "rich_help_panel", None) or panel
            rows.setdefault(panel, []).append(_row(record))
        if only is not None:
            return _ordered(rows)
        # What holds for every command comes last.
        of_files = () if self.name in OWN_PROFILES else CHOICES_OF_FILES
        rows["Options"] = [*rows.pop("Options", []), *of_files, *_HELP]
        return _ordered(rows)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """The options in their groups."""
        for panel, rows in self.sections(ctx).items():
            with formatter.section(panel):
                formatter.write_dl(rows)

    def format_epilog(self, _ctx: Any, formatter: Any) -> None:
        """The examples, one a line, as they are typed."""
        if not self.examples:
            return
        with formatter.section("Examples"):
            for line in self.examples:
                formatter.write(" " * formatter.current_indent + line + "\n")


def _row(record: tuple[str, str]) -> tuple[str, str]:
    names = re.sub(r" {2,}| <[^>]*>", " ", record[0]).strip()
    return names, re.sub(r"x>=(\d+)", r"\1 or more", record[1]).strip()


def _ordered(rows: _Rows) -> _Rows:
    """The panels by need; others as they come, before the last."""
    place = {panel: number for number, panel in enumerate(PANELS)}
    last = place["Options"] - 0.5
    return dict(sorted(rows.items(), key=lambda item: place.get(item[0], last)))


def _tell(mistake: Mistake) -> int:
    tell_error(mistake.message, mistake.hint)
    return Exit.USAGE


def _layer(choice: Any, key: str) -> int:
    """How strong the file is that says `key`. Asked only where two values of files may contradict each other."""
    from pixian_batch.cli.configuration.files import Choice  # where options come from files
    from pixian_batch.cli.configuration.reading import load

    setting = load(choice if isinstance(choice, Choice) else Choice()).settings.get(key)
    return -1 if setting is None else setting.layer
