"""Text can be read, and colours told apart, with three sorts of cones or with two."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.text import Text
from study import TABLE

from sinrelu import build
from sinrelu.plots import draw, scaling_figure
from sinrelu.plots.film import INKS
from sinrelu.plots.network import ROLES
from sinrelu.plots.scaling import LOOKS
from sinrelu.plots.style import BAND, BLUE, GREEN, GREY, ORANGE, PURPLE

# Machado, Oliveira, Fernandes: A physiologically-based model for simulation of color vision
# deficiency, IEEE TVCG 15, 2009; severity 1, on linear RGB
EYES = {
    "normal": np.eye(3),
    "protan": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deutan": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}
XYZ = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
)  # of linear sRGB
APART, READABLE = 20, 4.5
INKS_OF_STYLE = (BLUE, ORANGE, GREEN, PURPLE, GREY)


def linear(colour):
    c = np.array(to_rgb(colour))
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def contrast(colour, ground):
    """The ratio of WCAG 2."""
    dark, light = sorted(float(linear(c) @ XYZ[1]) + 0.05 for c in (colour, ground))
    return light / dark


def lab(rgb):
    t = XYZ @ np.clip(rgb, 0, 1) / XYZ.sum(axis=1)
    x, y, z = np.where(t > 216 / 24389, np.cbrt(t), (24389 / 27 * t + 16) / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def difference(one, other, eye):
    """CIE 1976, what two colours are apart for an eye."""
    return float(np.linalg.norm(np.subtract(*(lab(EYES[eye] @ linear(c)) for c in (one, other)))))


def least_difference(colours, eye):
    return min(difference(*pair, eye) for pair in combinations(colours, 2))


def test_the_measures_are_those_of_their_definitions():
    assert contrast("black", "white") == pytest.approx(21)
    assert contrast("#767676", "white") == pytest.approx(4.54, abs=0.01)
    assert lab(linear("white")) == pytest.approx([100, 0, 0], abs=0.01)
    assert lab(linear("red")) == pytest.approx([53.24, 80.09, 67.20], abs=0.1)
    for eye in EYES.values():
        np.testing.assert_allclose(eye @ np.ones(3), 1, atol=2e-6)


@pytest.mark.parametrize("eye", EYES)
def test_colours_keep_apart(eye):
    assert least_difference(INKS_OF_STYLE, eye) > APART
    assert least_difference([*dict(LOOKS.values()), "black"], eye) > APART
    assert least_difference(ROLES.values(), eye) > APART
    assert least_difference([*INKS, "white"], eye) > APART


@pytest.mark.parametrize(
    ("bad", "eye"),
    [
        (("#0072B2", "#AA4499"), "protan"),  # Okabe and Ito's blue, Tol's purple
        (("#009E73", "0.45"), "deutan"),
        (("#D62728", "#8C8C00"), "deutan"),
    ],
)
def test_colours_that_some_eyes_confuse_are_seen_to(bad, eye):
    assert difference(*bad, "normal") > APART
    assert difference(*bad, eye) < APART


@pytest.mark.parametrize("ground", ["white", BAND])
def test_inks_are_dark_enough_to_write_in(ground):
    assert min(contrast(ink, ground) for ink in INKS_OF_STYLE) >= READABLE
    assert contrast("#D55E00", ground) < READABLE
    assert contrast("#009E73", ground) < READABLE


def texts_too_pale(figure, grounds):
    texts = (text for text in figure.findobj(Text) if text.get_text().strip())
    return [
        text.get_text()
        for text in texts
        if max(min(contrast(text.get_color(), ground) for ground in on) for on in grounds)
        < READABLE
    ]


@pytest.mark.parametrize("kind", ["error", "network", "units", "pieces", "scaling"])
def test_every_text_of_every_picture_can_be_read(kind):
    network = build(wiring="skip", tol=1e-3)
    figure = scaling_figure(TABLE) if kind == "scaling" else draw(kind, network, 1e-3)
    page, circles = ("white", BAND), [(ROLES["gate"],)] if kind == "network" else []
    assert not texts_too_pale(figure, [page, *circles])
    figure.text(0.5, 0.5, "too pale", color="#D55E00")
    assert texts_too_pale(figure, [page, *circles]) == ["too pale"]
