"""Write a construction as mathematics: affine forms over wires, with +, −, × and relu().

    circuit = Circuit()
    x = circuit.input
    r = relu(-x)
    absolute = x + 2 * r          # costs nothing until a unit reads it
    network = circuit.freeze(absolute)

Coefficients are multiprecision numbers of the circuit's own mpmath context; they are rounded to
float64 once, when the circuit is frozen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NoReturn

from mpmath import MPContext, libmp

from sinrelu.arithmetic.numbers import of_raw
from sinrelu.errors import GraphError, RequestError
from sinrelu.network import Network, Number, Row, without_dead_units

Real = Any  # an mpf, an int, a float or a Fraction; mpmath ships no types
NOT_A_NUMBER = (
    "expected a number, found an affine form: a product, quotient or power of affine forms is not "
    "affine; see sinrelu.constructions.squarings.square.product"
)


@dataclass(frozen=True, repr=False)  # mpmath writes what it cannot multiply into its errors
class Affine:
    """An affine form ``constant + Σ coefficient · wire`` over the wires of one circuit."""

    circuit: Circuit
    coefficients: Mapping[int, Real]
    constant: Real

    def __add__(self, other: Affine | Real) -> Affine:
        if not isinstance(other, Affine):
            constant = self.constant + self.circuit.number(other)
            return Affine(self.circuit, self.coefficients, constant)
        if other.circuit is not self.circuit:
            raise RequestError("affine forms of two circuits cannot be added")
        merged = dict(self.coefficients)
        for wire, coefficient in other.coefficients.items():
            merged[wire] = merged[wire] + coefficient if wire in merged else coefficient
        return Affine(self.circuit, merged, self.constant + other.constant)

    def __mul__(self, factor: Real) -> Affine:
        scale = self.circuit.number(factor)
        scaled = {wire: c * scale for wire, c in self.coefficients.items()}
        return Affine(self.circuit, scaled, self.constant * scale)

    def __neg__(self) -> Affine:
        negated = {wire: -c for wire, c in self.coefficients.items()}
        return Affine(self.circuit, negated, -self.constant)

    def __sub__(self, other: Affine | Real) -> Affine:
        return self + -(other if isinstance(other, Affine) else self.circuit.number(other))

    def __rsub__(self, other: Real) -> Affine:
        return (-self).__add__(other)

    def __truediv__(self, divisor: Real) -> Affine:
        return self.__mul__(1 / self.circuit.number(divisor))

    def __pow__(self, _: Real) -> NoReturn:
        raise RequestError(NOT_A_NUMBER)

    __rtruediv__ = __pow__
    __radd__ = __add__
    __rmul__ = __mul__


class Circuit:
    """A growing list of units over one input.

    Coefficients have a precision of ``bits`` until they are rounded; or they are computed by
    ``numbers`` instead, a context like mpmath's, such as ``Intervals``, of its own precision.
    """

    def __init__(self, bits: int = 256, numbers: Any = None) -> None:
        self.numbers = numbers or MPContext()
        if numbers is None:
            self.numbers.prec = bits
        self._forms: list[Affine] = []
        self.input = Affine(self, {0: self.number(1)}, self.number(0))

    def number(self, value: Real) -> Real:
        """Convert to the circuit's precision; raises RequestError for what is no number."""
        if isinstance(value, Affine):
            raise RequestError(NOT_A_NUMBER)
        if isinstance(value, Fraction):
            return self.numbers.mpf(value.numerator) / value.denominator
        try:
            if isinstance(value, str):  # given other text, mpmath lifts Python's limit of digits
                raise TypeError
            return self.numbers.mpf(value)
        except (TypeError, ValueError):
            raise RequestError(f"expected a number, found {value!r}") from None

    def constant(self, value: Real) -> Affine:
        """Return an affine form that reads nothing."""
        return Affine(self, {}, self.number(value))

    def unit(self, form: Affine) -> Affine:
        """Add the unit relu(form) and return its value; a constant form needs no unit."""
        _check_form(form, self)
        wired = {wire: c for wire, c in form.coefficients.items() if c != 0}
        if not wired:
            # max(c, 0); if c is an interval, one that holds it
            return self.constant((form.constant + abs(form.constant)) / 2)
        self._forms.append(Affine(self, wired, form.constant))
        return Affine(self, {len(self._forms): self.number(1)}, self.number(0))

    def freeze(
        self, output: Affine, meta: Mapping[str, object] | None = None, bits: int | None = None
    ) -> Network:
        """Round the coefficients to float64 and return the network that computes ``output``.

        With ``bits``, they are rounded to as many bits instead, whatever their exponents; without,
        raises GraphError if one does not fit in float64. Weights that vanish and units that the
        output does not depend on are left out: every unit and connection of the result counts.
        """

        def nearest(number: Real) -> Number:
            return nearest_float(number) if bits is None else nearest_dyadic(number, bits)

        return Network(tuple(without_dead_units(self.rows(output, nearest))), meta or {})

    def rows(self, output: Affine, convert: Callable[[Real], Number]) -> list[Row]:
        """Return the forms of all units and that of the output, their numbers converted."""
        _check_form(output, self)
        return [
            Row.of(((w, convert(c)) for w, c in form.coefficients.items()), convert(form.constant))
            for form in (*self._forms, output)
        ]


def relu(form: Affine) -> Affine:
    """max(form, 0): one unit, with a connection for each wire that the form reads."""
    _check_form(form)
    return form.circuit.unit(form)


def _check_form(value: object, circuit: Circuit | None = None) -> None:
    if not isinstance(value, Affine):
        raise RequestError(f"expected an affine form, found {value!r}")
    if circuit not in (None, value.circuit):
        raise RequestError("the affine form belongs to another circuit")


def nearest_dyadic(number: Real, bits: int) -> Fraction:
    """Round an mpf to a number of bits, to nearest with ties to even."""
    return of_raw(libmp.mpf_pos(number._mpf_, bits, libmp.round_nearest))


def nearest_float(number: Real) -> float:
    """Round an mpf to float64, to nearest with ties to even; raises GraphError if it is too large.

    Python divides integers with one rounding, whatever their size.
    """
    _, mantissa, exponent, _ = number._mpf_
    try:
        if exponent and not mantissa:  # how mpmath writes infinities and NaN
            raise OverflowError("not finite")
        above, below = map(int, libmp.to_rational(number._mpf_))
        return above / below
    except OverflowError as error:
        raise GraphError(f"a coefficient does not fit in a float64: {number}") from error
