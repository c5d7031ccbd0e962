"""Recipe files (TOML) -> recipes, strictly: what is not understood is an error, with what was probably meant.

The recipes that ship are read by the same rules, from `recipes.toml` in this folder.
"""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from pixian_batch.contract.params import NO_MARGIN, Color, Params, VerticalAlignment
from pixian_batch.policy.disk import system_word
from pixian_batch.policy.encoding import SAVE_AS_UTF8, Utf16Error, text_of, toml_trouble
from pixian_batch.policy.spelling import nearest
from pixian_batch.policy.template import TemplateError, template_for
from pixian_batch.rendering.recipe import Backdrop, ColorProfile, Encoding, Fit, Format, Ground, VariantRecipe
from pixian_batch.rendering.words import WORDS, WordError, inset

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pixian_batch.policy.template import Template

Table = dict[str, Any]
_SHIPPED: Final = "recipes.toml"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
_USUAL_NAME: Final = "{folder}/{stem}_{recipe}.{ext}"
_UNKNOWN_HERE: Final = ("counter", "date")
"""Fields of a name that are known of photos only, while these are sent."""
_GROUNDS: Final = ("background_color", "background_gradient", "background_image")
_USUAL_QUALITY: Final = {Format.PNG: 100, Format.JPEG: 90, Format.WEBP: 85, Format.AVIF: 70}
_USUAL_LEAST: Final = 40
_DEEPEST: Final = 8


class RecipeFileError(Exception):
    """A recipe, or a file of recipes, that cannot be used: why; hint: what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def shipped_text() -> str:
    """The recipes that ship, as they can be copied."""
    return resources.files(__package__).joinpath(_SHIPPED).read_text(encoding="utf-8")


def shipped() -> dict[str, VariantRecipe]:
    """The recipes that ship, by name."""
    return _recipes(_SHIPPED, _tables(_SHIPPED, shipped_text().encode()), folder="")


def read_file(path: str) -> dict[str, VariantRecipe]:
    """The recipes of a file, by name. Raises `RecipeFileError`."""
    try:
        with open(path, "rb") as stream:
            data = stream.read()
    except OSError as error:
        raise RecipeFileError(
            f"{path}: {system_word(error)}", "name a file of recipes, or one that ships"
        ) from error
    return _recipes(path, _tables(path, data), folder=os.path.dirname(os.path.abspath(path)))


def _tables(path: str, data: bytes) -> dict[str, Table]:
    try:
        document = tomllib.loads(text_of(data))
    except (Utf16Error, UnicodeDecodeError) as error:
        raise RecipeFileError(f"{path} is not UTF-8 text", SAVE_AS_UTF8) from error
    except tomllib.TOMLDecodeError as error:
        hint = 'a recipe begins with [recipe.NAME], and a line is key = value: background_color = "#FFFFFF"'
        raise RecipeFileError(f"{path}: {toml_trouble(error)}", hint) from error
    if odd := next((key for key in document if key != "recipe"), None):
        raise RecipeFileError(f"{path}: {odd!r} is no part of a recipe file", "write it under [recipe.NAME]")
    found = document.get("recipe")
    if not isinstance(found, dict) or not found or not all(isinstance(one, dict) for one in found.values()):
        raise RecipeFileError(f"{path} has no recipe", "begin one with [recipe.NAME]")
    return found


def _recipes(path: str, tables: dict[str, Table], *, folder: str) -> dict[str, VariantRecipe]:
    return {name: _recipe(path, name, tables, folder) for name in tables}


def _recipe(path: str, name: str, tables: Mapping[str, Table], folder: str) -> VariantRecipe:
    place = f"{path}: [recipe.{name}]"
    if not _NAME.fullmatch(name):
        raise RecipeFileError(f"{place}: this cannot be a name", "use letters, digits, - and _")
    values = {key: _value(place, key, given) for key, given in _with_base(place, name, tables).items()}
    encoding = _encoding(place, values)
    return VariantRecipe(
        name=name,
        template=_template(place, name, str(values.get("name", _USUAL_NAME)), encoding.format),
        description=values.get("description", ""),
        fit=_fit(place, values),
        ground=_ground(place, values, folder, opaque=encoding.format is Format.JPEG),
        shadow=values.get("shadow"),
        despill=values.get("despill", False),
        encoding=encoding,
    )


def _with_base(place: str, name: str, tables: Mapping[str, Table]) -> Table:
    """A recipe's table, on top of those that it is based on."""
    merged: Table = {}
    chain = [name]
    while True:
        table = tables.get(chain[-1]) if len(set(chain)) == len(chain) <= _DEEPEST else None
        if table is None and chain[-1] not in chain[:-1]:
            table = _tables(_SHIPPED, shipped_text().encode()).get(chain[-1])
        if table is None:
            raise RecipeFileError(
                f"{place}: based_on: there is no recipe {chain[-1]!r}",
                "name one of this file, or one that ships",
            )
        for key in _GROUNDS if set(_GROUNDS) & set(merged) else ():
            table = {other: value for other, value in table.items() if other != key}
        if {"fill", "margin"} & set(merged):
            table = {other: value for other, value in table.items() if other not in {"fill", "margin"}}
        merged = {**table, **merged}
        base = table.get("based_on")
        if base is None:
            return merged
        chain.append(str(base))


def _value(place: str, key: str, given: Any) -> Any:
    word = WORDS.get(key)
    if word is None:
        near = nearest(key, WORDS)
        hint = f"did you mean {near!r}?" if near else f"the keys are {', '.join(WORDS)}"
        raise RecipeFileError(f"{place}: there is no key {key!r}", hint)
    try:
        return word.read(given)
    except WordError as error:
        shown = given if isinstance(given, str) else str(given).lower() if isinstance(given, bool) else given
        raise RecipeFileError(
            f"{place}: {key} = {shown!r} {_reason(error)}", f"for example: {word.example}"
        ) from error


def _reason(error: WordError) -> str:
    return str(error)


def _template(place: str, name: str, text: str, kind: Format) -> Template:
    suffixes = (".jpg", ".jpeg") if kind is Format.JPEG else (f".{kind.suffix}",)
    try:
        template = template_for(text, kind.value, suffixes, known={"recipe": name})
    except TemplateError as error:
        raise RecipeFileError(
            f"{place}: name = {text!r}: {_words_of(error)}", f"for example: {WORDS['name'].example}"
        ) from error
    if odd := next((field for field in _UNKNOWN_HERE if template.uses(field)), None):
        raise RecipeFileError(
            f"{place}: name = {text!r}: {{{odd}}} is not known of a result",
            "use {folder}, {stem}, {suffix}, {hash}, {recipe} and {ext}",
        )
    return template


def _words_of(error: TemplateError) -> str:
    return str(error)


def _fit(place: str, values: Table) -> Fit:
    share, margin, target = values.get("fill"), values.get("margin", NO_MARGIN), values.get("target_size")
    if share is not None and "margin" in values:
        raise RecipeFileError(
            f"{place}: fill is a margin by another name", "leave one of fill and margin out"
        )
    needs_target = ("fill", "vertical_alignment", "enlarge", "pad")
    if target is None and (odd := next((key for key in needs_target if key in values), None)):
        raise RecipeFileError(
            f"{place}: {odd} needs target_size", f"for example: {WORDS['target_size'].example}"
        )
    params = Params(
        crop_to_foreground=values.get("crop_to_foreground", share is not None),
        margin=margin if share is None else inset(share),
        target_size=target,
        vertical_alignment=values.get("vertical_alignment", VerticalAlignment.MIDDLE),
    )
    if share is not None and not params.crop_to_foreground:
        raise RecipeFileError(
            f"{place}: fill is a share that the object fills", "leave crop_to_foreground = false out"
        )
    return Fit(params, values.get("enlarge", True), values.get("pad", True))


def _ground(place: str, values: Table, folder: str, *, opaque: bool) -> Ground | None:
    given = [key for key in _GROUNDS if key in values]
    if len(given) > 1:
        raise RecipeFileError(f"{place}: there is one background", f"leave one of {' and '.join(given)} out")
    if not given:
        return Color(255, 255, 255) if opaque else None
    value: Any = values[given[0]]
    if given[0] != "background_image":
        ground: Ground = value
        return ground
    return _backdrop(place, os.path.join(folder, os.path.expanduser(value)))


def _backdrop(place: str, path: str) -> Backdrop:
    try:
        with open(path, "rb") as stream:
            return Backdrop(path, hashlib.file_digest(stream, "blake2b").hexdigest())
    except OSError as error:
        raise RecipeFileError(
            f"{place}: background_image: {path}: {system_word(error)}",
            "a path is relative to the recipe file",
        ) from error


def _encoding(place: str, values: Table) -> Encoding:
    opaque = any(key in values for key in _GROUNDS)
    kind = values.get("output_format") or (Format.JPEG if opaque else Format.PNG)
    if not kind.is_lossy and (
        odd := next((key for key in ("quality", "min_quality") if key in values), None)
    ):
        raise RecipeFileError(
            f"{place}: {odd} has no effect on {kind}", f"leave it out, or: {WORDS['output_format'].example}"
        )
    if "min_quality" in values and "max_bytes" not in values:
        raise RecipeFileError(
            f"{place}: min_quality needs max_bytes", f"for example: {WORDS['max_bytes'].example}"
        )
    quality = values.get("quality", _USUAL_QUALITY[kind])
    least = values.get("min_quality", min(_USUAL_LEAST, quality))
    if least > quality:
        raise RecipeFileError(f"{place}: min_quality is above quality", "lower it, or raise quality")
    return Encoding(
        format=kind,
        quality=quality,
        least=least,
        max_bytes=values.get("max_bytes"),
        color_profile=values.get("color_profile", ColorProfile.SRGB),
        dpi=values.get("dpi"),
        keeps_metadata=values.get("keep_metadata", False),
    )
