"""The square of a bounded number by composed tent maps, and the product from two squares.

Yarotsky, "Error bounds for approximations with deep ReLU networks", arXiv:1610.01145,
Proposition 2: the linear interpolation of a square on 2ⁿ equal pieces is a sum of n sawtooths, the
tent map composed with itself. The tent map is a fold without rescaling, w′ = w − 2r with
r = relu(w − t), and the identity behind the sum is w² − w′² = 4t·r on [0, 2t]. With layered wiring
each fold is one layer of two units, relu(w′) and relu(w′ − t/2), which read the two before them: it
costs six connections, and four with skip wiring.
"""

from sinrelu.circuit import Affine, Real, relu

Folds = tuple[int, ...]
"""How many folds each square of a construction has."""


def absolute(form: Affine) -> Affine:
    """|form| = relu(form) + relu(−form): two units, one layer."""
    return relu(form) + relu(-form)


def square(m: Affine, height: Real, folds: int) -> Affine:
    """Return m² ± ``square_error(height, folds)`` for 0 ≤ m ≤ height; never above m² + error.

    The chords of m² over the pieces, lowered by half their greatest distance from it.
    """
    piece = piece_length(height, folds)
    w = m + piece / 2  # on [0, 2ⁿℓ]; the folds leave the first piece, where the chord is flat
    total = m.circuit.constant(piece**2 / 8)
    for power in reversed(range(folds)):
        t = piece * 2**power
        kept = relu(w)
        inner = 0 < power < folds - 1
        r = relu((kept if inner else w) - t)
        total += (4 * t - 2 * piece) * r  # as m² = w² − ℓw + ℓ²/4
        w = kept - 2 * r
    return total


def square_error(height: Real, folds: int) -> Real:
    """Proven bound ℓ²/8 of a square's error, attained at every knot and between them."""
    return piece_length(height, folds) ** 2 / 8


def piece_length(height: Real, folds: int) -> Real:
    """Length ℓ of the pieces for m in [0, height]; the first is [−ℓ/2, ℓ/2]."""
    return 2 * height / (2 ** (folds + 1) - 1)


def product(x: Affine, y: Affine, bounds: tuple[Real, Real], folds: int) -> Affine:
    """Return x·y ± ``product_error(bounds, folds)`` for |x| ≤ X and |y| ≤ Y, the bounds.

    With a = x/X and b = y/Y, ab = ((a+b)/2)² − ((a−b)/2)²: polarisation, Yarotsky's Proposition 3.
    The constants of the two squares cancel.
    """
    one = x.circuit.number(1)
    a, b = x / (2 * one * bounds[0]), y / (2 * one * bounds[1])
    plus, minus = (square(absolute(form), one, folds) for form in (a + b, a - b))
    scaled: Affine = (plus - minus) * (bounds[0] * bounds[1])
    return scaled


def product_error(bounds: tuple[Real, Real], folds: int) -> Real:
    """Proven bound of a product's error when its factors are within the bounds."""
    return bounds[0] * bounds[1] * 2 * square_error(1, folds)
