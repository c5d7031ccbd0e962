"""How a network is fed, and what its answer means: recognised from its graph, or given. Pure.

Three kinds are known, with their authors' ways of preparing a picture: U2-Net (Qin et al., 2020), ISNet (of
DIS; Qin et al., 2022) and BiRefNet (Zheng et al., 2024). All of them take RGB with the channels first.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pixian_batch.emulator.engine.onnx_file import Graph, Tensor

Colour = tuple[float, float, float]
_IMAGENET: Final = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_HALF: Final = (0.5, 0.5, 0.5), (1.0, 1.0, 1.0)
MEAN, DEVIATION = "--engine-mean", "--engine-deviation"
"""Options, as messages name them."""


class Answers(StrEnum):
    """What a network's output is: a probability, or its logarithmic odds, which a sigmoid makes one of."""

    PROBABILITY = "probability"
    LOGITS = "logits"


class RecipeError(ValueError):
    """A network that cannot be fed with pictures, or whose answer is no matte. The text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """side: height, width of its input. brightest: colours are divided by the picture's brightest, else by 255.

    half: it is fed with 16-bit floats. unsure: its answers are probabilities of "subject", of which wide
    middle values mean that it does not know; else they are an alpha that is used as it comes.
    """

    kind: str
    input: str
    output: str
    side: tuple[int, int]
    mean: Colour
    deviation: Colour
    answers: Answers
    brightest: bool = False
    half: bool = False
    unsure: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the user says of a network; None is recognised."""

    size: int | None = None
    mean: Colour | None = None
    deviation: Colour | None = None
    answers: Answers | None = None


@dataclass(frozen=True, slots=True)
class _Kind:
    """One of the known kinds. side: when the graph leaves it open."""

    name: str
    side: int
    colours: tuple[Colour, Colour]
    brightest: bool = False
    unsure: bool = True


_U2NET: Final = _Kind("U2-Net", 320, _IMAGENET, brightest=True)
_ISNET: Final = _Kind("ISNet", 1024, _HALF)
_BIREFNET: Final = _Kind("BiRefNet", 1024, _IMAGENET, unsure=False)
_ISNET_OUTPUTS: Final = {6, 12}
"""Its six maps, and with them the six features that its training looks at."""
_U2NET_OUTPUTS: Final = 7
_LARGE: Final = 640
"""Networks with one output and inputs from this side on are of the ISNet kind."""
_STEPS_OVER: Final = frozenset(
    {
        "Cast",
        "Squeeze",
        "Unsqueeze",
        "Reshape",
        "Identity",
        "Slice",
        "Transpose",
        "Flatten",
        "Gather",
        "Resize",
        "Upsample",
    }
)
"""Operations that leave what a number means as it is."""
_MAKES_PROBABILITIES: Final = frozenset({"Sigmoid", "HardSigmoid", "Clip"})


BUILT_IN: Final = Recipe(
    kind="U2-NetP",
    input="input.1",
    output="1959",
    side=(320, 320),
    mean=_IMAGENET[0],
    deviation=_IMAGENET[1],
    answers=Answers.PROBABILITY,
    brightest=True,
)


def recognised(graph: Graph, given: Given) -> Recipe:
    """The recipe of a network; what is given goes before what is recognised. Raises `RecipeError`."""
    taken, made = _input(graph), _output(graph)
    answers = given.answers or _answers(graph, made.name)
    height, width = taken.shape[2:]
    kind = _kind(len(graph.outputs), answers, height or given.size)
    side = _side(kind, (height, width), given)
    return Recipe(
        kind=kind.name,
        input=taken.name,
        output=made.name,
        side=side,
        mean=given.mean or kind.colours[0],
        deviation=given.deviation or kind.colours[1],
        answers=answers,
        brightest=kind.brightest,
        half=taken.number == "float16",
        unsure=kind.unsure,
    )


def _input(graph: Graph) -> Tensor:
    if len(graph.inputs) != 1:
        names = ", ".join(one.name for one in graph.inputs) or "none"
        raise RecipeError(f"it has {len(graph.inputs)} inputs ({names}), where one picture was expected")
    (taken,) = graph.inputs
    if taken.number not in {"float", "float16"}:
        raise RecipeError(f"its input is {taken.number}, where float or float16 was expected")
    if len(taken.shape) != 4:
        raise RecipeError(
            f"its input has {len(taken.shape)} dimensions ({_said(taken)}), where 1 x 3 x height x width was expected"
        )
    batch, channels = taken.shape[:2]
    if batch not in {None, 1}:
        raise RecipeError(f"it takes {batch} pictures at once ({_said(taken)}); export it for one")
    if channels not in {None, 3}:
        order = "the channels last" if taken.shape[3] == 3 else f"{channels} channels"
        raise RecipeError(f"it takes {order} ({_said(taken)}), where 1 x 3 x height x width was expected")
    return taken


def _output(graph: Graph) -> Tensor:
    """The finest map; of several as fine the first, which is the one that the authors use."""
    maps = [one for one in graph.outputs if _is_map(one)]
    if not maps:
        shapes = ", ".join(_said(one) for one in graph.outputs)
        raise RecipeError(f"none of its outputs is one map of the subject ({shapes})")
    return max(maps, key=lambda one: (one.shape[-1] or 0) if one.shape else 0)


def _is_map(one: Tensor) -> bool:
    if one.number not in {"float", "float16"}:
        return False
    # Exporters leave shapes out at times: what comes is looked at when it comes.
    return not one.shape or (len(one.shape) in {3, 4} and all(side in {None, 1} for side in one.shape[:-2]))


def _said(one: Tensor) -> str:
    return " x ".join("?" if side is None else str(side) for side in one.shape) or "no shape"


def _answers(graph: Graph, name: str) -> Answers:
    """Whether the graph ends in a sigmoid: then its answers are probabilities."""
    for _step in range(len(graph.made_by)):
        operation, name = graph.made_by.get(name, ("", ""))
        if operation not in _STEPS_OVER:
            return Answers.PROBABILITY if operation in _MAKES_PROBABILITIES else Answers.LOGITS
    return Answers.LOGITS


def _kind(outputs: int, answers: Answers, side: int | None) -> _Kind:
    if outputs == _U2NET_OUTPUTS:
        return _U2NET
    if outputs in _ISNET_OUTPUTS:
        return _ISNET
    if answers is Answers.LOGITS:
        return _BIREFNET
    if side is None:
        raise RecipeError(
            "neither its input's size nor its outputs say of which kind it is; add --engine-size (320 for U2-Net, 1024 for ISNet)"
        )
    return _ISNET if side >= _LARGE else _U2NET


def _side(kind: _Kind, fixed: tuple[int | None, int | None], given: Given) -> tuple[int, int]:
    usual = given.size or kind.side
    if given.size and any(side not in {None, given.size} for side in fixed):
        raise RecipeError(
            f"--engine-size {given.size}: its input is fixed at {fixed[0]} x {fixed[1]}; leave the option out"
        )
    return fixed[0] or usual, fixed[1] or usual


def read_colour(text: str, option: str) -> Colour:
    """Three numbers, for red, green and blue, or one for all. Raises ValueError."""
    try:
        numbers = [float(part) for part in text.replace(",", " ").split()]
    except ValueError:
        numbers = []
    if len(numbers) == 1:
        numbers *= 3
    least = 1e-6 if option == DEVIATION else 0.0
    if len(numbers) != 3 or not all(least <= number <= 1 for number in numbers):
        raise ValueError(
            f"{option} {text!r}: give three numbers for red, green and blue, of colours from 0 to 1 "
            "(divide those for 0 to 255 by 255): '0.485 0.456 0.406'"
        )
    red, green, blue = numbers
    return red, green, blue
