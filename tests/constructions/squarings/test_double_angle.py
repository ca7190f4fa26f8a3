"""What is particular to double-angle: the doublings as a ladder, their error, its size."""

import mpmath
import numpy as np
import pytest

from sinrelu import build
from sinrelu.constructions.squarings import double_angle
from sinrelu.constructions.squarings.polynomial import supremum

NUMBERS = mpmath.MPContext()
NUMBERS.prec = 150


def wholes(doublings):
    """Yield the whole ladders with their proven errors, for both polynomials at the start."""
    for ladder, values in double_angle.polynomials(NUMBERS, NUMBERS.pi / 2**doublings):
        misfit = float(supremum(NUMBERS, values, double_angle.TAYLOR_DEGREE))
        yield double_angle.profile(NUMBERS, ladder, misfit, doublings)


@pytest.mark.parametrize("doublings", [1, 2, 5])
def test_the_ladder_is_the_cosine_within_its_error(doublings):
    for profile, bound in wholes(doublings):
        errors = [
            abs(profile.ladder.values(v)[-1] - NUMBERS.cos(NUMBERS.pi * NUMBERS.sqrt((1 + v) / 2)))
            for v in map(NUMBERS.mpf, np.linspace(-1, 1, 401))
        ]
        assert max(errors) <= bound <= 3 * max(errors)


@pytest.mark.parametrize("doublings", [1, 2, 3])
def test_sizes_and_slopes_bound_those_of_the_whole_ladder(doublings):
    for profile, _ in wholes(doublings):
        points = list(map(NUMBERS.mpf, np.linspace(-1, 1, 201)))
        sizes = np.max(np.abs([profile.ladder.values(v) for v in points]).astype(float), axis=0)
        slopes = np.max(np.abs([profile.ladder.slopes(v) for v in points]).astype(float), axis=0)
        assert (sizes <= np.array(profile.sizes) * (1 + 1e-12)).all()
        assert (slopes <= np.array(profile.slopes) * (1 + 1e-12)).all()
        assert (np.array(profile.slopes) <= 1.2 * slopes + 1e-12).all()


def test_one_more_doubling_divides_the_error_by_sixteen_and_more():
    bounds = [[bound for _, bound in wholes(doublings)] for doublings in (4, 5)]
    quadratic, quartic = (a / b for a, b in zip(*bounds, strict=True))
    assert quadratic == pytest.approx(16, rel=0.05)
    assert quartic == pytest.approx(256, rel=0.05)


@pytest.mark.parametrize(("wiring", "connections"), [("layered", 785), ("skip", 530)])
def test_it_stays_small(wiring, connections):
    assert build("double-angle", wiring, 1e-12).connections <= connections
