"""How a command shows its help: plain sections without frames, the same on every terminal and in a pipe.

A screen reader and a dumb terminal get the same words; rich is not loaded for it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from typer.core import TyperCommand

if TYPE_CHECKING:
    import typer

_SHORT_PAGE: Final = 10
"""So few options need no groups."""
_EXAMPLES: Final = re.compile(r"\n\s*Examples?:\s*")
CHOICES_OF_FILES: Final = (
    ("--profile NAME", "Use this profile of the configuration files."),
    ("--config FILE", "Read this configuration file in place of the usual ones; none: read no file."),
)
"""Options of every command that are read before the parser is built, because they change its defaults."""


class Command(TyperCommand):
    """A command whose docstring ends with `Example: ...` or `Examples:` and one command a line."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        text, *examples = _EXAMPLES.split(named.get("help") or "", maxsplit=1)
        named["help"] = text.strip()
        named["rich_markup_mode"] = None
        super().__init__(*arguments, **named)
        self.examples = [line.strip() for line in "".join(examples).splitlines() if line.strip()]
        """Command lines as a user would type them."""

    def sections(self, ctx: typer.Context) -> dict[str, list[tuple[str, str]]]:
        """(names, help) of all parameters by the panel they belong to."""
        params = self.get_params(ctx)
        rows: dict[str, list[tuple[str, str]]] = {}
        for param in params:
            record = param.get_help_record(ctx)
            if record is None:
                continue
            panel = "Arguments" if param.param_type_name == "argument" else "Options"
            if len(params) > _SHORT_PAGE:
                panel = getattr(param, "rich_help_panel", None) or panel
            names = re.sub(r" {2,}| <[^>]*>", " ", record[0]).strip()
            text = re.sub(r"x>=(\d+)", r"\1 or more", record[1])
            rows.setdefault(panel, []).append((names, text))
        # Help is what people look for last.
        rows["Options"] = [*CHOICES_OF_FILES, *rows.pop("Options", [])]
        return rows

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
