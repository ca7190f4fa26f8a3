"""Tables of entries: for people, as Markdown, JSON and CSV; and CSV read back."""

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import Any, get_args, get_type_hints

from sinrelu.arithmetic.rounding import decimal_above
from sinrelu.compare.networks import Entry
from sinrelu.constructions import CONSTRUCTIONS
from sinrelu.errors import FormatError
from sinrelu.formats import read_text
from sinrelu.target import DEFAULT

COLUMNS = {name: kind for name, kind in get_type_hints(Entry).items() if name != "seconds"}
"""Of the CSV, with types: what is the same on every machine; ``evidence`` is for the reader."""


def written(entries: Sequence[Entry], form: str | None) -> str:
    """Return entries as ``json``, ``markdown``, ``csv``, or text for people."""
    forms = {"json": as_json, "markdown": as_markdown, "csv": as_csv}
    return forms.get(form or "", as_text)(entries).rstrip("\n")


PLAIN = ("construction", "wiring", "connections", "biases", "units", "depth", "width")
"""Columns of the tables for people that are written as they are."""
HEADINGS = (*PLAIN, "dense size", "sampled error", "sup error", "build s")


def bound_text(bound: float, tol: float, digits: int = 4) -> str:
    """Write an error or its bound, rounded up, and not above a tolerance that it is not above."""
    return decimal_above(bound, digits, Fraction(tol))


def cells(entry: Entry) -> tuple[str, ...]:
    """Return an entry as text under ``HEADINGS``."""
    return (
        *(f"{getattr(entry, name)}" for name in PLAIN),
        "–" if entry.dense_size is None else f"{entry.dense_size}",
        "–" if entry.sampled_float64 is None else bound_text(entry.sampled_float64, entry.tol, 3),
        "–" if entry.sup_error is None else f"{bound_text(entry.sup_error, entry.tol)} proved",
        f"{entry.seconds:.2f}",
    )


def as_text(entries: Sequence[Entry]) -> str:
    """Return one aligned table for each tolerance."""
    columns = zip(HEADINGS, *map(cells, entries), strict=True)
    widths = [max(map(len, column)) for column in columns]

    def aligned(row: tuple[str, ...]) -> str:
        names = [f"{cell:<{width}}" for cell, width in zip(row[:2], widths, strict=False)]
        figures = [f"{cell:>{width}}" for cell, width in zip(row[2:], widths[2:], strict=True)]
        return "  ".join([*names, *figures]).rstrip()

    return _tables(entries, [aligned(HEADINGS)], aligned)


def as_markdown(entries: Sequence[Entry]) -> str:
    """Return one Markdown table for each tolerance."""
    rule = "|" + "---|" * 2 + "--:|" * (len(HEADINGS) - 2)
    return _tables(entries, [_bars(HEADINGS), rule], _bars)


def as_json(entries: Sequence[Entry]) -> str:
    """Return one JSON object; its keys are those of ``verify --json``."""
    return json.dumps({"networks": [_as_dict(entry) for entry in entries]}, indent=2)


def _bars(row: tuple[str, ...]) -> str:
    return f"| {' | '.join(row)} |"


def _tables(
    entries: Sequence[Entry], head: list[str], row: Callable[[tuple[str, ...]], str]
) -> str:
    parts = []
    for tol, group in groupby(entries, key=lambda entry: entry.tol):
        parts.append("\n".join([f"tolerance {tol}", "", *head, *map(row, map(cells, group))]))
    for name in sorted({entry.construction for entry in entries if entry.domain != DEFAULT.cover}):
        narrow = CONSTRUCTIONS[name].target.interval
        parts.append(f"{name} covers {narrow} only; all others cover {DEFAULT.interval}")
    return "\n\n".join(parts)


def _as_dict(entry: Entry) -> dict[str, object]:
    values = asdict(entry)
    errors = {kind: values.pop(f"sampled_{kind}") for kind in ("float64", "mpmath")}
    return {**values, "domain": list(entry.domain), "sampled_error": errors}


def as_csv(entries: Iterable[Entry]) -> str:
    """Return a table; what was not measured is empty."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*COLUMNS, "evidence"])
    for entry in entries:
        writer.writerow([*(getattr(entry, name) for name in COLUMNS), entry.evidence])
    return stream.getvalue()


def read_csv(file: Path) -> list[Entry]:
    """Read what ``as_csv`` wrote; else FileAccessError, or FormatError naming line and column."""
    text = read_text(file, "a table of `sinrelu compare --csv`")
    try:
        lines = list(csv.DictReader(io.StringIO(text)))
    except csv.Error as error:
        raise FormatError(f"{file}: not a table of `sinrelu compare --csv` ({error})") from error
    if not lines:
        raise FormatError(f"{file}: no table of `sinrelu compare --csv`")
    return [_entry(file, number, line) for number, line in enumerate(lines, start=2)]


def _entry(file: Path, number: int, line: Mapping[str, str | None]) -> Entry:
    values = {}
    for name, kind in COLUMNS.items():
        try:
            values[name] = _read(name, kind, line[name] or "")
        except (KeyError, ValueError, OverflowError) as error:
            raise FormatError(f"{file}: line {number}: {name} is missing or not valid") from error
    return Entry(**values, seconds=math.nan)  # type: ignore[arg-type]  # _read sees to the types


def _read(name: str, kind: Any, text: str) -> str | float | int | None:
    if text and kind is str:
        return text
    if not text and type(None) in get_args(kind):
        return None
    number = float(text) if float in (kind, *get_args(kind)) else int(text)
    if not 0 < number < math.inf and name in ("tol", "connections"):
        raise ValueError
    return number
