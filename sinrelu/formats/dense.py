"""A network as dense matrices, for runtimes that know only those, and back again.

Consecutive units that do not read each other form a stage, relu(W·v + b), where v are the values
of some earlier stages, side by side. Unit numbers only grow along the stages, so the same graph
comes back, its order included. The stages of a layered network in order are its layers, and each
reads only the one before.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from sinrelu.arithmetic import FloatArray, IntArray
from sinrelu.errors import GraphError
from sinrelu.network import Network, Number, Row, fits_float64

MAX_ENTRIES = 2**22
"""Matrix entries that an ``Assembler`` looks at, and connections it makes, before it gives up."""
EXACT_COST = 8
"""What a number costs that is computed in exact arithmetic, in matrix entries."""
INEXACT = (
    "a weight or bias that comes of it needs more bits than a float64; "
    "make one affine layer of these steps"
)


class Stage(NamedTuple):
    """One affine map, rectified unless it is the last: the rows of these numbers in the network.

    ``reads`` are the stages that it reads, in order, never none; stage 0 is the input.
    """

    numbers: range
    rows: tuple[Row, ...]
    reads: tuple[int, ...]

    @property
    def bias(self) -> FloatArray:
        """Shape (rows,)."""
        return np.array([row.bias for row in self.rows])

    def weight(self, sources: Sequence[int]) -> FloatArray:
        """Return the dense matrix over these sources, shape (rows, sources)."""
        column = {source: index for index, source in enumerate(sources)}
        matrix = np.zeros((len(self.rows), len(sources)))
        for target, row in zip(matrix, self.rows, strict=True):
            target[[column[source] for source in row.sources]] = row.weights
        return matrix


def stages(network: Network) -> list[Stage]:
    """Split a network into stages: the first stands for the input, the last is the output."""
    starts = [1]
    for number, row in enumerate(network.rows[:-1], start=1):
        if max(row.sources, default=0) >= starts[-1]:
            starts.append(number)
    result = [Stage(range(1), (), ())]
    home = [0]
    output = len(network.rows)
    for first, end in pairwise([*starts, *([output] if network.units else []), output + 1]):
        rows = network.rows[first - 1 : end - 1]
        reads = sorted({home[source] for row in rows for source in row.sources})
        result.append(Stage(range(first, end), rows, tuple(reads) or (len(result) - 1,)))
        home += [len(result) - 1] * len(rows)
    return result


class InexactError(GraphError):
    """A number that comes of several steps is no float64."""


Values = tuple[Row, ...]
"""What is known of a vector: each component as an affine form over the input and the units."""


class Assembler:
    """Builds a graph from dense steps; every one raises GraphError where it cannot be followed.

    What a step computes is taken in real arithmetic. Where a number that comes of it is no
    float64, v = relu(v) − relu(−v) is made of two units, and nothing is multiplied or added up.
    Only what no units can mend is refused: a factor, or a sum of constants, that is no float64.
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.input: Values = (_wire(0),)
        self._left = MAX_ENTRIES

    def affine(self, values: Values, weight: FloatArray, bias: FloatArray | None = None) -> Values:
        """Return W·v + b."""
        if weight.shape[1] != len(values):
            raise GraphError(f"a matrix of {weight.shape[1]} columns meets {len(values)} values")
        self.spend(weight.size)
        biases = [0.0] * len(weight) if bias is None else bias.tolist()
        plain = all(value.numbers == (1.0, 0.0) for value in values)
        sources = np.array([value.sources[0] for value in values if plain], np.int64)
        if plain and len(np.unique(sources)) == len(sources):
            return tuple(_row(sources, form, b) for form, b in zip(weight, biases, strict=True))
        try:
            return self._product(values, weight, biases)
        except InexactError:
            return self._product(self._split(values), weight, biases)

    def _product(self, values: Values, weight: FloatArray, biases: Sequence[float]) -> Values:
        return tuple(
            self.sum([*zip(form, values, strict=True), (1.0, constant(b))])
            for form, b in zip(weight.tolist(), biases, strict=True)
        )

    def relu(self, values: Values) -> Values:
        """Make a unit of every component."""
        self.spend(sum(1 + len(value.sources) for value in values))
        first = len(self.rows) + 1
        self.rows += values
        return tuple(_wire(number) for number in range(first, first + len(values)))

    def combine(self, *terms: tuple[float, Values]) -> Values:
        """Return the sum of vectors of one length, each times a factor."""
        factors = [factor for factor, _ in terms]
        columns = zip(*(values for _, values in terms), strict=True)
        return tuple(self._split_sum(factors, column) for column in columns)

    def scale(self, values: Values, factors: Iterable[Number]) -> Values:
        """Multiply each component by a factor of its own."""
        return tuple(self._split_sum([f], [v]) for f, v in zip(factors, values, strict=True))

    def _split_sum(self, factors: Sequence[Number], forms: Sequence[Row]) -> Row:
        """Return Σ factor·form, of units where it needs them; constants stay constants."""
        try:
            return self.sum(list(zip(factors, forms, strict=True)))
        except InexactError:
            parts = (self._split((form,))[0] if form.sources else form for form in forms)
            return self.sum(list(zip(factors, parts, strict=True)))

    def _split(self, values: Values) -> Values:
        """Return relu(v) − relu(−v): weights of ±1 and no bias, exact under any float64 factor."""
        return self.leaky(values, [1.0] * len(values))

    def leaky(self, values: Values, slopes: Sequence[float]) -> Values:
        """Return relu(v) − α·relu(−v), a second unit only where α is not 0."""
        positive = self.relu(values)
        leaking = tuple(value for value, slope in zip(values, slopes, strict=True) if slope)
        negative = iter(self.relu(self.combine((-1.0, leaking))))
        return tuple(
            self.sum([(1.0, unit), (-slope, next(negative))]) if slope else unit
            for unit, slope in zip(positive, slopes, strict=True)
        )

    def maximum(self, first: Values, second: Values) -> Values:
        """Return b + relu(a − b) for each component, where b is the simpler of the two.

        The simpler of the two is the one that later factors are likelier to leave exact.
        """
        pairs = [sorted(pair, key=_order) for pair in zip(first, second, strict=True)]
        bases, others = (tuple(pair[place] for pair in pairs) for place in (0, 1))
        units = self.relu(self.combine((1.0, others), (-1.0, bases)))
        return self.combine((1.0, bases), (1.0, units))

    def minimum(self, first: Values, second: Values) -> Values:
        """Return −max(−a, −b) for each component."""
        negated = (self.combine((-1.0, values)) for values in (first, second))
        return self.combine((-1.0, self.maximum(*negated)))

    def clip(self, values: Values, low: float = -math.inf, high: float = math.inf) -> Values:
        """Return min(max(v, low), high); an infinite bound is none."""
        if low > -math.inf:
            values = self.maximum(values, (constant(low),) * len(values))
        if high < math.inf:
            values = self.minimum(values, (constant(high),) * len(values))
        return values

    def network(self, output: Values, meta: Mapping[str, object] | None = None) -> Network:
        """Return the network with this output, which must have one component."""
        if len(output) != 1:
            raise GraphError(f"the output has {len(output)} components, expected one")
        self.spend(len(output[0].sources))
        return Network((*self.rows, *output), meta or {})

    def sum(self, terms: Sequence[tuple[Number, Row]]) -> Row:
        """Return Σ factor·form, exactly; a factor is finite, a float or a Fraction."""
        kept = [(factor, form) for factor, form in terms if factor != 0]
        forms = [(factor, form) for factor, form in kept if form.sources]
        self.spend(EXACT_COST * len(kept))
        bias = _float64(sum(exact(factor) * exact(form.bias) for factor, form in kept))
        if [factor for factor, _ in forms] == [1]:  # a bias is all that is added
            return forms[0][1]._replace(bias=bias)
        self.spend(EXACT_COST * sum(len(form.sources) for _, form in forms))
        weights: dict[int, Fraction] = defaultdict(Fraction)
        for factor, form in forms:
            for source, weight in form.edges:
                weights[source] += exact(factor) * exact(weight)
        return Row.of(((source, _float64(w)) for source, w in weights.items()), bias)

    def spend(self, entries: int) -> None:
        """Bound the work: what is read may repeat a large matrix a million times."""
        self._left -= entries
        if self._left < 0:
            raise GraphError(f"more than {MAX_ENTRIES} matrix entries; that is no network of ours")


def constant(number: float) -> Row:
    """Return the form that is this number everywhere."""
    return Row((), (), number)


def _wire(number: int) -> Row:
    return Row((number,), (1.0,), 0.0)


def _row(sources: IntArray, form: FloatArray, bias: float) -> Row:
    kept = np.flatnonzero(form)
    return Row.of(zip(sources[kept].tolist(), form[kept].tolist(), strict=True), bias)


def _order(form: Row) -> tuple[bool, int]:
    """Order forms by how little a later factor makes of them: 0, wires, constants, others."""
    wire = len(form.sources) == 1 and abs(form.weights[0]) == 1 and form.bias == 0
    return not wire and form.numbers != (0.0,), len(form.sources)


def exact(number: Number) -> Fraction:
    """Return a finite number as a Fraction; GraphError for any other."""
    try:
        return Fraction(number)
    except (ValueError, OverflowError) as error:
        raise GraphError(f"a number is {number}, not finite") from error


def _float64(number: Fraction | int) -> float:
    """Return a number that is a float64 exactly."""
    if not fits_float64(Fraction(number)):
        raise InexactError(INEXACT)
    return float(number)
