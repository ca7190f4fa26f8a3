"""taylor: the textbook network, a Taylor polynomial by Horner's rule with approximate products.

Yarotsky, "Error bounds for approximations with deep ReLU networks", arXiv:1610.01145: squares by
composed tent maps (Proposition 2), products by polarisation (Proposition 3), smooth functions by
their Taylor polynomials (Theorem 1). Nothing is folded away here but within the squares.

With s = x/π, t = s² and A_k = π^(2k+1)/(2k+1)!, sin x = s·S₀ where S_k = A_k − t·S_{k+1}; on
[−π, π] every S_k lies in [0, A_k], the series being alternating. In this scale Horner's rule never
amplifies an error, because t ≤ 1, and the inner products, whose A_k is small, need few folds. The
folds are those of t, and of each of the two squares in the products s·S₀, t·S₁, …, t·S_{N−1}.
"""

from itertools import count
from typing import Any

from mpmath import fp

from sinrelu.circuit import Affine, Circuit, Real, relu
from sinrelu.constructions.base import Design, Designed
from sinrelu.constructions.squarings.square import (
    Folds,
    absolute,
    product,
    product_error,
    square,
    square_error,
)


def coefficient(numbers: Any, k: int) -> Real:
    """A_k = π^(2k+1)/(2k+1)!."""
    return numbers.pi ** (2 * k + 1) / numbers.factorial(2 * k + 1)


def factors(numbers: Any, folds: Folds) -> list[tuple[Real, Real]]:
    """Bound the two factors of each product, as computed; B_k is the bound of S_k.

    A product may fall below 0 by its error, and then S_{k−1} exceeds A_{k−1} by as much.
    """
    one = numbers.mpf(1)
    top = one + square_error(one, folds[0])
    bounds = [coefficient(numbers, len(folds) - 2)]
    for k in range(len(folds) - 2, 0, -1):
        excess = product_error((top, bounds[0]), folds[k + 1])
        bounds.insert(0, coefficient(numbers, k - 1) + excess)
    return [(one, bounds[0]), *((top, bound) for bound in bounds[1:])]


def errors(folds: Folds) -> list[float]:
    """Return what the remainder, the square t and each product add to the error bound.

    If η_k bounds the error of S_k then η_N = A_{N+1} (the remainder), and
    η_{k−1} = η_k + B_k·|t̃ − t| + (error of the product t·S_k), as t ≤ 1 and as rectifying
    what approximates S_k ≥ 0 adds nothing. So all of them add up.
    """
    terms, bounds = len(folds) - 1, factors(fp, folds)
    times_t = sum(bound for _, bound in bounds[1:]) + coefficient(fp, terms)
    squared = times_t * square_error(1.0, folds[0])
    return [coefficient(fp, terms + 1), squared, *map(product_error, bounds, folds[1:])]


def cheapest(tol: float) -> Folds:
    """Return the folds for a tolerance, of which at most a third is spent on the remainder.

    One more, a quarter of the error, goes where it gains most for its connections, again and again.
    """
    terms = next(n for n in count(1) if coefficient(fp, n + 1) <= tol / 3)
    folds: Folds = (1,) * (terms + 1)
    while sum(parts := errors(folds)) > tol:
        _, squared, *products = parts
        gains = [2 * squared, *products]  # a product has two squares
        most = gains.index(max(gains))
        folds = (*folds[:most], folds[most] + 1, *folds[most + 1 :])
    return folds


def circuit(folds: Folds) -> Affine:
    """Write the network down: the output is an affine form over the units of a circuit."""
    x = Circuit().input
    numbers = x.circuit.numbers
    a = [coefficient(numbers, k) for k in range(len(folds))]
    bounds = factors(numbers, folds)
    s = relu(x + numbers.pi) / numbers.pi - 1  # one value to carry to the last product, not ±x
    t = relu(square(absolute(x / numbers.pi), numbers.mpf(1), folds[0]))
    total = relu(a[-2] - a[-1] * t)
    for k in range(len(folds) - 2, 0, -1):
        total = relu(a[k - 1] - product(t, total, bounds[k], folds[k + 1]))
    return product(s, total, bounds[0], folds[1])


def design(tol: float) -> Design:
    """Choose the degree and the folds of every product, and write the network down."""
    folds = cheapest(tol)
    parameters = {"degree": 2 * len(folds) - 1, "square": folds[0], "products": folds[1:]}
    return Design(circuit(folds), sum(errors(folds)), parameters)


CONSTRUCTION = Designed(
    name="taylor",
    summary="the textbook: a Taylor polynomial by Horner's rule, products by composed tent maps",
    source="after Yarotsky, arXiv:1610.01145",
    design=design,
)
