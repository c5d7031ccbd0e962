"""A decoded cut-out -> its variants' files: crop, scale, ground, shadow, encode. Pixels only: opens and writes nothing.

One decode serves all: what several recipes need (the crop, its weighted colours, a scaled size) is made once, when
they come one after the other; `order` says in which. At most one crop and a few scaled pictures are kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from PIL import Image

from pixian_batch.contract.params import Size
from pixian_batch.imaging.compose import foreground_box
from pixian_batch.imaging.errors import ImagingError
from pixian_batch.imaging.layout import NOWHERE, lay_out
from pixian_batch.imaging.scaling import on_canvas, scaled
from pixian_batch.rendering.colours import as_srgb, is_srgb, srgb_profile
from pixian_batch.rendering.despill import despilled
from pixian_batch.rendering.encoding import encode
from pixian_batch.rendering.grounds import contact_shadow, darken, laid_on, shaded
from pixian_batch.rendering.recipe import ColorProfile

if TYPE_CHECKING:
    from collections.abc import Callable

    from pixian_batch.contract.headers import Box
    from pixian_batch.imaging.layout import Layout
    from pixian_batch.imaging.metadata import Metadata
    from pixian_batch.rendering.recipe import Ground, VariantRecipe

_KEPT: Final = 3
"""Scaled pictures that are kept for the next recipes."""

Canvas: TypeAlias = "Callable[[Ground, Size], Image.Image]"
"""Gives the ground for a canvas of this size, which the caller may draw on (RGB)."""


@dataclass(frozen=True, slots=True, eq=False)
class VariantFile:
    """A finished variant. scale: by how much the object was enlarged (below 1: made smaller)."""

    body: bytes
    size: Size
    quality: int | None
    scale: float


@dataclass(frozen=True, slots=True, eq=False)
class _Basis:
    """The picture as some recipes see it. icc: the profile of its colours, None for sRGB."""

    key: tuple[bool, bool]
    image: Image.Image
    icc: bytes | None
    foreground: Box


@dataclass(slots=True, eq=False)
class Master:
    """A whole cut-out (RGBA, straight alpha) with its RGB colour profile, and what was made of it so far."""

    image: Image.Image
    icc: bytes | None
    canvas: Canvas
    _basis: _Basis | None = None
    _weighted: tuple[tuple[object, ...], Image.Image] | None = None
    _scaled: dict[tuple[object, ...], Image.Image] = field(default_factory=dict)

    def make(self, recipe: VariantRecipe, metadata: Metadata) -> VariantFile:
        """The file that a recipe asks for. Raises `ImagingError` and its kin."""
        basis = self._seen_by(recipe)
        if basis.foreground == NOWHERE:
            raise ImagingError("nothing of it is visible: the result is empty")
        size = Size(*basis.image.size)
        fit = recipe.fit
        layout = lay_out(size, basis.foreground, fit.params, enlarge=fit.enlarge, pad=fit.pad)
        image = self._drawn(basis, layout, recipe)
        icc = srgb_profile() if basis.icc is None else basis.icc
        file = encode(image, recipe.encoding, icc=icc, metadata=metadata)
        scale = layout.placed.width / layout.crop.width
        return VariantFile(file.body, layout.canvas, file.quality, scale)

    def _drawn(self, basis: _Basis, layout: Layout, recipe: VariantRecipe) -> Image.Image:
        """RGB on a ground, else RGBA."""
        if recipe.ground is None:
            return self._transparent(basis, layout, recipe)
        weighted = self._scaled_part(basis, layout)
        ground = self.canvas(recipe.ground, layout.canvas)
        if recipe.shadow is not None:
            dark, top = contact_shadow(weighted.split()[3], layout.placed, layout.canvas, recipe.shadow)
            darken(ground, dark, top, recipe.shadow.color)
        laid_on(ground, weighted, layout.placed)
        return ground

    def _transparent(self, basis: _Basis, layout: Layout, recipe: VariantRecipe) -> Image.Image:
        crop = layout.crop
        if (crop.width, crop.height) == (layout.placed.width, layout.placed.height):
            part = _cropped(basis.image, crop)  # weighted and back, faint colours would be rounded
        else:
            part = self._scaled_part(basis, layout).convert("RGBA")
        cutout = on_canvas(part, layout)
        if recipe.shadow is None:
            return cutout
        dark, top = contact_shadow(part.getchannel("A"), layout.placed, layout.canvas, recipe.shadow)
        return shaded(cutout, dark, top, recipe.shadow.color)

    def _seen_by(self, recipe: VariantRecipe) -> _Basis:
        key = _basis_key(recipe)
        if self._basis is None or self._basis.key != key:
            self._basis = self._new_basis(key)
            self._scaled.clear()
        return self._basis

    def _new_basis(self, key: tuple[bool, bool]) -> _Basis:
        despill, to_srgb = key
        image, icc = self.image, None if is_srgb(self.icc) else self.icc
        if to_srgb and icc is not None:
            converted = as_srgb(image, icc)
            if converted is None:
                raise ImagingError("its colour profile is damaged, so it cannot be converted to sRGB")
            image, icc = converted, None
        if despill:
            image = Image.fromarray(despilled(np.asarray(image)))
        return _Basis(key, image, icc, foreground_box(np.asarray(image.getchannel("A"))))

    def _scaled_part(self, basis: _Basis, layout: Layout) -> Image.Image:
        """The crop in its final size, colours weighted by alpha (RGBa)."""
        which = (basis.key, layout.crop)
        key = (*which, layout.placed.width, layout.placed.height)
        if key not in self._scaled:
            if self._weighted is None or self._weighted[0] != which:
                self._weighted = None  # before the next one is made: they are large
                self._weighted = which, _cropped(basis.image, layout.crop).convert("RGBa")
            while len(self._scaled) >= _KEPT:
                del self._scaled[next(iter(self._scaled))]
            self._scaled[key] = scaled(self._weighted[1], layout.placed)
        return self._scaled[key]


def order(recipe: VariantRecipe) -> tuple[object, ...]:
    """The order in which recipes share most."""
    target = recipe.target
    size = (0, 0) if target is None else (target.width, target.height)
    return *_basis_key(recipe), recipe.fit.crops, size, repr(recipe.margin)


def _basis_key(recipe: VariantRecipe) -> tuple[bool, bool]:
    return recipe.despill, recipe.encoding.color_profile is ColorProfile.SRGB


def _cropped(image: Image.Image, box: Box) -> Image.Image:
    if (box.width, box.height) == image.size:
        return image
    return image.crop((box.left, box.top, box.left + box.width, box.top + box.height))
