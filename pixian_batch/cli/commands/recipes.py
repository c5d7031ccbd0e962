"""`pixian-batch recipes`: the recipes that ship, as a table, or as TOML to be copied."""

from __future__ import annotations

import json as json_
import re
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pixian_batch.cli.options import option
from pixian_batch.cli.shared import fail, say, table
from pixian_batch.policy.spelling import nearest
from pixian_batch.policy.stopping import Exit
from pixian_batch.rendering.reading import shipped, shipped_text

if TYPE_CHECKING:
    from pixian_batch.rendering.recipe import VariantRecipe

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME", help="Print these as TOML, with their sources.", show_default=False),
]

AsJson = Annotated[bool, option("--json", "One JSON object on standard output.")]


def recipes(names: Names = None, *, json: AsJson = False) -> None:
    """List the recipes that ship with `render`, or print them as a file of your own begins.

    Examples:
      pixian-batch recipes
      pixian-batch recipes amazon-main ebay > recipes.toml
    """
    known = shipped()
    for name in names or ():
        if name not in known:
            near = nearest(name, known)
            hint = f"did you mean {near!r}?" if near else "pixian-batch recipes lists them"
            fail(f"no recipe {name!r} ships", hint, code=Exit.USAGE)
    if json:
        say([json_.dumps({"v": 1, "type": "recipes", "recipes": [_record(one) for one in known.values()]})])
    elif names:
        sys.stdout.write("\n".join(_section(name) for name in names))
    else:
        say([*table([["recipe", "size", "format"], *map(_row, known.values())]), "", *_notes()])


def _notes() -> list[str]:
    return [
        "as TOML, with sources: pixian-batch recipes NAME",
        "used: pixian-batch render OUT --recipe NAME --to DIR",
    ]


def _row(recipe: VariantRecipe) -> list[str]:
    return [recipe.name, _size(recipe), recipe.encoding.format.value]


def _size(recipe: VariantRecipe) -> str:
    target = recipe.target
    return (
        "as it is"
        if target is None
        else f"{'' if recipe.fit.pad else 'at most '}{target.width} x {target.height}"
    )


def _section(name: str) -> str:
    """A recipe's table with the comments above it, as it stands in the file."""
    text = shipped_text()
    start = re.search(
        rf"((?:^#.*\n)*)^\[recipe\.{re.escape(name)}\]\n(?:(?!^\[|^#).*\n?)*", text, re.MULTILINE
    )
    return "" if start is None else start[0].rstrip("\n") + "\n"


def _record(recipe: VariantRecipe) -> dict[str, Any]:
    target = recipe.target
    return {
        "name": recipe.name,
        "description": recipe.description,
        "target_size": None if target is None else {"width": target.width, "height": target.height},
        "output_format": recipe.encoding.format.value,
        "max_bytes": recipe.encoding.max_bytes,
    }
