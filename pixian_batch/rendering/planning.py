"""What is to be made of what: each picture with each recipe, its place, and what stands there. Writes nothing."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from pixian_batch.policy.naming import collisions
from pixian_batch.policy.template import facts_of
from pixian_batch.rendering.index import Index
from pixian_batch.rendering.meeting import Unmet, unmet
from pixian_batch.rendering.sources import file_identity, protected

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pixian_batch.rendering.index import Known
    from pixian_batch.rendering.meeting import Stored
    from pixian_batch.rendering.recipe import VariantRecipe
    from pixian_batch.rendering.sources import Cutout


class WishState(StrEnum):
    """What is the matter with a variant before anything is made."""

    MAKE = "planned"
    EXISTS = "skipped"
    """It is there, made of this result by this recipe."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One picture by one recipe. place: under the folder of variants; made_of: what its file depends on.

    unmet: why it cannot be made.
    """

    cutout: Cutout
    recipe: VariantRecipe
    place: str
    stored: Stored | None = None
    made_of: str = ""
    standing: WishState = WishState.MAKE
    unmet: Unmet | None = None


class CollisionError(Exception):
    """Variants that want one place; `rivals`: some of them, in words."""

    def __init__(self, count: int, rivals: Sequence[str]) -> None:
        self.rivals = rivals
        super().__init__(f"{count:,} variants want the place of another one: {'; '.join(rivals)}")


@dataclass(slots=True)
class VariantPlanner:
    """`plan(cutouts, recipes)`. to: the folder of variants; overwrite: also over files that are not ours."""

    to: str
    overwrite: bool = False
    _known: dict[str, Known] = field(default_factory=dict)
    _originals: set[tuple[int, int]] | None = None

    def plan(self, cutouts: Sequence[Cutout], recipes: Iterable[VariantRecipe]) -> list[Wish]:
        """Raises `CollisionError`, and the index's errors."""
        every = list(recipes)
        wishes = [_wish(cutout, recipe) for cutout in cutouts for recipe in every]
        _check_places(wishes)
        self._known = Index.read(self.to)
        return [self._judged(wish, cutouts) for wish in wishes]

    def _judged(self, wish: Wish, cutouts: Sequence[Cutout]) -> Wish:
        """With what stands at its place."""
        if wish.stored is None:
            return replace(wish, standing=WishState.FAILED)
        path = os.path.join(self.to, *wish.place.split("/"))
        known = self._known.get(wish.place)
        size = os.path.getsize(path) if os.path.isfile(path) else None
        if size is None and not os.path.lexists(path):
            return wish
        if known is not None and known.made_of == wish.made_of and size == known.size:
            return replace(wish, standing=WishState.EXISTS)
        if known is not None and size is not None and known.size in {None, size}:
            return wish  # ours, of another result or recipe, or not known to be finished
        refused = self._refused(path, cutouts, changed=known is not None)
        return wish if refused is None else replace(wish, standing=WishState.FAILED, unmet=refused)

    def _refused(self, path: str, cutouts: Sequence[Cutout], *, changed: bool) -> Unmet | None:
        """Why what stands at a place may not be replaced."""
        if os.path.isdir(path):
            return Unmet(
                f"{path}: a folder stands there", "choose another name in the recipe, or another --to"
            )
        if not self.overwrite:
            what = (
                "was changed since it was made"
                if changed
                else "is there already, and was not made by this command"
            )
            return Unmet(f"{path} {what}", "move it away, choose another --to, or use --overwrite")
        if self._originals is None:
            self._originals = protected(cutouts)
        if file_identity(path) in self._originals:
            return Unmet(
                f"{path} is a photo or a result: a variant never takes its place", "choose another --to"
            )
        return None


def _wish(cutout: Cutout, recipe: VariantRecipe) -> Wish:
    facts = replace(facts_of(cutout.place), digest=cutout.digest)
    try:
        place = recipe.template.place(facts)
    except ValueError:
        place = f"{cutout.place} {recipe.name}"
        missing = Unmet(
            "its name wants {hash}, which only a ledger knows", "leave {hash} out of the recipe's name"
        )
        return Wish(cutout=cutout, recipe=recipe, place=place, unmet=missing)
    found = _source(cutout, recipe)
    if isinstance(found, Unmet):
        return Wish(cutout=cutout, recipe=recipe, place=place, unmet=found)
    made_of = hashlib.blake2b(
        f"{found.identity}\n{recipe.identity}".encode(errors="surrogateescape"), digest_size=16
    )
    return Wish(cutout=cutout, recipe=recipe, place=place, stored=found, made_of=made_of.hexdigest())


def _source(cutout: Cutout, recipe: VariantRecipe) -> Stored | Unmet:
    """The best result that meets a recipe, or why the best one does not."""
    first: Unmet | None = None
    for stored in cutout.stored:
        problem = unmet(stored, recipe)
        if problem is None:
            return stored
        first = first or problem
    if cutout.missing or first is None:
        gone = Unmet(
            "its result is not there any more as it was recorded",
            "run with its photo: what is bought is made again from what is kept, or named",
        )
        return first or gone
    return first


def _check_places(wishes: Sequence[Wish]) -> None:
    named = [(f"{number}", wish.place) for number, wish in enumerate(wishes) if wish.stored is not None]
    rivals = collisions(named)
    if not rivals:
        return
    shown: list[str] = []
    for number, others in list(rivals.items())[:1]:
        wish = wishes[int(number)]
        shown.append(f"{wish.place} is wanted by {', '.join(_told(wishes[int(one)]) for one in others[:4])}")
    raise CollisionError(len(rivals), shown)


def _told(wish: Wish) -> str:
    return f"{wish.cutout.place} ({wish.recipe.name})"
