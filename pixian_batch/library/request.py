"""What one call asks for. All that can be wrong with it is found here, before anything is sent."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pixian_batch.contract.params import OutputFormat, Params
from pixian_batch.imaging.errors import UnprovenLayoutError
from pixian_batch.library.parameters import read_parameters
from pixian_batch.library.sinks import Destination
from pixian_batch.library.sources import File, Url, explicit, prepare, ready

if TYPE_CHECKING:
    from pixian_batch.imaging.probe import Probe
    from pixian_batch.library.sources import Prepared, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSpec:
    """What one call is about. rebuild: a delta is bought, and the full PNG is made of it."""

    prepared: Prepared
    params: Params
    destination: Destination | None
    rebuild: bool = False
    warnings: tuple[str, ...] = ()

    async def ready(self) -> CallSpec:
        """The same with what is really sent, where that is made of the image first. Raises `InputError`."""
        return replace(self, prepared=await ready(self.prepared))


async def read_call(
    source: Source,
    params: Params,
    *,
    to: str | os.PathLike[str] | None,
    via_delta: bool,
    convert: bool = False,
) -> CallSpec:
    """The call as it will be made. Raises TypeError, ValueError and `InputError`."""
    image = explicit(source)
    if via_delta:
        params = _for_delta(image, params)
    destination = None if to is None else Destination(os.fspath(to))
    if destination is not None:
        destination.check(os.fspath(image.path) if isinstance(image, File) else None, params)
    prepared = await prepare(image, convert=convert)
    spec = CallSpec(prepared=prepared, params=params, destination=destination)
    if not via_delta:
        return spec
    if warning := _no_delta(prepared.probe, params.max_pixels):
        return replace(spec, warnings=(warning,))
    return replace(spec, params=replace(params, output_format=OutputFormat.DELTA_PNG), rebuild=True)


def _no_delta(probe: Probe | None, max_pixels: int) -> str:
    """Why the image is asked for as PNG although a delta was wanted; "" when it is not."""
    if probe is None:
        return ""
    if probe.size.pixels > max_pixels:
        why = f"{probe.size.width} x {probe.size.height} is more than max_pixels ({max_pixels:,})"
    elif not probe.is_proven:
        why = str(UnprovenLayoutError(probe.layout))
    else:
        return ""
    return f"{why}: it was asked for as PNG, not by way of a Delta PNG"


def _for_delta(source: object, params: Params) -> Params:
    """The parameters of a PNG that is made by way of a delta. Raises ValueError."""
    if isinstance(source, Url):
        raise ValueError("via_delta needs the original here: give a file or bytes, not a URL")  # noqa: TRY004  # the type is fine, the combination is not
    if params.output_format not in {OutputFormat.AUTO, OutputFormat.PNG}:
        raise ValueError(f"via_delta gives a PNG: leave output_format={params.output_format.value!r} out")
    try:
        read_parameters(params, {"output_format": OutputFormat.DELTA_PNG})
    except ValueError as error:
        raise ValueError(str(error).replace("delta_png", "via_delta")) from None
    return replace(params, output_format=OutputFormat.PNG)
