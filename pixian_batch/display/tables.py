"""Rows for other programs: CSV (RFC 4180, UTF-8), JSON lines, Parquet. A row at a time, into a binary stream.

File names are untrusted. On one line they are written `visible`; in CSV, a text that a spreadsheet would take for a
formula gets an apostrophe before it, and so does one that begins with an apostrophe: take one off, and the text is
as it was. Numbers, dates and our own words never need one. Loads pyarrow for Parquet only.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, auto
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from pixian_batch.display.text import visible
from pixian_batch.display.values import named

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

_FORMULA: Final = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20'")
"""What a spreadsheet may take for a formula's beginning, in full width too; and the apostrophe that tells ours apart."""
_ROWS_AT_ONCE: Final = 20_000
"""Rows of a Parquet row group: so many are held in memory."""
_CREDIT_DIGITS: Final = (38, 24)
_MEGAPIXEL_DIGITS: Final = (18, 6)


class Holds(Enum):
    """What a column holds."""

    NAME = auto()
    """A text from outside."""
    WORD = auto()
    """One of our own words, or a text that cannot be a formula."""
    COUNT = auto()
    CREDITS = auto()
    MEGAPIXELS = auto()
    MOMENT = auto()
    """ISO 8601 text."""
    DAY = auto()


@dataclass(frozen=True, slots=True)
class Column:
    """A column by its name and what it holds; a value that is not known is None."""

    name: str
    kind: Holds


class ParquetMissingError(Exception):
    """pyarrow is not installed; `hint` says what to do."""

    hint = "pip install 'pixian-batch[parquet]', or use --csv"

    def __init__(self) -> None:
        super().__init__("--parquet needs pyarrow, which is not installed")


class ParquetLimitError(Exception):
    """An amount has more digits than a Parquet decimal can hold; it is never rounded."""

    hint = "use --csv, which has no such limit"


Row = tuple[Any, ...]


def megapixels(pixels: int) -> Decimal:
    """Exactly."""
    return Decimal(pixels).scaleb(-6)


def write_csv(columns: Sequence[Column], rows: Iterator[Row], stream: BinaryIO) -> None:
    """A header line, then a line a row; lines end with CRLF, as RFC 4180 says."""
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=False)
    try:
        writer = csv.writer(text)
        writer.writerow([column.name for column in columns])
        kinds = [column.kind for column in columns]
        for row in rows:
            writer.writerow([_cell(value, kind) for value, kind in zip(row, kinds, strict=True)])
        text.flush()
    finally:
        text.detach()


def _cell(value: Any, kind: Holds) -> str | int:
    if value is None:
        return ""
    if kind is Holds.NAME:
        return harmless(visible(value))
    return f"{value:f}" if isinstance(value, Decimal) else value


def harmless(text: str) -> str:
    """`text`, not to be taken for a formula by a spreadsheet: take off one leading apostrophe to have it back."""
    return f"'{text}" if text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA) else text


def write_json(kind: str, columns: Sequence[Column], rows: Iterator[Row], stream: BinaryIO) -> None:
    """An object a line, `type` first. Names as in the records of a run: `NAME_bytes` where text cannot hold them."""
    for row in rows:
        record: dict[str, Any] = {"v": 1, "type": kind}
        for column, value in zip(columns, row, strict=True):
            if column.kind is Holds.NAME:
                record |= named(column.name, value)
            else:
                record[column.name] = f"{value:f}" if isinstance(value, Decimal) else value
        stream.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")


def write_parquet(columns: Sequence[Column], rows: Iterator[Row], stream: BinaryIO) -> None:
    """Decimals as decimals, moments as UTC. Raises `ParquetMissingError`, `ParquetLimitError`."""
    pa, parquet = _pyarrow()
    schema = pa.schema([(column.name, _arrow_type(pa, column.kind)) for column in columns])
    with parquet.ParquetWriter(stream, schema, compression="zstd") as writer:
        while block := list(islice(rows, _ROWS_AT_ONCE)):
            arrays = [
                _array(pa, column.kind, values)
                for column, values in zip(columns, zip(*block, strict=True), strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


def check_parquet() -> None:
    """Raises `ParquetMissingError`: before anything is read or written."""
    _pyarrow()


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa  # an extra
        from pyarrow import parquet
    except ImportError as error:
        raise ParquetMissingError from error
    return pa, parquet


def _arrow_type(pa: Any, kind: Holds) -> Any:
    match kind:
        case Holds.NAME | Holds.WORD:
            return pa.string()
        case Holds.COUNT:
            return pa.int64()
        case Holds.CREDITS:
            return pa.decimal128(*_CREDIT_DIGITS)
        case Holds.MEGAPIXELS:
            return pa.decimal128(*_MEGAPIXEL_DIGITS)
        case Holds.MOMENT:
            return pa.timestamp("ms", tz="UTC")
        case Holds.DAY:
            return pa.date32()


def _array(pa: Any, kind: Holds, values: Sequence[Any]) -> Any:
    convert = {Holds.NAME: visible, Holds.MOMENT: datetime.fromisoformat, Holds.DAY: date.fromisoformat}.get(
        kind
    )
    cells = [value if value is None or convert is None else convert(value) for value in values]
    try:
        return pa.array(cells, type=_arrow_type(pa, kind))
    except pa.ArrowInvalid as error:
        if kind is Holds.CREDITS:
            raise ParquetLimitError("an amount of credits has too many digits for Parquet") from error
        raise
