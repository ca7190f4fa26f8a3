"""The square of a bounded number by folds of one layer each, and the product from two squares.

Yarotsky, "Error bounds for approximations with deep ReLU networks", arXiv:1610.01145,
Proposition 2: the linear interpolation of a square at 2ⁿ equal pieces needs n tents, one inside the
other. The tent is a fold without rescaling, w′ = w − 2r with r = relu(w − t), and the identity
behind the sum is w² − w′² = 4t·r on [0, 2t]. With layered wiring each fold is one layer of two
units, relu(w′) and relu(w′ − t/2), which read the two before them.
"""

from __future__ import annotations

from dataclasses import dataclass

from sinrelu.circuit import Affine, Real, relu


@dataclass(frozen=True)
class Tents:
    """A square by n ≥ 0 folds.

    Attributes
    ----------
    folds : int
        Each costs four connections with skip wiring and six in layers.
    """

    folds: int

    def piece(self, height: Real) -> Real:
        """Length ℓ of a piece when |m| ranges over [0, height]; the first piece is [−ℓ/2, ℓ/2]."""
        return 2 * height / (2 ** (self.folds + 1) - 1)

    def error(self, height: Real) -> Real:
        """Proven bound ℓ²/8 of the square's error, attained at every knot and between them."""
        return self.piece(height) ** 2 / 8

    def square(self, magnitude: Affine, height: Real) -> Affine:
        """Return m² ± ``error(height)`` for |m| = magnitude ≤ height; never above m² + error.

        The chords of m² over the pieces, lowered by half their greatest distance from it. With
        w = |m| + ℓ/2 on [0, 2ⁿℓ], folds at 2ⁿ⁻¹ℓ, …, 2ℓ, ℓ leave the first piece, where the chord
        is flat.
        """
        piece = self.piece(height)
        total = magnitude.circuit.constant(piece**2 / 8)
        value = magnitude + piece / 2
        for power in reversed(range(self.folds)):
            kept = relu(value)
            inner = 0 < power < self.folds - 1
            above = relu((kept if inner else value) - piece * 2**power)
            total += (4 * 2**power - 2) * piece * above
            value = kept - 2 * above
        return total


def magnitude(form: Affine) -> Affine:
    """|form| = relu(form) + relu(−form): two units, one layer."""
    return relu(form) + relu(-form)


def product(first: Affine, second: Affine, bounds: tuple[Real, Real], tents: Tents) -> Affine:
    """Return first · second ± ``product_error(bounds, tents)``, by polarisation.

    With a = first/A and b = second/B in [−1, 1], ab = ((a+b)/2)² − ((a−b)/2)². The constants of the
    two squares cancel.
    """
    numbers = first.circuit.numbers
    a, b = first / (2 * numbers.mpf(bounds[0])), second / (2 * numbers.mpf(bounds[1]))
    plus, minus = (tents.square(magnitude(form), numbers.mpf(1)) for form in (a + b, a - b))
    scaled: Affine = (plus - minus) * (bounds[0] * bounds[1])
    return scaled


def product_error(bounds: tuple[Real, Real], tents: Tents) -> Real:
    """Proven bound of a product's error when its factors are within the bounds."""
    return bounds[0] * bounds[1] * 2 * tents.error(1)
