"""Evaluation in a binary format, in rational arithmetic: any order of summation, FMA or not."""

from fractions import Fraction

from sinrelu.certify.floats import BINARY64


def rounded(z, format=BINARY64):
    """Round to nearest, ties to even, with gradual underflow; nothing may overflow."""
    if not z:
        return z
    exponent = abs(z.numerator).bit_length() - z.denominator.bit_length()
    if abs(z) < Fraction(2) ** exponent:
        exponent -= 1
    spacing = Fraction(2) ** max(exponent - format.digits + 1, format.least)
    return round(z / spacing) * spacing


class Forward:
    """Each product rounded, added from the first to the last; the bias comes first."""

    def __init__(self, random, format):
        self.random, self.format = random, format

    def leaves(self, products, bias):
        """The bias and the products, those to be rounded as None."""
        return [bias, *products]

    def pair(self, count):
        """Which two of so many nodes are added next; the sum takes the place of the first."""
        return 0, 1

    def fused(self):
        """Whether a product goes into an addition without rounding."""
        return False

    def form(self, products, bias):
        """Evaluate a form, given the exact products."""
        leaves = self.leaves([(product, False) for product in products], (bias, True))
        while len(leaves) > 1:
            i, j = self.pair(len(leaves))
            pair = [
                z if done or self.fused() else self.round(z) for z, done in (leaves[i], leaves[j])
            ]
            leaves[i] = self.round(sum(pair)), True
            del leaves[j]
        value, done = leaves[0]
        return value if done else self.round(value)

    def round(self, z):
        return rounded(z, self.format)


class Backward(Forward):
    def leaves(self, products, bias):
        return [*products[::-1], bias]


class Chain(Forward):
    """A loop of fused multiply-adds."""

    def fused(self):
        return True


class BackwardChain(Backward, Chain):
    pass


class Sorted(Forward):
    """From the smallest to the largest, as they cancel least."""

    def leaves(self, products, bias):
        return sorted([*products, bias], key=lambda leaf: abs(leaf[0]))


class Pairwise(Forward):
    """Neighbours first, the bias last."""

    def leaves(self, products, bias):
        return [*products, bias]

    def pair(self, count):
        return count - 2, count - 1


class Anything(Forward):
    """A random tree, with zeros added, and products fused or not."""

    def leaves(self, products, bias):
        leaves = [*products, *[bias] * bool(bias[0] or self.random.random() < 0.5)]
        leaves += [(Fraction(0), True)] * self.random.choice([0, 0, not leaves, 1])
        self.random.shuffle(leaves)
        return leaves or [(Fraction(0), True)]

    def pair(self, count):
        return sorted(self.random.sample(range(count), 2))

    def fused(self):
        return self.random.random() < 0.5


ORDERS = [Forward, Backward, Chain, BackwardChain, Sorted, Pairwise, Anything]


def evaluated(network, x, order):
    """Evaluate all rows of a network, those included that nothing reads."""
    values = [Fraction(x)]
    for row in network.rows:
        products = [Fraction(weight) * values[source] for source, weight in row.edges]
        total = order.form(products, Fraction(row.bias))
        values.append(max(total, Fraction(0)))
    return total
