"""The page: the bits of our evaluator in JavaScript, breakpoints where they are, and no way out."""

import base64
import hashlib
import json
import math
import re
from fractions import Fraction
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import quickjs
from graphs import ABSOLUTE, TENT, naive_exact, networks, sin_network
from hostile import HOSTILE, SPECIAL
from hypothesis import given, settings
from hypothesis import strategies as st

from sinrelu import RequestError, build, evaluate_float64
from sinrelu.certify.pieces import Finder
from sinrelu.cli import run
from sinrelu.formats import save
from sinrelu.network import Network, Row
from sinrelu.plots import error_page
from sinrelu.plots.forms import check_suffix
from sinrelu.plots.page import MOST_CONNECTIONS, SCRIPTS, asset, data_of
from sinrelu.plots.style import BLUE
from sinrelu.target import DEFAULT, Target
from sinrelu.verification.sampling import float64_error

BITS = """
let network, data;
function load(text) { data = JSON.parse(text); network = new Network(data.rows); }
function bits(number) {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, number);
  return view.getBigUint64(0).toString(16);
}
function float(text) {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt("0x" + text));
  return view.getFloat64(0);
}
function axis(...values) {
  return values.reduce((range, value) => range.add(value), new Range()).axis;
}
function outputs(text) {
  return JSON.stringify(JSON.parse(text).map((x) => bits(network.at(float(x))[network.output])));
}
"""
WIDE = Target.parse("cos", ("-1000000", "1000000"))
COLOUR = re.compile(r"--(\w+): (#[0-9a-f]{6});")


class Engine:
    """A JavaScript engine with parts of the page in it."""

    def __init__(self, *texts):
        self.context = quickjs.Context()
        for text in texts:
            self.context.eval(text)

    def __call__(self, name, *arguments):
        """Call a function; arguments and result go through JSON."""
        listed = ",".join(json.dumps(argument) for argument in arguments)
        return json.loads(self.context.eval(f"JSON.stringify(({name})({listed})) ?? 'null'"))

    def load(self, network, target=DEFAULT):
        self.context.get("load")(data_of(network, target, None))

    def breakpoints(self, low, high, most):
        return self("(...ends) => network.breakpoints(...ends)", low, high, most)

    def outputs(self, x):
        texts = json.dumps([f"{bits:x}" for bits in np.asarray(x, float).view(np.uint64).tolist()])
        found = json.loads(self.context.get("outputs")(texts))
        return np.array([int(text, 16) for text in found], np.uint64).view(np.float64)


class Parts(HTMLParser):
    """Every element of a page with its attributes, and the texts of some."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.texts, self.open = [], {}, ""
        self.feed(page.decode())

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self.open = dict(attributes).get("id", tag)

    def handle_endtag(self, tag):
        self.open = ""

    def handle_data(self, text):
        self.texts[self.open] = self.texts.get(self.open, "") + text


@pytest.fixture(scope="module")
def engine():
    return Engine(*map(asset, SCRIPTS[:3]), BITS)


@pytest.fixture(scope="module")
def small():
    return build(wiring="skip", tol=1e-3)


def opened(network, tol=None):
    """Return the script of a page in something like a browser."""
    engine = Engine((Path(__file__).parent / "browser.js").read_text())
    data = json.dumps(data_of(network, DEFAULT, tol))
    engine.context.eval(f"document.getElementById('data').textContent = {data}")
    engine.context.eval("".join(map(asset, SCRIPTS)))
    return engine


@pytest.fixture(scope="module")
def page():
    return opened(sin_network("layered"), 1e-12)


def same_bits(found, expected):
    """Whether numbers agree to the last bit, all NaN counting as one."""
    kinds = np.isnan(found), np.isnan(expected)
    values = (np.where(nan, 0.0, v) for nan, v in zip(kinds, (found, expected), strict=True))
    return np.array_equal(*kinds) and np.array_equal(*(v.view(np.uint64) for v in values))


class TestEvaluator:
    @pytest.mark.parametrize(
        ("network", "target"),
        [
            (sin_network("layered"), DEFAULT),
            (sin_network("skip"), DEFAULT),
            (build(WIDE, "skip", 1e-10), WIDE),
            (build("chebyshev", wiring="layered", tol=1e-6), DEFAULT),
        ],
        ids=["layered", "skip", "wide", "chebyshev"],
    )
    def test_the_same_bits_all_over_the_domain(self, engine, network, target):
        engine.load(network, target)
        low, high = target.cover
        x = np.append(np.random.default_rng(1).uniform(low, high, 500), [low, high, *SPECIAL])
        assert same_bits(engine.outputs(x), evaluate_float64(network, x))

    @pytest.mark.parametrize("name", HOSTILE)
    def test_the_same_bits_where_arithmetic_is_hard(self, engine, name):
        engine.load(HOSTILE[name])
        x = np.array([*SPECIAL, 0.3, -1.7, 2.9])
        assert same_bits(engine.outputs(x), evaluate_float64(HOSTILE[name], x))

    def test_a_zero_has_no_sign(self, engine):
        network = Network([Row((0,), (1.0,), -0.0)])
        engine.load(network)
        assert same_bits(engine.outputs([-0.0]), np.array([0.0]))

    @given(networks(weights=st.floats(allow_nan=False, allow_infinity=False).filter(bool)))
    @settings(deadline=None, max_examples=40)
    def test_the_same_bits_for_any_weights(self, engine, network):
        engine.load(network)
        x = np.array([*SPECIAL, 0.1, -0.7, 3e5])
        assert same_bits(engine.outputs(x), evaluate_float64(network, x))

    def test_another_order_of_summation_would_be_seen(self, engine):
        network = sin_network("skip")
        engine.load(network)
        x = np.random.default_rng(2).uniform(-3, 3, 500)
        engine.context.eval("for (const { terms } of data.rows) terms.reverse();")
        engine.context.eval("network = new Network(data.rows)")
        assert not same_bits(engine.outputs(x), evaluate_float64(network, x))


class TestBreakpoints:
    @pytest.mark.parametrize("wiring", ["skip", "layered"])
    @pytest.mark.parametrize("width", [1e-3, 1e-4, 1e-5, 1e-6])
    def test_they_are_those_of_the_finder(self, engine, wiring, width):
        network = sin_network(wiring)
        finder = Finder.of(network)
        engine.load(network)
        for low in (-3.0, -math.pi / 2 - width / 3, -width / 3, 0.7, 2.0):
            expected = finder.nodes(np.array([low, low + width]), 10**4).hi[1:-1]
            found = engine.breakpoints(low, low + width, 100)
            if len(expected) > 100:
                assert found is None
            else:
                np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14)

    @pytest.mark.parametrize("construction", ["fold-reflect", "chebyshev", "huybrechs"])
    def test_those_that_coincide_are_one(self, engine, construction):
        network = build(construction, tol=1e-2)
        engine.load(network)
        low, high = -math.pi / 3, 2 * math.pi / 3
        nodes = Finder.of(network).nodes(np.array([low, high]), 10**3).hi
        expected = nodes[np.append(np.diff(nodes) > 1e-14, False)][1:]
        found = engine.breakpoints(low, high, 100)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14)
        assert len(set(np.round(nodes, 12))) == len(found) + 2

    def test_known_ones(self, engine):
        engine.load(TENT)
        assert engine.breakpoints(-1, 2, 3) == [0, 0.5, 1]
        assert engine.breakpoints(-1, 2, 2) is None
        engine.load(ABSOLUTE)
        assert engine.breakpoints(0.1, 2, 2) == []

    @given(networks(), st.floats(-3, 3), st.floats(0.1, 4))
    @settings(deadline=None, max_examples=60)
    def test_in_between_a_network_is_affine(self, engine, network, low, width):
        engine.load(network)
        found = engine.breakpoints(low, low + width, 1000)
        for left, right in pairwise([low, *found, low + width]):
            ends = naive_exact(network, left) + naive_exact(network, right)
            middle = naive_exact(network, (Fraction(left) + Fraction(right)) / 2)
            assert abs(float(ends / 2 - middle)) < 1e-7 * (1 + abs(float(middle)))


class TestView:
    @given(
        st.floats(-1e6, 1e6),
        st.floats(1e-3, 1e6),
        st.lists(st.tuples(st.floats(0, 1), st.floats(0.01, 100)), max_size=8),
    )
    @settings(deadline=None, max_examples=50)
    def test_what_is_zoomed_at_stays_in_place_and_windows_in_the_domain(
        self, engine, low, width, zooms
    ):
        domain = window = [low, low + width]
        for part, times in zooms:
            left, right = window
            x = min(left + part * (right - left), right)
            window = engine("zoomed", domain, window, x, times)
            grain = 1e-12 * max(1, abs(low), abs(low + width))
            assert domain[0] - grain <= window[0] < window[1] <= domain[1] + grain
            assert window[1] - window[0] >= 0.9 * min(2.0**-40 * max(1, abs(x)), width)
            assert window[0] - grain <= x <= window[1] + grain
            place = (x - window[0]) / (window[1] - window[0])
            moved = domain[0] < window[0] and window[1] < domain[1]
            if moved and window[1] - window[0] > 1e6 * grain:
                assert place == pytest.approx(part, abs=1e-5)

    def test_windows_are_moved_into_the_domain(self, engine):
        assert engine("fitted", [0, 10], -3, 4) == [0, 4]
        assert engine("fitted", [0, 10], 8, 4) == [6, 10]
        assert engine("fitted", [0, 10], 3, 4) == [3, 7]
        assert engine("fitted", [0, 10], 3, 40) == [0, 10]

    @pytest.mark.parametrize("wire", [1, 10, None])
    def test_an_envelope_holds_what_is_there_and_touches_it(self, engine, wire):
        network = sin_network("skip")
        engine.load(network)
        wire = wire or len(network.computed)
        engine.context.eval(
            f"sight = new Sight(network, Math.sin, [0.5, 0.6], 40, {wire});"
            "for (let pass = 0; pass < 30; pass++) sight.refine();"
        )
        assert engine("() => sight.knots") is None
        ranges = engine("() => sight.ranges.map(([e, v]) => [e.low, e.high, v.low, v.high])")
        x = np.linspace(0.5, 0.6, 40 * 50 + 1)
        error = float64_error(network, x)
        columns = error[:-1].reshape(40, 50)
        low, high, least, largest = np.transpose(ranges)
        scale = np.ptp(error)
        assert np.all(low <= columns.min(1) + scale / 4)
        assert np.all(high >= columns.max(1) - scale / 4)
        assert low.min() > error.min() - scale / 50
        assert high.max() < error.max() + scale / 50
        assert np.all(least <= largest)
        worst = engine("() => sight.worst")
        assert abs(worst["error"]) == max(-low.min(), high.max())
        assert worst["error"] == pytest.approx(
            float(float64_error(network, np.array([worst["x"]]))[0]), abs=3e-16
        )

    def test_lines_pass_through_all_breakpoints(self, engine, small):
        engine.load(small)
        engine.context.eval(
            "sight = new Sight(network, Math.sin, [-2, 3], 50, network.output); sight.refine()"
        )
        points, knots = engine("() => sight.points"), engine("() => sight.knots")
        x = np.array([point["x"] for point in points])
        assert len(knots) > 10
        assert set(knots) <= set(x)
        assert (x[0], x[-1]) == (-2, 3)
        assert np.all(np.diff(x) >= 0)
        error = [point["error"] for point in points]
        np.testing.assert_allclose(error, float64_error(small, x), rtol=0, atol=3e-16)
        assert engine("() => sight.refine()") is False

    def test_an_axis_shows_all_values_and_0_unless_it_is_far(self, engine):
        low, high = engine("axis", 0.2, 1.0)
        assert low < 0
        assert high > 1
        low, high = engine("axis", 5.001, 5.002)
        assert 5 < low < 5.001
        assert 5.002 < high < 5.01
        assert engine("axis") == [-1, 1]
        low, high = engine("axis", 0.3, 0.3)
        assert low < 0.3 < high

    def test_the_axis_of_errors(self, engine):
        assert engine("reach", 1e-12, -9e-13) == 1e-12
        assert engine("reach", 1e-12, -3e-12) == pytest.approx(5e-12)
        assert engine("reach", 0, 3e-4) == pytest.approx(5e-4)
        assert engine("reach", 0, 0) > 0


def named(caption):
    """Return what a caption says is subtracted from x, and in what unit."""
    found = re.fullmatch(r"x(?: ([−+]) ([\d.]+))?(?: in 10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+))?", caption)
    sign, base, exponent = found.groups()
    power = int((exponent or "0").translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")))
    return float(base or 0) * (-1 if sign == "+" else 1), 10.0**power


class TestAxes:
    @given(st.floats(-1e6, 1e6), st.floats(-11.5, 6), st.integers(3, 14))
    @settings(deadline=None, max_examples=100)
    def test_a_mark_stands_where_its_text_says(self, engine, low, logarithm, most):
        width = 10**logarithm * max(1, abs(low))
        axis = engine("ticks", "x", low, low + width, most)
        base, unit = named(axis["caption"])
        assert 1 <= len(axis["marks"]) <= most + 1
        for mark in axis["marks"]:
            said = base + float(mark["text"].replace("−", "-")) * unit
            assert said == pytest.approx(mark["at"], abs=width / 200)
            assert low - width / 100 <= mark["at"] <= low + width * 1.01
            assert len(mark["text"]) <= 10
        assert len({mark["text"] for mark in axis["marks"]}) == len(axis["marks"])

    @pytest.mark.parametrize(
        ("low", "high", "texts"),
        [
            (-math.pi, math.pi, ["−π", "−π/2", "0", "π/2", "π"]),
            (0.1, 2.3, ["π/4", "π/2"]),
            (-1.7, 1.7, ["−π/2", "−π/4", "0", "π/4", "π/2"]),
            (5.0, 8.0, ["7π/4", "2π", "9π/4", "5π/2"]),
            (-100.0, 100.0, ["−30π", "−20π", "−10π", "0", "10π", "20π", "30π"]),
        ],
    )
    def test_multiples_of_pi(self, engine, low, high, texts):
        most = len(texts) if low < -50 else 5
        marks = engine("turns", "x", low, high, most)["marks"]
        assert [mark["text"] for mark in marks] == texts

    @pytest.mark.parametrize("values", [[5e-324], [0.0, 5e-324], [1e-200, 1.0000001e-200]])
    def test_tiny_values_have_an_axis(self, engine, values):
        low, high = engine("axis", *values)
        assert low < min(values) <= max(values) < high
        assert 1 <= len(engine("ticks", "x", low, high, 3)["marks"]) <= 4

    def test_numbers(self, engine):
        assert engine("grouped", 1234) == "1234"
        assert engine("grouped", 1234567) == "1\u2009234\u2009567"
        assert engine("power", -12) == "10⁻¹²"
        assert engine("counted", 1, "piece") == "1 piece"
        assert engine("rounded", -9.53712e-13) == -9.537e-13


class TestPage:
    @pytest.fixture(autouse=True)
    def whole(self, page):
        """Begin with the whole domain."""
        page("settle")
        page("happen", "home", "click", {})

    def text(self, page, name):
        return page(f"() => element('{name}').textContent")

    def test_it_starts_with_the_whole_domain_and_the_output(self, page):
        assert tuple(page("() => view")) == DEFAULT.cover
        assert "The whole domain. In view: " in self.text(page, "place")
        assert "over 100 pieces" in self.text(page, "place")
        assert self.text(page, "title") == "The output"
        assert self.text(page, "formula").startswith("N(x) = ")
        assert page("() => drawn.some(([name]) => name === 'stroke')")

    def test_a_wheel_magnifies_what_it_points_at(self, page):
        before = page("() => plot.xAt(160, view)")
        for _ in range(10):
            page("happen", "plot", "wheel", {"clientX": 160, "deltaY": -450, "deltaMode": 0})
        assert page("() => plot.xAt(160, view)") == pytest.approx(before, abs=1e-12)
        low, high = page("() => view")
        assert high - low < 2e-5
        assert len(page("() => sight.knots")) > 3
        assert f"{len(page('() => sight.knots')) + 1} pieces" in self.text(page, "place")

    def test_a_drag_moves_and_a_pinch_magnifies(self, page):
        page("happen", "in", "click", {})
        page("happen", "in", "click", {})
        x = page("() => plot.xAt(120, view)")
        page("happen", "plot", "pointerdown", {"clientX": 120, "clientY": 9})
        page("happen", "plot", "pointermove", {"clientX": 150, "clientY": 9})
        assert page("() => plot.xAt(150, view)") == pytest.approx(x)
        page("happen", "plot", "pointerdown", {"clientX": 100, "clientY": 9, "pointerId": 2})
        low, high = page("() => view")
        middle = page("() => plot.xAt(125, view)")
        page("happen", "plot", "pointermove", {"clientX": 175, "clientY": 9})
        page("happen", "plot", "pointermove", {"clientX": 75, "clientY": 9, "pointerId": 2})
        closer = page("() => view")
        assert closer[1] - closer[0] == pytest.approx((high - low) / 2)
        assert page("() => plot.xAt(125, view)") == pytest.approx(middle)
        for pointer in (1, 2):
            page("happen", "plot", "pointerup", {"clientX": 0, "clientY": 9, "pointerId": pointer})
        page("happen", "plot", "pointermove", {"clientX": 200, "clientY": 9})
        assert page("() => view") == closer

    def test_keys_move_and_magnify(self, page):
        low, high = page("() => view")
        page("happen", "plot", "keydown", {"key": "+"})
        left, right = page("() => view")
        assert right - left == pytest.approx((high - low) / 1.5)
        page("happen", "plot", "keydown", {"key": "ArrowRight"})
        assert page("() => view")[0] > left
        page("happen", "plot", "keydown", {"key": "ArrowLeft"})
        page("happen", "plot", "keydown", {"key": "+", "ctrlKey": True})
        assert page("() => view") == pytest.approx([left, right])
        page("happen", "plot", "keydown", {"key": "-"})
        assert page("() => view") == pytest.approx([low, high])
        page("happen", "plot", "keydown", {"key": "ArrowUp"})
        page("happen", "plot", "keydown", {"key": "Home"})
        assert page("() => view") == [low, high]

    def test_x_and_the_error_under_the_pointer_are_read_out(self, page):
        page("happen", "plot", "pointermove", {"clientX": 140, "clientY": 9})
        found = re.fullmatch(
            r"x = (\S+),  N\(x\) − sin x = (\S+),  N\(x\) = (\S+)", self.text(page, "read")
        )
        x, error, output = map(float, found.groups())
        assert x == page("() => plot.xAt(140, view)")
        assert output == evaluate_float64(sin_network("layered"), x)
        assert error == pytest.approx(output - math.sin(x), rel=1e-2)

    def test_towards_the_largest_error_down_to_single_pieces(self, page):
        for _ in range(6):
            page("happen", "largest", "click", {})
        assert 1 <= len(page("() => sight.knots")) < 10
        assert abs(page("() => sight.worst.error")) > 9.4e-13

    def test_the_slider_shows_units_and_what_they_read(self, page):
        units = [row.number for row in sin_network("layered").computed]
        for wire, number in ((1, units[0]), (20, units[19])):
            page.context.eval(f"element('unit').value = '{wire}'")
            page("happen", "unit", "input", {})
            assert self.text(page, "title") == f"Unit {number} of 164"
            assert re.fullmatch(r"u[₀-₉]+ = relu\(.+\)", self.text(page, "formula"))
        page("happen", "plot", "pointermove", {"clientX": 140, "clientY": 9})
        assert re.search(r",  u[₀-₉]+ = \S+$", self.text(page, "read"))
        page.context.eval("element('unit').value = network.output")
        page("happen", "unit", "input", {})

    @pytest.mark.parametrize("name", HOSTILE)
    def test_networks_that_are_hard_to_draw(self, name):
        page = opened(HOSTILE[name])
        wires = len(HOSTILE[name].computed)
        for wire in (1, wires):
            page.context.eval(f"element('unit').value = {wire}")
            page("happen", "unit", "input", {})
            for key in ("Home", "+", "+", "ArrowLeft"):
                page("happen", "plot", "keydown", {"key": key})
            page("happen", "largest", "click", {})
            assert self.text(page, "read").startswith("x = ")

    def test_another_size(self, page):
        page.context.eval("plot.canvas.clientWidth = 176")
        page("happen", "resized", "resize", {})
        assert page("() => sight.ranges.length") == 100
        page.context.eval("plot.canvas.clientWidth = 276")

    def test_print_is_sharper(self, page):
        page("happen", "window", "beforeprint", {})
        assert page("() => plot.canvas.width") == 3 * 276
        page("happen", "window", "afterprint", {})
        assert page("() => plot.canvas.width") == 276


class TestFile:
    def test_nothing_is_loaded_and_nothing_else_is_run(self, small):
        parts = Parts(error_page(small, DEFAULT, 1e-3))
        loading = {"src", "href", "srcset", "data", "action", "style"}
        assert not [
            a
            for _, a in parts.elements
            if loading & set(a) or any(name.startswith("on") for name in a)
        ]
        assert not re.search(
            r"https?:|url\(|import\b|fetch|XMLHttp|eval\(", "".join(parts.texts.values())
        )
        [policy] = [a["content"] for _, a in parts.elements if "http-equiv" in a]
        assert policy.startswith("default-src 'none';")
        assert "unsafe" not in policy
        for name in ("script", "style"):
            digest = hashlib.sha256(parts.texts[name].encode()).digest()
            assert f"{name}-src 'sha256-{base64.b64encode(digest).decode()}'" in policy

    def test_what_a_file_says_of_itself_is_text(self, small):
        evil = "</script></style><script>alert(1)</script><img onerror=alert(2)>\"'&$script ${data}"
        honest = Parts(error_page(small, DEFAULT, 1e-3))
        hostile = small.with_meta(construction=evil, function=evil, domain=evil)
        parts = Parts(error_page(hostile, DEFAULT, 1e-3))
        assert [tag for tag, _ in parts.elements] == [tag for tag, _ in honest.elements]
        assert evil in parts.texts["title"]
        assert {**parts.texts, "title": "", "p": ""} == {**honest.texts, "title": "", "p": ""}

    def test_numbers_are_exact(self):
        rows = [Row((0,), (0.1,), -0.0), Row((0, 1), (5e-324, -1 / 3), 1.7976931348623157e308)]
        document = json.loads(data_of(Network(rows), DEFAULT, 1e-12))
        assert document["domain"] == list(DEFAULT.cover)
        assert [row["terms"] for row in document["rows"]] == [
            [[0, 0.1]],
            [[0, 5e-324], [1, -1 / 3]],
        ]
        assert [math.copysign(1, row["bias"]) for row in document["rows"]] == [-1, 1]
        assert document["rows"][1]["bias"] == 1.7976931348623157e308

    def test_what_units_read_is_written_as_a_formula(self):
        rows = [
            Row((0,), (-1.0,), 0.5),
            Row((1,), (1.0,), 0.0),
            Row((0, 2), (2.0, -0.33333), 0.0),
            Row((3,), (1.0,), -1e-6),
        ]
        texts = [row["text"] for row in json.loads(data_of(Network(rows), DEFAULT, 1))["rows"]]
        assert texts == ["u₁ = relu(−x + 0.5)", "u₃ = relu(2·x − 0.3333·u₁)", "N(x) = u₃ − 10⁻⁶"]
        many = Network(
            [
                *(Row((0,), (float(k),), 1.0) for k in range(2, 22)),
                Row(tuple(range(1, 21)), (0.5,) * 20, 0.0),
            ]
        )
        assert "(20 terms)" in json.loads(data_of(many, DEFAULT, 1))["rows"][-1]["text"]
        constant = data_of(HOSTILE["a bias of 0"], DEFAULT, 1)
        assert json.loads(constant)["rows"][0]["text"] == "N(x) = 0"

    def test_the_same_bytes_and_few_of_them(self):
        content = error_page(sin_network("layered"), DEFAULT, 1e-12)
        assert content == error_page(build(tol=1e-12), DEFAULT, Fraction("1e-12"))
        assert len(content) < 100_000

    def test_contrast(self):
        colours = dict(COLOUR.findall(asset("page.css")))
        assert colours["line"] == BLUE.lower()
        for ground in ("paper", "band"):
            for name in ("text", "quiet", "tolerance"):
                assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
            for name in ("line", "edge"):
                assert contrast(colours[name], colours[ground]) >= 3, (name, ground)
        assert contrast("#ffffff", "#000000") == pytest.approx(21)
        assert contrast("#ffffff", "#d55e00") < 4.5

    def test_what_has_no_page(self):
        fine = Network([Row((0,), (Fraction(2**60 + 1, 2**60),), 0.0)])
        with pytest.raises(RequestError, match="more bits than a float64"):
            error_page(fine)
        with pytest.raises(RequestError, match="too narrow"):
            error_page(TENT, Target("sin", 1.0, math.nextafter(1, 2)))
        many = Network([Row((0,), (1.5,), 0.0)] * MOST_CONNECTIONS + [Row((1,), (1.0,), 0.0)])
        with pytest.raises(RequestError, match=f"at most {MOST_CONNECTIONS} connections"):
            error_page(many)


def contrast(one, other):
    """Return the contrast of two colours as WCAG 2.1 defines it."""

    def luminance(colour):
        parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return np.dot(linear, [0.2126, 0.7152, 0.0722])

    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


class TestCommand:
    @pytest.fixture(autouse=True)
    def folder(self, tmp_path, monkeypatch, small):
        monkeypatch.chdir(tmp_path)
        save(small, "small.npz")
        save(Network(small.rows), "bare.npz")
        save(Network([Row((0,), (Fraction(2**60 + 1, 2**60),), 0.0)]), "fine.json")

    def test_a_page_for_what_the_file_says(self, capsys, small):
        assert run(["plot", "small.npz", "-o", "error.html"]) == 0
        assert capsys.readouterr().out == "error.html\n"
        assert Path("error.html").read_bytes() == error_page(small, DEFAULT, 1e-3)

    def test_without_a_tolerance_none_is_drawn(self, small):
        assert run(["plot", "bare.npz", "-o", "error.HTML"]) == 0
        page = Path("error.HTML").read_text()
        assert "tolerance not named" in page
        assert '"tolerance":0.0' in page
        assert run(["plot", "bare.npz", "--tol", "0.5", "-o", "error.html"]) == 0
        assert "tolerance ±0.5" in Path("error.html").read_text()

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["small.npz", "--kind", "units", "-o", "a.html"], "only --kind error"),
            (["fine.json", "-o", "a.html"], "more bits than a float64"),
            (["small.npz", "-o", "a.htm"], "pages in .html"),
            (["small.npz", "-o", "missing/a.html"], "No such file"),
        ],
    )
    def test_what_is_refused(self, capsys, arguments, message):
        before = sorted(Path().iterdir())
        assert run(["plot", *arguments]) == 2
        assert message in capsys.readouterr().err
        assert sorted(Path().iterdir()) == before

    def test_suffixes(self):
        check_suffix(Path("a.html"))
        check_suffix(Path("a.PNG"))
        with pytest.raises(
            RequestError, match=r"\.pdf, moving ones in \.gif or \.mp4, pages in \.html"
        ):
            check_suffix(Path("a.txt"))
