"""What evaluation does at a bottleneck, against evaluation in rational arithmetic.

Networks are any early units, a value z of theirs, and any late units that read them by z alone; of
z nothing is asked, as the tolerance is large.
"""

import math
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from graphs import naive_exact
from hypothesis import given, settings
from hypothesis import strategies as st
from ieee import ORDERS, Backward, Forward, evaluated, rounded
from rational import double_double, fractions

from sinrelu.arithmetic.double_double import DoubleDouble
from sinrelu.certify import Partition, agreement, certify, entry, prover
from sinrelu.certify.bottleneck import reduced
from sinrelu.certify.bound import Judge
from sinrelu.certify.claim import Claim
from sinrelu.certify.cuts import Cut
from sinrelu.certify.entry import Entry, Known
from sinrelu.certify.floats import BINARY32, BINARY64
from sinrelu.certify.prover import Plan
from sinrelu.certify.rounding import Rounding
from sinrelu.certify.survey import Finding
from sinrelu.constructions import build
from sinrelu.network import Network, Row, without_dead_units
from sinrelu.target import End, Target

laws = settings(max_examples=25, deadline=None)
formats = pytest.mark.parametrize("format", [BINARY64, BINARY32], ids=["binary64", "binary32"])
NAMES = {BINARY64: "float64", BINARY32: "float32"}
CELLS = Partition(parts=2, cells=64)
TOL = 10**9
DOMAINS = [(-4.0, 4.0), (-100.0, 50.0), (0.5, 1.0), (2.0**18, 2.0**19), (-(2.0**-130), 2.0**-120)]


@pytest.fixture(autouse=True, scope="module")
def few_blocks():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(entry, "BLOCKS", 6)
        patch.setattr(entry, "FEWEST", 16)
        patch.setattr(prover, "WIDE", -1)
        yield


class Maker:
    """Random networks with a bottleneck, in the numbers of a format."""

    def __init__(self, random, format):
        self.random, self.format, self.rows = random, format, []

    def number(self):
        """A number with all its digits, or a few."""
        size = self.random.choice([self.random.uniform(0.01, 3), 1.0, 0.5, 3.0])
        return self.nearest(self.random.choice([1, -1]) * size)

    def nearest(self, number):
        return float(rounded(Fraction(number), self.format))

    def short(self):
        """A number of few digits, so that products with it are numbers of the format."""
        size = self.random.randint(1, 31) * 2.0 ** self.random.randint(-6, 2)
        return self.random.choice([1, -1]) * size

    def unit(self, edges, bias):
        self.rows.append(Row.of(edges.items(), bias))
        return len(self.rows)

    def bias(self, scale=1.0):
        return self.random.choice([0.0, self.nearest(self.number() * scale)])

    def early(self, scale):
        """Any units that read the input, and each other; return weights of z."""
        constant = self.constant()
        for number in range(len(constant) + 1, self.random.randint(2, 5)):
            sources = self.random.sample(range(number), self.random.randint(1, min(number, 3)))
            sources = sources if sources != constant else [0, *sources]
            self.unit({source: self.number() for source in sources}, self.bias(scale))
        read = {source for row in self.rows for source in row.sources}
        wires = [
            n for n in range(len(self.rows) + 1) if n not in read or self.random.random() < 0.3
        ]
        return {wire: self.short() for wire in wires if wire not in constant}

    def constant(self):
        """Perhaps a constant unit."""
        return [self.unit({}, abs(self.number()))] if self.random.random() < 0.3 else []

    def reading(self, terms, carries):
        """Read z times a number: wires by themselves, and in part by what carries them."""
        if self.random.random() < 0.3:
            return self.cancelling(carries)
        through, edges = self.short(), {}
        for wire, weight in terms.items():
            carry, product = carries.get(wire), through * weight
            split = carry and self.random.random() < 0.7
            edges |= {wire: product / 4, carry: product * 0.75} if split else {wire: product}
        return edges

    def cancelling(self, carries):
        """Read z times 0."""
        edges, large = {}, 2.0 ** self.random.randint(-10, 20)
        for wire, carry in carries.items():
            weight = self.number() * large * self.random.choice([0, 1])
            edges |= {wire: weight, carry: -weight}
        return edges

    def network(self, scale):
        """Return a network, and where it may be cut."""
        terms = self.early(scale)
        early, random = len(self.rows), self.random
        carried = [wire for wire in terms if wire and random.random() < 0.5]
        carries = {wire: self.unit({wire: 1.0}, 0.0) for wire in carried}
        late = [*self.constant(), *({1} if not self.rows[0].sources else {})]
        for _ in range(random.randint(1, 4)):
            others = random.sample(late, min(len(late), random.randint(0, 2)))
            edges = self.reading(terms, carries) | {wire: self.number() for wire in others}
            late.append(self.unit(edges, self.bias(scale)))
        read = {source for row in self.rows for source in row.sources}
        edges = {wire: self.number() for wire in late if wire not in read}
        self.unit(self.reading(terms, carries) | edges, self.bias(scale))
        return Network(self.rows), Cut(early, tuple(terms.items()), random.randint(0, 3))


def reduction_of(network, cut, domain):
    """Reduce by a given cut, as ``reduction`` does by its own."""
    return reduced(Network(tuple(without_dead_units(network.rows))), "sin", domain, cut)


def bound(network, found, format, **options):
    """|fl(N)(x) − N(x)| on the domain, by what is proved behind the bottleneck."""
    claim = Claim.of(network, TOL, found.source, None, "sin")
    options = {"partition": CELLS, "backend": "numpy", "resolution": 0.0} | options
    plan = Plan(evaluation=NAMES[format], **options)
    return prover._prove_reduced(claim, found, plan)[0].evaluation_error


def floats(domain, random, format, count=6):
    """Numbers of the format in the domain: anywhere, at its ends, and near 0."""
    a, b = domain
    middle = [a + (b - a) * random.random() * 2.0 ** -random.choice([0, 0, 0, 5, 60, 1000])]
    points = [a, b, 0.0, *(random.uniform(a, b) for _ in range(count)), *middle]
    numbers = (float(rounded(Fraction(x), format)) for x in points)
    return [x for x in numbers if a <= x <= b]


def worst(network, points, random, format, orders=ORDERS):
    """The largest |fl(N)(x) − N(x)|, exactly."""
    exact = {x: naive_exact(network, x) for x in points}
    return max(
        abs(evaluated(network, x, order(random, format)) - exact[x])
        for x in points
        for order in orders
    )


@formats
@laws
@given(seed=st.integers(0, 2**64), domain=st.sampled_from(DOMAINS))
def test_evaluation_in_any_order_is_within_the_bound(format, seed, domain):
    random = Random(seed)
    network, cut = Maker(random, format).network(max(map(abs, domain)))
    found = reduction_of(network, cut, domain)
    if found is None:
        return
    error = bound(network, found, format)
    if error < math.inf:
        points = floats(domain, random, format)
        assert worst(network, points, random, format) <= Fraction(error)


# --- hard cases -----------------------------------------------------------------------------------

EVEN = (Row((0,), (1.0,), 0.0), Row((0,), (-1.0,), 0.0))
"""Units of which |x| is the sum, without rounding."""
SUM = Cut(2, ((1, 1.0), (2, 1.0)), 1)
AS_IT_IS = Cut(0, ((0, 1.0),), 0)
STEEP = (Row((0,), (0.1,), 0.0), Row((1,), (2.0**20,), -(2.0**20)))
"""Where x is a little above 10, the latter is 2²⁰(x/10 − 1), with a rounding error 2²⁰ times as
large as that of x/10."""
BESIDE = 10.0, 10.0 + 2.0**-16


def shown(rows, domain, cut, points=(), format=BINARY64, orders=ORDERS):
    """What is proved, and the largest error that is seen, in units of u."""
    network, random = Network(rows), Random(1)
    found = bound(network, reduction_of(network, cut, domain), format)
    points = [*points, *floats(domain, random, format)]
    seen = worst(network, points, random, format, orders)
    scale = Fraction(2) ** format.digits
    return found * scale, seen * scale


@pytest.mark.parametrize(("weight", "bias"), [(1024.0, -1.0), (1024.0, -800.0), (-1024.0, 800.0)])
def test_what_is_off_before_a_bottleneck_is_amplified_behind_it(weight, bias):
    """On all of the range of z, on the left of it, or on the right."""
    rows = [*STEEP, Row((2,), (weight,), bias), Row((2, 3), (1.0, 1.0), 0.0)]
    found, seen = shown(rows, BESIDE, Cut(2, ((2, 1.0),), 1))
    assert 2**27 < seen <= found < 2**32


def test_what_is_computed_may_be_beyond_the_range_of_z():
    """There is a kink between the largest z and what is computed for it."""
    ends = [BESIDE[1] + k * 2.0**-49 for k in range(20)]
    end = max(ends, key=lambda x: Fraction(0.1 * x) - Fraction(0.1) * Fraction(x))
    largest = naive_exact(Network([*STEEP, Row((2,), (1.0,), 0.0)]), end)
    bias = -math.ldexp(float(largest) + 2.0**-36, 40)
    rows = [*STEEP, Row((2,), (2.0**40,), bias), Row((2, 3), (1.0, 1.0), 0.0)]
    assert naive_exact(Network(rows), end) == largest
    found, seen = shown(rows, (10.0, end), Cut(2, ((2, 1.0),), 1), [end])
    assert 2**56 < seen <= found


def test_a_proof_does_not_depend_on_what_evaluation_does():
    """N is as simple as can be for all x, and far from that where z may be computed to be."""
    largest = float((Fraction(0.1) * Fraction(BESIDE[1]) - 1) * 2**20)
    bias = -math.ldexp(largest + 2.0**-40, 80)
    rows = [*STEEP, Row((2,), (2.0**80,), bias), Row((2, 3), (1.0, 1.0), 0.0)]
    network, cut = Network(rows), Cut(2, ((2, 1.0),), 1)
    claim = Claim.of(network, 10, BESIDE, None, "sin")
    plan = Plan(partition=CELLS, evaluation="float64", backend="numpy")
    made, _ = prover._prove_reduced(claim, reduction_of(network, cut, BESIDE), plan)
    assert made.verdict == "proved"
    assert made.evaluation_error == math.inf


def test_early_products_are_rounded_as_they_are_read_not_as_z_is():
    """Their weights are 0.3 and 1/2⁹; z has no error."""
    rows = [*EVEN, Row((1, 2), (0.3, 0.3), 0.0), Row((1, 2, 3), (2.0**-9, 2.0**-9, 1.0), 0.0)]
    points = [3 + k * 2.0**-51 for k in range(1, 40)]
    found, seen = shown(rows, (-4.0, 4.0), SUM, points)
    assert 0.7 < seen <= found < 6


def test_a_product_has_the_grid_of_its_weight_too():
    """x is a multiple of 2⁻⁵³, and x/2¹⁰ is none."""
    rows = [Row((0,), (2.0**-10,), 0.5), Row((1,), (1.0,), 0.0)]
    found, seen = shown(rows, (0.5, 1.0), AS_IT_IS, [0.5 + k * 2.0**-53 for k in range(40)])
    assert 0.4 < seen <= found < 2


def test_the_input_may_be_negative_at_a_bottleneck():
    """There −0.3x is rounded, as it is 2 or more; in the last block no x is negative."""
    rows = [Row((0,), (-0.3,), 0.0), Row((1,), (1.0,), 0.0)]
    points = [-9 - k * 2.0**-49 for k in range(40)]
    found, seen = shown(rows, (-10.0, 4.0), AS_IT_IS, points)
    assert 1.5 < seen <= found < 3


def test_early_values_are_multiples_of_the_least_grid_of_all_blocks():
    """4 − z is exact for x of the last block."""
    rows = [Row((0,), (1.0,), 0.0), Row((1,), (-1.0,), 4.0), Row((1, 2), (-1.0, 1.0), 0.0)]
    points = [0.125 + k * 2.0**-56 for k in range(1, 40)]
    found, seen = shown(rows, (0.125, 3.9), Cut(1, ((1, 1.0),), 1), points)
    assert 2 <= seen <= found


def test_what_only_looks_like_a_carry_is_rounded():
    """A form reads z times 0, and a late unit; only without rounding it is that unit."""
    large = 2.0**60
    rows = [*EVEN, Row((1,), (1.0,), 0.0), Row((1, 2), (1.0, 1.0), -1.0)]
    rows += [Row((1, 3, 4), (large, -large, 1.0), 0.0), Row((1, 2, 5), (1.0, 1.0, 0.5), 0.0)]
    found, seen = shown(rows, (-20.0, 20.0), SUM)
    assert 2**53 < seen <= found


class Late(Forward):
    """Early products first, then others from the last to the first, then the bias."""

    def leaves(self, products, bias):
        return [*products[:2], *products[:1:-1], bias]


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_partial_sums_are_bounded_with_the_signs_of_products(quarters):
    """Of products of two signs they would be half as large; −G is judged for some phases."""
    tiny = 2.0**-49 * (1 + 2.0**-20)
    constants = [Row((), (), tiny)] * 3
    rows = [Row((0,), (1.0,), -22.0), Row((0,), (-1.0,), 22.0), *constants]
    rows += [Row((1, 2), (2.0, 2.0), 0.0), Row((1, 2, 3, 4, 5, 6), (*[1.0] * 5, 0.5), tiny)]
    points = [13 + k * 2.0**-49 for k in range(1, 9)]
    cut = SUM._replace(quarters=quarters)
    found, seen = shown(rows, (12.0, 26.0), cut, points, orders=[Late])
    assert 63 < seen <= found < 97


def with_unread(*unread):
    """|x| and a unit behind it, besides units that nothing reads."""
    late = len(EVEN) + len(unread) + 1
    return Network(
        [*EVEN, *unread, Row((1, 2), (1.0, 1.0), -1.0), Row((1, 2, late), (1.0, 1.0, 0.5), 0.0)]
    )


def test_numbers_that_nothing_reads_are_looked_at():
    """They may be computed, and multiplied by 0."""
    large = [Row((0,), (2.0**400,), 0.0), Row((3,), (2.0**400,), 0.0), Row((4,), (2.0**400,), 0.0)]
    for unread, expected in (([], [1, 1]), ([Row((0,), (0.1,), 0.0)], [1, 0]), (large, [0, 0])):
        network = with_unread(*unread)
        found = reduction_of(network, SUM, (-20.0, 20.0))
        errors = [bound(network, found, format) for format in (BINARY64, BINARY32)]
        assert [math.isfinite(error) for error in errors] == expected


def test_weights_that_are_not_of_the_format_claim_nothing():
    for last, expected in ((0.5, [1, 1]), (0.1, [1, 0]), (2.0**501, [0, 0])):
        rows = [*EVEN, Row((1, 2), (1.0, 1.0), -1.0), Row((1, 2, 3), (3.0, 3.0, last), 0.0)]
        found = reduction_of(Network(rows), SUM, (-20.0, 20.0))
        errors = [bound(Network(rows), found, format) for format in (BINARY64, BINARY32)]
        assert [math.isfinite(error) for error in errors] == expected


def test_an_early_wire_that_z_does_not_follow_claims_nothing():
    """It is read by weights that cancel."""
    rows = [*EVEN, Row((0,), (0.1,), 0.0), Row((3,), (1.0,), 0.0)]
    rows += [Row((1, 2, 3, 4), (1.0, 1.0, 5.0, -5.0), -1.0), Row((1, 2, 5), (1.0, 1.0, 0.5), 0.0)]
    network, cut = Network(rows), SUM._replace(early=3)
    found = reduction_of(network, cut, (-20.0, 20.0))
    assert bound(network, found, BINARY64) == math.inf


@pytest.mark.parametrize("twos", [-960, -500, -400, 400, 490])
def test_values_of_all_sizes(twos):
    size = 2.0**twos
    edges = (1.0 / size, 1.0 / size) if twos > -500 else (2.0**500, 2.0**500)
    rows = [Row((0,), (size,), 0.0), Row((0,), (-size,), 0.0)]
    rows += [Row((1, 2), edges, -1.0), Row((1, 2, 3), (*edges, 0.3), 0.0)]
    cut = Cut(2, tuple(enumerate(edges, start=1)), 1)
    found, seen = shown(rows, (-20.0, 20.0), cut)
    assert seen <= found
    assert found < 2**10 or twos < -900


def test_nothing_is_claimed_of_a_domain_that_was_not_seen_whole():
    network = with_unread()
    found = reduction_of(network, SUM, (-20.0, 20.0))
    assert bound(network, found, BINARY64) < math.inf
    assert bound(network, found, BINARY64, budget=1) == math.inf


def test_a_step_that_the_nodes_leave_out_is_in_the_radius():
    """It lies between z and what is computed for it, and is lower than what is negligible."""
    x = next(
        x for x in np.arange(3.0, 4, 2.0**-10) if Fraction(0.1 * x) > Fraction(0.1) * Fraction(x)
    )
    rows = [Row((0,), (0.1,), 0.0), Row((1,), (-(2.0**70),), 2.0**70 * (0.1 * x))]
    rows += [Row((2,), (-1.0,), 1.0), Row((1, 3), (1.0, 2.0**-26), 0.0)]
    network = Network(rows)
    found = reduction_of(network, Cut(1, ((1, 1.0),), 1), (1.0, 6.0))
    error = bound(network, found, BINARY64, resolution=1.0)
    assert 2.0**-27 < worst(network, [x], Random(1), BINARY64) <= error


def test_a_sum_of_what_is_known():
    """Everything counts, and what is infinite or no number claims nothing."""
    known = Known((0.0, 1.0), Rounding.of(Network(EVEN[:1])), 2.0**-50)
    span = (0.0, 1.0)
    found = Finding(1.0, 2.0**-60, 2.0**-55, 2.0**3, 1, 0, (Fraction(0), Fraction(1)), span)
    total = Fraction(2) ** -55 + Fraction(2) ** -47 + 2 * Fraction(2) ** -60
    assert total <= known.total(found) <= total * (1 + Fraction(1, 2**29))
    for name in ("radius", "evaluation", "slope"):
        for bad in (math.inf, math.nan):
            assert known.total(found._replace(**{name: bad})) == math.inf
    assert known._replace(error=math.inf).total(found) == math.inf
    assert known._replace(error=0.0).total(found._replace(slope=math.inf)) == math.inf
    assert known._replace(rounding=None).total(found) == math.inf


@laws
@given(seed=st.integers(0, 2**64))
def test_slopes_of_cells_of_any_width(seed):
    """At nodes beside each other, among them double-doubles that no float64 parts."""
    random = Random(seed)
    network, _ = Maker(random, BINARY64).network(1.0)
    middle, width = random.uniform(-0.5, 0.5), 2.0 ** -random.randint(5, 97)
    cells = [Fraction(middle) + Fraction(width) * k for k in range(-4, 5)]
    nodes = double_double([Fraction(-1), *cells, Fraction(1)])
    made = Entry.plain()._replace(first=np.zeros(len(network.computed) + 1, np.int64))
    judge = Judge.of(network, rounding=Rounding.of(network, BINARY64, made))
    memory = judge.memory()
    slope = judge.block(nodes, memory).slope
    slot = judge.steps.target[-1]
    values = DoubleDouble(*(part[slot][: len(nodes.hi)] for part in memory[0][:2]))
    steps = zip(pairwise(fractions(nodes)), pairwise(fractions(values)), strict=True)
    assert all(abs(z - y) <= Fraction(slope) * (b - a) for (a, b), (y, z) in steps)


def test_a_slope_between_nodes_that_are_too_close_is_unknown():
    network = Network(EVEN[:1])
    made = Entry.plain()._replace(first=np.zeros(2, np.int64))
    judge = Judge.of(network, rounding=Rounding.of(network, BINARY64, made))
    for width, known in ((2.0**-97, True), (2.0**-105, False)):
        nodes = double_double([Fraction(0), Fraction(0.5), Fraction(0.5) + Fraction(width)])
        assert (judge.block(nodes, judge.memory()).slope < math.inf) == known


# --- as a whole -----------------------------------------------------------------------------------


@cache
def built(wiring):
    return build(Target("sin", End.of(-20), End.of(20)), wiring, 1e-6)


@pytest.mark.parametrize("wiring", ["skip", "layered"])
def test_a_bound_behind_a_bottleneck_is_about_the_plain_one(wiring, monkeypatch):
    network, domain = built(wiring), (-20.0, 20.0)
    options = {"domain": domain, "evaluation": "float64", "partition": Partition(4, 4000)}
    behind = certify(network, 1e-6, **options)
    monkeypatch.setattr(prover, "WIDE", math.inf)
    plain = certify(network, 1e-6, **options)
    assert behind.reduced
    assert not plain.reduced
    assert behind.verdict == plain.verdict == "proved"
    assert behind.sha256 == plain.sha256 == network.sha256
    assert plain.evaluation_error / 5 < behind.evaluation_error < 2 * plain.evaluation_error
    points = floats(domain, Random(1), BINARY64, 10)
    assert (
        worst(network, points, Random(1), BINARY64, [Forward, Backward]) < behind.evaluation_error
    )


def test_a_certificate_is_computed_again(monkeypatch):
    monkeypatch.setattr(agreement, "RECHECK", Partition(5, 5003))
    network = built("skip")
    options = {"domain": (-20.0, 20.0), "evaluation": "float64", "partition": Partition(4, 4000)}
    first = certify(network, 1e-6, **options)
    again, disagreements = agreement.recheck(first, network)
    assert again.reduced
    assert not disagreements
    better = replace(first, evaluation_error=first.evaluation_error / 2)
    assert any("evaluation_error" in line for line in agreement.recheck(better, network)[1])
