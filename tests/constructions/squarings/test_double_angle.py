"""What is particular to double-angle: the doublings as nested squarings, their error, its size."""

import mpmath
import numpy as np
import pytest

from sinrelu import build
from sinrelu.constructions.squarings import double_angle
from sinrelu.constructions.squarings.polynomial import stage_slopes, stage_values

NUMBERS = mpmath.MPContext()
NUMBERS.prec = 150


@pytest.mark.parametrize("doublings", [1, 2, 5])
def test_the_polynomial_is_the_cosine_within_its_error(doublings):
    for p in double_angle.polynomials(doublings):
        errors = [
            abs(
                stage_values(p.rows, p.scales, v)[-1]
                - NUMBERS.cos(NUMBERS.pi * NUMBERS.sqrt((1 + v) / 2))
            )
            for v in map(NUMBERS.mpf, np.linspace(-1, 1, 401))
        ]
        assert max(errors) <= p.error <= 3 * max(errors)


@pytest.mark.parametrize("doublings", [1, 2, 3])
def test_sizes_and_slopes_bound_those_of_all_stages(doublings):
    points = list(map(NUMBERS.mpf, np.linspace(-1, 1, 201)))
    for p in double_angle.polynomials(doublings):
        sizes, slopes = (
            np.max(np.abs([of(p.rows, p.scales, v) for v in points]).astype(float), axis=0)
            for of in (stage_values, stage_slopes)
        )
        assert (sizes[:-1] <= np.array(p.sizes) * (1 + 1e-12)).all()
        assert (slopes <= np.array(p.slopes) * (1 + 1e-12)).all()
        assert (np.array(p.slopes) <= 1.2 * slopes + 1e-12).all()


def test_one_more_doubling_divides_the_error_by_sixteen_and_more():
    errors = [[p.error for p in double_angle.polynomials(doublings)] for doublings in (4, 5)]
    quadratic, quartic = (a / b for a, b in zip(*errors, strict=True))
    assert quadratic == pytest.approx(16, rel=0.05)
    assert quartic == pytest.approx(256, rel=0.05)


@pytest.mark.parametrize(("wiring", "connections"), [("layered", 785), ("skip", 530)])
def test_it_stays_small(wiring, connections):
    assert build("double-angle", wiring, 1e-12).connections <= connections
