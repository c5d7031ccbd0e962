"""Tiny ONNX networks of every kind, written as protocol buffers by hand: no library, no download.

Each makes the brightness of red, as it is fed, its answer: `Gather` (channel 0), then what the kind ends in.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Shape = tuple["int | str", ...]
FLOAT, HALF = 1, 10


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: int | str | bytes) -> bytes:
    """One field of a message."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def node(kind: str, inputs: Sequence[str], output: str, *attributes: bytes) -> bytes:
    names = b"".join(field(1, name) for name in inputs)
    return field(1, names + field(2, output) + field(4, kind) + b"".join(field(5, one) for one in attributes))


def integer(name: str, value: int) -> bytes:
    return field(1, name) + field(3, value) + field(20, 2)


def tensor(name: str, shape: Shape, number: int = FLOAT) -> bytes:
    """An input's or output's name and type."""
    sides = b"".join(field(1, field(1, side) if isinstance(side, int) else field(2, side)) for side in shape)
    return field(1, name) + field(2, field(1, field(1, number) + field(2, sides)))


def weights(name: str, values: Sequence[float], shape: Sequence[int], number: int = FLOAT) -> bytes:
    letter = {FLOAT: "f", HALF: "e", 7: "q"}[number]
    sides = b"".join(field(1, side) for side in shape)
    data = struct.pack(f"<{len(values)}{letter}", *values)
    return field(5, sides + field(2, number) + field(8, name) + field(9, data))


def model(graph: bytes) -> bytes:
    return field(1, 8) + field(7, graph + field(2, "tiny")) + field(8, field(2, 17))


@dataclass(frozen=True, kw_only=True)
class Tiny:
    """side: of input and maps; None leaves it open. outputs: maps, the first of which counts."""

    side: int | None = 32
    sigmoid: bool = True
    outputs: int = 1
    number: int = FLOAT
    shape: Shape | None = None
    gain: float = 8.0
    tail: str = ""

    def graph(self) -> bytes:
        sides: Shape = (self.side, self.side) if self.side else ("h", "w")
        shape = self.shape or (1, 3, *sides)
        parts = [
            field(11, tensor("picture", shape, self.number)),
            weights("first", [0], [1], 7),
            weights("gain", [self.gain], [], self.number),
            node("Gather", ["picture", "first"], "red", integer("axis", 1)),
            node("Mul", ["red", "gain"], "odds"),
        ]
        for number in range(self.outputs):
            name = f"map{number}"
            last = f"{name}.made" if self.tail else name
            parts.append(node("Sigmoid" if self.sigmoid else "Identity", ["odds"], last))
            if self.tail:
                parts.append(node(self.tail, [last], name))
            parts.append(field(12, tensor(name, (1, 1, *sides), self.number)))
        return b"".join(parts)

    def write(self, path: Path) -> Path:
        path.write_bytes(model(self.graph()))
        return path
