"""taylor: the textbook network, a Taylor polynomial by Horner's rule with approximate products.

Yarotsky, "Error bounds for approximations with deep ReLU networks", arXiv:1610.01145: squares by
composed tents (Proposition 2), products by polarisation (Proposition 3), smooth functions by their
Taylor polynomials (Theorem 1). Nothing is folded away here but the tents of the squares.

With s = x/π, t = s² and A_k = π^(2k+1)/(2k+1)!, sin x = s·S₀ where S_k = A_k − t·S_{k+1}; on
[−π, π] every S_k lies in [0, A_k], the series being alternating. In this scale Horner's rule never
amplifies an error, because t ≤ 1, and the inner products, whose A_k is small, need few tents.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from mpmath import fp

from sinrelu.circuit import Affine, Circuit, relu
from sinrelu.constructions.base import Construction, Design
from sinrelu.constructions.squarings.square import Tents, magnitude, product, product_error


@dataclass(frozen=True)
class Plan:
    """The parameters of one network.

    Attributes
    ----------
    square : int
        Folds of the square t.
    products : tuple of int
        Folds of each of the two squares in the products s·S₀, t·S₁, …, t·S_{N−1}, where the Taylor
        polynomial has degree 2N+1.
    """

    square: int
    products: tuple[int, ...]

    @property
    def degree(self) -> int:
        """Degree of the Taylor polynomial."""
        return 2 * len(self.products) + 1

    def upper_bounds(self, numbers: Any) -> list[Any]:
        """Return B_k ≥ what the network computes for S_k, k < N: a product may fall below 0."""
        last = len(self.products) - 1
        top = 1 + Tents(self.square).error(numbers.mpf(1))
        bounds = [coefficient(numbers, last)]
        for k in range(last, 0, -1):
            excess = product_error((top, bounds[0]), Tents(self.products[k]))
            bounds.insert(0, coefficient(numbers, k - 1) + excess)
        return bounds

    def errors(self) -> list[float]:
        """Return what the remainder, the square t and each product add to the error bound.

        If η_k bounds the error of S_k then η_N = A_{N+1} (the remainder), and
        η_{k−1} = η_k + B_k·|t̃ − t| + (error of the product t·S_k), as t ≤ 1 and as rectifying
        what approximates S_k ≥ 0 adds nothing. So all of them add up.
        """
        bounds = [*self.upper_bounds(fp), coefficient(fp, len(self.products))]
        square_error = Tents(self.square).error(1.0)
        tops = [1.0] + [1 + square_error] * (len(self.products) - 1)
        products = [
            product_error((top, bound), Tents(folds))
            for top, bound, folds in zip(tops, bounds[:-1], self.products, strict=True)
        ]
        return [coefficient(fp, len(bounds)), sum(bounds[1:]) * square_error, *products]

    @property
    def error_bound(self) -> float:
        """A-priori bound of |N(x) − sin x| on [−π, π], before weights are rounded to float64."""
        return float(sum(self.errors()))

    def refined(self) -> Plan:
        """Give one more fold, a quarter of the error, where it gains most for its connections."""
        _, square, *products = self.errors()
        most = max(products)
        if 2 * square > most:
            return replace(self, square=self.square + 1)
        k = products.index(most)
        folds = (*self.products[:k], self.products[k] + 1, *self.products[k + 1 :])
        return replace(self, products=folds)


def coefficient(numbers: Any, k: int) -> Any:
    """A_k = π^(2k+1)/(2k+1)!."""
    return numbers.pi ** (2 * k + 1) / numbers.factorial(2 * k + 1)


def best_plan(tol: float) -> Plan:
    """Return the plan that spends at most a third of the tolerance on the remainder."""
    count = 1
    while coefficient(fp, count + 1) > tol / 3:
        count += 1
    plan = Plan(1, (1,) * count)
    while plan.error_bound > tol:
        plan = plan.refined()
    return plan


def circuit(plan: Plan) -> Affine:
    """Write the network of a plan: the output is an affine form over the units of a circuit."""
    x = Circuit().input
    numbers = x.circuit.numbers
    one = numbers.mpf(1)
    tents = Tents(plan.square)
    s = relu(x + numbers.pi) / numbers.pi - 1  # one value to carry to the last product, not ±x
    t = relu(tents.square(magnitude(x / numbers.pi), one))
    top = 1 + tents.error(one)
    count = len(plan.products)
    total = relu(coefficient(numbers, count - 1) - coefficient(numbers, count) * t)
    bounds = plan.upper_bounds(numbers)
    for k in range(count - 1, 0, -1):
        folded = product(t, total, (top, bounds[k]), Tents(plan.products[k]))
        total = relu(coefficient(numbers, k - 1) - folded)
    return product(s, total, (one, bounds[0]), Tents(plan.products[0]))


def design(tol: float) -> Design:
    """Choose the degree and the folds of every product, and write the network down."""
    plan = best_plan(tol)
    parameters = {"degree": plan.degree, "square": plan.square, "products": plan.products}
    return Design(circuit(plan), plan.error_bound, parameters)


CONSTRUCTION = Construction(
    name="taylor",
    summary="the textbook: a Taylor polynomial by Horner's rule, products by composed tents",
    source="after Yarotsky, arXiv:1610.01145",
    design=design,
)
