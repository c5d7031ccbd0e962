"""What an ONNX file says of its network: inputs, outputs, and how each output is made. Reads bytes, runs nothing.

The runtime tells shapes but no operations, and loads all weights first; here the few fields that are needed
are taken from the file's protocol buffers (onnx.proto), and the weights are stepped over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    Field = tuple[int, int | memoryview]

_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5
_IN_THE_GRAPH: Final = 7
_NODE, _WEIGHTS, _INPUT, _OUTPUT = 1, 5, 11, 12
_NODE_INPUT, _NODE_OUTPUT, _NODE_KIND = 1, 2, 4
_WEIGHTS_NAME, _WEIGHTS_PLACE = 8, 14
_ELSEWHERE: Final = 1
_LONGEST_VARINT: Final = 70
KINDS_OF_NUMBER: Final = {1: "float", 10: "float16", 11: "double", 16: "bfloat16", 2: "uint8", 3: "int8"}


class NotOnnxError(ValueError):
    """These bytes are no ONNX model."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input or output. number: `KINDS_OF_NUMBER`; shape: None where a side is not fixed."""

    name: str
    number: str
    shape: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """inputs: those that are no weights. made_by: an output's operation and its first input, by its name."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    made_by: dict[str, tuple[str, str]]
    weights_elsewhere: bool


def read_graph(data: memoryview) -> Graph:
    """The network of an ONNX file. Raises `NotOnnxError`."""
    try:
        graphs = [_message(value) for number, value in _fields(data) if number == _IN_THE_GRAPH]
        if len(graphs) != 1:
            raise NotOnnxError
        return _graph(graphs[0])
    except (IndexError, TypeError, UnicodeDecodeError):
        raise NotOnnxError from None


def _graph(data: memoryview) -> Graph:
    inputs, outputs, weights, elsewhere = [], [], set(), False
    made_by: dict[str, tuple[str, str]] = {}
    for number, value in _fields(data):
        if number == _NODE:
            made_by |= _node(_message(value))
        elif number == _WEIGHTS:
            one = dict(_fields(_message(value)))
            weights.add(_text(one.get(_WEIGHTS_NAME, memoryview(b""))))
            elsewhere = elsewhere or one.get(_WEIGHTS_PLACE) == _ELSEWHERE
        elif number == _INPUT:
            inputs.append(_tensor(_message(value)))
        elif number == _OUTPUT:
            outputs.append(_tensor(_message(value)))
    if not outputs:
        raise NotOnnxError
    own = tuple(one for one in inputs if one.name not in weights)
    return Graph(own, tuple(outputs), made_by, weights_elsewhere=elsewhere)


def _node(data: memoryview) -> dict[str, tuple[str, str]]:
    texts: dict[int, list[str]] = {_NODE_INPUT: [], _NODE_OUTPUT: [], _NODE_KIND: []}
    for number, value in _fields(data):
        if number in texts:
            texts[number].append(_text(value))
    first = next(iter(texts[_NODE_INPUT]), "")
    return dict.fromkeys(texts[_NODE_OUTPUT], (texts[_NODE_KIND][0], first))


def _tensor(data: memoryview) -> Tensor:
    """ValueInfoProto: a name, and a type that holds a kind of number and a shape, each in its own message."""
    one = dict(_fields(data))
    kind = dict(_fields(_message(dict(_fields(_message(one[2])))[1]))) if 2 in one else {}
    sides = [_side(_message(value)) for _number, value in _fields(_message(kind[2]))] if 2 in kind else []
    number = KINDS_OF_NUMBER.get(kind.get(1, 0), "another kind of number")  # type: ignore[arg-type]  # an int
    return Tensor(_text(one[1]), number, tuple(sides))


def _side(data: memoryview) -> int | None:
    value = dict(_fields(data)).get(1)
    return value if isinstance(value, int) and 0 < value < 1 << 31 else None


def _text(value: int | memoryview) -> str:
    return str(_message(value), "utf-8")


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise NotOnnxError
    return value


def _fields(data: memoryview) -> Iterator[Field]:
    """The numbers and values of a message's fields, in their order."""
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, place = _varint(data, place)
            yield number, value
            continue
        if wire == _BYTES:
            length, place = _varint(data, place)
        elif wire in {_EIGHT, _FOUR}:
            length = 8 if wire == _EIGHT else 4
        else:
            raise NotOnnxError
        if not number or length > len(data) - place:
            raise NotOnnxError
        yield number, data[place : place + length]
        place += length


def _varint(data: memoryview, place: int) -> tuple[int, int]:
    value = shift = 0
    while shift < _LONGEST_VARINT:
        byte = data[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
        shift += 7
    raise NotOnnxError
