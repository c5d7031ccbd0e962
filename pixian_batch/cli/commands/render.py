"""`pixian-batch render`: variants of results that are here, by recipes. Nothing is sent, nothing is spent."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from pixian_batch.cli.options import JsonLines, option
from pixian_batch.cli.shared import LedgerPath, fail
from pixian_batch.cli.shared_ledger import ledger_errors
from pixian_batch.cli.taking import takes
from pixian_batch.policy.spelling import nearest
from pixian_batch.policy.stopping import Exit

if TYPE_CHECKING:
    from pixian_batch.rendering.recipe import VariantRecipe
    from pixian_batch.rendering.sources import Cutout

Results = Annotated[
    str,
    typer.Argument(
        metavar="OUT", help="The output folder of runs, or any folder of cut-out PNGs.", show_default=False
    ),
]


@dataclass(frozen=True, kw_only=True)
class RenderOptions:
    """All options of `render`."""

    out: Results
    recipe: Annotated[
        list[str],
        option(
            "--recipe",
            "A file of recipes (TOML), or one that ships: amazon-main, ebay, ...; may be given often.",
            metavar="FILE|NAME",
        ),
    ]
    to: Annotated[str, option("--to", "Where the variants go.", only="render", metavar="DIR")]
    only: Annotated[
        list[str] | None,
        option("--only", "Of the recipes, only this one; may be given often.", metavar="NAME"),
    ] = None
    include: Annotated[
        list[str] | None,
        option("--include", "Only results that match; may be given often.", metavar="PATTERN"),
    ] = None
    exclude: Annotated[
        list[str] | None,
        option("--exclude", "No results that match; may be given often.", metavar="PATTERN"),
    ] = None
    overwrite: Annotated[bool, option("--overwrite", "Replace files that this tool did not make.")] = False
    jobs: Annotated[
        int | None,
        option("--jobs", "So many processes; one for each core unless told.", "-j", min=1, metavar="N"),
    ] = None
    dry_run: Annotated[bool, option("--dry-run", "Say what would be made, and make nothing.", "-n")] = False
    json: JsonLines = False
    ledger: LedgerPath = None


@takes(RenderOptions)
def render(options: RenderOptions) -> None:
    """Make variants of results that are paid for: sizes, backgrounds, formats, by recipes. Nothing is sent.

    Only what is missing is made, and what a changed recipe or result changes.

    Ends with 3 when some could not be made, 8 for the disk.

    Examples:
      pixian-batch render ./cut --recipe amazon-main --recipe ebay --to ./shop
      pixian-batch render ./cut --recipe recipes.toml --to ./shop --dry-run
      pixian-batch recipes
    """
    from pixian_batch.cli.rendering import begin  # Pillow and numpy, not for --help

    recipes = read_recipes(options)
    cutouts = find_cutouts(options, recipes)
    code = begin(options, recipes, cutouts)
    if code:
        raise typer.Exit(code)


def read_recipes(options: RenderOptions) -> list[VariantRecipe]:
    """The recipes that are asked for. Ends the command for what cannot be meant."""
    from pixian_batch.rendering.reading import RecipeFileError

    found: dict[str, VariantRecipe] = {}
    try:
        for word in options.recipe:
            for name, recipe in _recipes_of(word).items():
                if name in found and found[name] != recipe:
                    fail(f"two recipes are called {name!r}", "rename one of them", code=Exit.USAGE)
                found[name] = recipe
    except RecipeFileError as error:
        fail(str(error), error.hint, code=Exit.USAGE)
    for name in options.only or ():
        if name not in found:
            fail(f"--only: there is no recipe {name!r}", _did_you_mean(name, list(found)), code=Exit.USAGE)
    return [recipe for name, recipe in found.items() if not options.only or name in options.only]


def _recipes_of(word: str) -> dict[str, VariantRecipe]:
    from pixian_batch.adapters.walking.spelling import did_you_mean
    from pixian_batch.rendering.reading import read_file, shipped

    ships = shipped()
    if word in ships:
        return {word: ships[word]}
    if not os.path.lexists(word):
        if word.endswith(".toml") or os.sep in word:
            hint = did_you_mean(word, "name a file of recipes, or one that ships: pixian-batch recipes")
            fail(f"--recipe {word}: there is no such file", hint, code=Exit.USAGE)
        hint = _did_you_mean(word, list(ships))
        fail(f"--recipe: no recipe {word!r} ships, and there is no such file", hint, code=Exit.USAGE)
    return read_file(word)


def _did_you_mean(name: str, names: list[str]) -> str:
    near = nearest(name, names)
    return f"did you mean {near!r}?" if near else f"there are {', '.join(names)}"


def find_cutouts(options: RenderOptions, recipes: list[VariantRecipe]) -> list[Cutout]:
    """The pictures to be used. Ends the command where there can be none."""
    from pixian_batch.adapters.ledger import default_path
    from pixian_batch.adapters.walking.patterns import Patterns
    from pixian_batch.adapters.walking.spelling import did_you_mean
    from pixian_batch.rendering.sources import of_folder, of_ledger

    if not os.path.isdir(options.out):
        hint = did_you_mean(options.out, "name the folder that --out of a run was")
        fail(f"{options.out}: there is no such folder", hint, code=Exit.USAGE)
    if os.path.realpath(options.to) == os.path.realpath(options.out):
        fail("--to is the folder of the results themselves", "name another folder", code=Exit.USAGE)
    ledger = options.ledger or default_path(options.out)
    if options.ledger is not None or os.path.isfile(ledger):
        with ledger_errors():
            keeps = any(recipe.encoding.keeps_metadata for recipe in recipes)
            found = of_ledger(ledger, options.out, photos=keeps)
    else:
        found = of_folder(options.out, but=options.to)
    wanted, unwanted = (Patterns(tuple(words or ())) for words in (options.include, options.exclude))

    def chosen(place: str) -> bool:
        name = place.rpartition("/")[2]
        return (not wanted or wanted.match(name, place)) and not unwanted.match(name, place)

    return [one for one in found if chosen(one.place)]
