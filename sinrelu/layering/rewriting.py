"""Other ways to compute the same values: shallower units, halves of the input."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from fractions import Fraction

from sinrelu.network import Number, Row, fits_float64

NARROW = 3
"""Most sources of a way that is not a row of the network itself."""
POSITIVE_HALF = Row((0,), (1.0,), 0.0)
NEGATIVE_HALF = Row((0,), (-1.0,), 0.0)


def shallower(rows: list[Row]) -> list[Row]:
    """Let relu(relu(f) − t), t ≥ 0, read what f reads, as it equals relu(f − t): a layer less.

    This is so for the units of a fold, where f reads two units. Left alone is a form of more, for
    it is gathered on the way to a single reader, and where the two biases do not add exactly.
    """
    result: list[Row] = []
    for row in rows[:-1]:
        [source, *others] = row.sources or (0,)
        inner = result[source - 1] if source and not others else None
        if inner is None or len(inner.sources) > 2 or row.weights != (1.0,) or row.bias > 0:
            result.append(row)
            continue
        bias = inner.bias + row.bias
        exact = Fraction(inner.bias) + Fraction(row.bias) == bias
        result.append(inner._replace(bias=bias) if exact else row)
    return [*result, rows[-1]]


def split_input(rows: list[Row]) -> list[Row]:
    """Let only units of level 1 read the input: later rows read relu(x) and relu(−x) instead.

    Existing units relu(±x) serve for the halves where the weights that meet add exactly.
    """
    shifted = [row._replace(sources=tuple(s + 2 if s else 0 for s in row.sources)) for row in rows]
    first_level = [POSITIVE_HALF, NEGATIVE_HALF]
    same = {
        number: 1 + first_level.index(row)
        for number, row in enumerate(shifted[:-1], start=3)
        if row in first_level
    }
    later = [_read_halves(row, same) for row in shifted]
    if None in later:
        later = [_read_halves(row, {}) for row in shifted]
    return [*first_level, *(row for row in later if row is not None)]


def _read_halves(row: Row, same: Mapping[int, int]) -> Row | None:
    """Replace w·x by w·relu(x) − w·relu(−x); None where two weights do not add exactly."""
    if row.sources == (0,):
        return row
    weights: defaultdict[int, Fraction] = defaultdict(Fraction)
    for source, weight in zip(row.sources, row.weights, strict=True):
        if source == 0:
            weights[1] += Fraction(weight)
            weights[2] -= Fraction(weight)
        else:
            weights[same.get(source, source)] += Fraction(weight)
    return _exact_row(weights, Fraction(row.bias), _is_wide(row))


def ways(plain: list[Row], shallow: list[Row]) -> list[tuple[Row, ...]]:
    """Return, for each value, the rows that compute it: entry 0, the input's, is empty.

    The first is that of ``plain``. Where a row reads a single unit, as in relu(w·relu(f) − t) with
    w > 0 and t ≥ 0, it may read what f reads, for it equals relu(w·f − t).
    """
    result: list[tuple[Row, ...]] = [()]
    for row, other in zip(plain, shallow, strict=True):
        found = [row]
        if row is not plain[-1]:
            found += _unwrapped(row, plain)
        found += [] if other in found else [other]
        result.append(tuple(found))
    return result


def _unwrapped(row: Row, rows: list[Row]) -> Iterator[Row]:
    while len(row.sources) == 1 and row.sources[0] and row.weights[0] > 0 and row.bias <= 0:
        inner, factor = rows[row.sources[0] - 1], Fraction(row.weights[0])
        weights = {
            s: factor * Fraction(w) for s, w in zip(inner.sources, inner.weights, strict=True)
        }
        bias = factor * Fraction(inner.bias) + Fraction(row.bias)
        through = _exact_row(weights, bias, _is_wide(row))
        if through is None or not 0 < len(through.sources) <= NARROW:
            return
        row = through
        yield row


def _exact_row(weights: Mapping[int, Fraction], bias: Fraction, wide: bool) -> Row | None:
    """Return the row with these numbers; None where a float64 does not hold one of them."""
    edges = sorted((source, weight) for source, weight in weights.items() if weight)
    numbers = [_number(number, wide) for number in (*(weight for _, weight in edges), bias)]
    if None in numbers:
        return None
    return Row(tuple(source for source, _ in edges), tuple(numbers[:-1]), numbers[-1])


def _number(exact: Fraction, wide: bool) -> Number | None:
    if fits_float64(exact):
        return float(exact)
    return exact if wide else None


def _is_wide(row: Row) -> bool:
    return any(isinstance(number, Fraction) for number in (row.bias, *row.weights))
