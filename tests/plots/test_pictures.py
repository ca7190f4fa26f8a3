"""Pictures of the graph, its units, its pieces and of scaling: they show what is there."""

import math
import re
from fractions import Fraction

import numpy as np
import pytest
from matplotlib.figure import Figure
from mpmath import mp, pi, quad, workdps
from study import TABLE

from sinrelu import Circuit, RequestError, build, cli, evaluate_float64, relu, save
from sinrelu.certify import DOMAIN
from sinrelu.certify.pieces import Pieces
from sinrelu.cli.plot import FOLDING, KINDS
from sinrelu.compare.growth import law, series
from sinrelu.compare.tables import as_csv
from sinrelu.plots import draw, rendered, scaling_figure
from sinrelu.plots.network import (
    curve,
    ends,
    folded_places,
    layered_places,
    network_figure,
    turning_level,
)
from sinrelu.plots.pieces import fewest_before, fewest_density, pieces_figure
from sinrelu.plots.scaling import LABEL_DECADES, spread
from sinrelu.plots.style import counted, headline, short
from sinrelu.plots.units import (
    TEETH,
    halved,
    rises,
    units_figure,
    units_to_draw,
    values,
    visible_windows,
)
from sinrelu.target import Target
from sinrelu.verification.sampling import find_pieces


@pytest.fixture(scope="module")
def network():
    return build("chebyshev", wiring="skip", tol=1e-3)


@pytest.fixture(scope="module")
def pieces(network):
    return find_pieces(network)


def teeth(folds):
    """Return a network whose units are one tent, two tents, four tents … over [−π, π]."""
    circuit = Circuit()
    value = (circuit.input + math.pi) / (2 * math.pi)
    for _ in range(folds):
        value = relu(2 * value - 4 * relu(value - 0.5))
    return circuit.freeze(value)


class TestNetwork:
    def test_every_connection_is_drawn_in_the_colour_of_its_weight(self, network):
        [lines] = network_figure(network).axes[0].collections[:1]
        assert len(lines.get_segments()) == network.connections
        assert sorted(lines.get_array()) == sorted(w for row in network.rows for w in row.weights)

    def test_folds_and_gates_are_marked_and_named(self):
        figure = network_figure(build(wiring="skip", tol=1e-4))
        [legend] = figure.legends
        assert [text.get_text() for text in legend.get_texts()] == ["fold", "gate", "other"]

    def test_curved_connections_have_arrows_that_point_from_source_to_target(self, network):
        axes = network_figure(network).axes[0]
        lines, heads = axes.collections[:2]
        bent = [line for line in lines.get_segments() if len(line) > 2]
        assert len(heads.get_offsets()) >= len(bent) > 10
        along = {
            tuple(at): (u, v)
            for at, u, v in zip(heads.get_offsets(), heads.U, heads.V, strict=True)
        }
        for line in bent:
            middle, after = line[len(line) // 2], line[len(line) // 2 + 1]
            assert np.dot(along[tuple(middle)], after - middle) > 0

    def test_three_hundred_units_fit_a_page(self):
        large = build("taylor", wiring="skip", tol=1e-6)
        assert large.units > 300
        figure = network_figure(large)
        assert figure.get_figheight() < 10
        assert len(figure.axes[0].texts) == 2  # no numbers that could not be read

    @pytest.mark.parametrize("places", [folded_places, layered_places])
    def test_no_two_units_stand_in_one_place(self, network, places):
        found = places(network)
        assert found.shape == (network.units + 2, 2)
        assert len(np.unique(found, axis=0)) == len(found)

    def test_connections_join_what_they_say(self, network):
        source, target = ends(network)
        for number, row in enumerate(network.rows, start=1):
            assert tuple(source[target == number]) == row.sources

    def test_the_turn_makes_the_connections_shortest(self):
        """A chain down, and a chain up that reads it again in reverse, turn where they meet."""
        circuit = Circuit()
        down = [circuit.input]
        for _ in range(6):
            down.append(relu(down[-1] + 1))
        up = down[-1]
        for value in reversed(down[1:-1]):
            up = relu(up - value)
        assert turning_level(circuit.freeze(up)) in (5, 6)

    def test_curves_begin_and_end_at_their_units(self):
        for start, end in [
            ((0, 0), (0, -5)),
            ((0, 0), (1, -3)),
            ((1, 2), (1, 3)),
            ((0, 1), (1, 1)),
        ]:
            drawn = curve(np.array(start, float), np.array(end, float))
            np.testing.assert_allclose(drawn[[0, -1]], [start, end])

    def test_layers_are_drawn_too_and_too_many_connections_are_not(self):
        assert network_figure(build("chebyshev", tol=1e-2)).axes
        with pytest.raises(RequestError, match="cannot be told apart"):
            network_figure(build("taylor", tol=1e-8))


class TestUnits:
    def test_each_fold_doubles_the_teeth(self):
        tents = teeth(5)
        shown = rises(tents, find_pieces(tents).breakpoints)
        assert shown.tolist() == [1, 1, 1, 2, 2, 4, 4, 8, 8, 16, 16]

    def test_ripple_is_no_rise(self):
        x = np.linspace(0, 1, 101)
        circuit = Circuit()
        ripple = sum((-1) ** k * relu(circuit.input - k / 8) for k in range(9)) * 0.05
        climbing = circuit.freeze(relu(circuit.input + ripple))
        assert rises(climbing, x)[-1] == 1

    def test_values_are_those_of_the_graph_and_end_with_the_output(self, network):
        x = np.linspace(*DOMAIN, 11)
        found = list(values(network, x))
        known = [x, *found]
        for number, row in enumerate(network.rows[:-1], start=1):
            form = sum(w * known[s] for s, w in zip(row.sources, row.weights, strict=True))
            np.testing.assert_allclose(known[number], np.maximum(form + row.bias, 0), atol=1e-12)
        np.testing.assert_array_equal(found[-1], evaluate_float64(network, x))

    @pytest.mark.parametrize("domain", [DOMAIN, (-1e6, 1e6)])
    def test_units_are_magnified_inside_the_domain_until_teeth_are_few(self, domain):
        circuit = Circuit()
        value = (circuit.input - domain[0]) / (domain[1] - domain[0])
        for _ in range(20):
            value = relu(2 * value - 4 * relu(value - 0.5))
        tents = circuit.freeze(value)
        windows = visible_windows(tents, domain)
        assert windows[0] == domain
        for low, high in windows:
            assert domain[0] <= low < high <= domain[1]
            assert rises(tents, np.linspace(low, high, 4001))[-1] >= 1
        assert rises(tents, np.linspace(*windows[-1], 4001))[-1] <= TEETH + 1
        assert halved(domain, 0) == domain

    def test_one_panel_for_each_unit_that_computes_and_for_the_output(self, network, pieces):
        figure = units_figure(network, pieces)
        carries = sum(row.is_carry for row in network.rows)
        shown = [axes for axes in figure.axes if axes.axison]
        assert len(shown) == network.units - carries + 1
        assert shown[-1].get_title("left") == "N(x)"
        assert {axes.get_xlabel() for axes in shown} >= {"−π … π"}

    def test_every_panel_says_what_part_of_a_wide_domain_it_shows(self):
        target = Target.parse("cos", ("-1000", "1000"))
        wide = build(target, "skip", 1e-2)
        figure = units_figure(wide, find_pieces(wide, target.cover), target)
        grey = [axes for axes in figure.axes if axes.axison and "×" in axes.get_xlabel()]
        assert grey
        for axes in grey:
            low, high = axes.get_xlim()
            reach, times = re.fullmatch(r"± (\S+)\s+× (\S+)", axes.get_xlabel()).groups()
            assert float(reach) == pytest.approx((high - low) / 2, rel=0.05)
            assert float(times.replace("\u2009", "")) == pytest.approx(2000 / (high - low))
        assert "x = −333.333 ±" in figure.get_suptitle()

    def test_notes_are_as_wide_as_their_panels(self):
        target = Target.parse("sin", ("0", "1000000"))
        wide = build(target, "skip", 1e-1)
        figure = units_figure(wide, Pieces(target.cover, None), target)
        figure.draw_without_rendering()
        shown = [axes for axes in figure.axes if axes.axison]
        assert any("\n" in axes.get_xlabel() for axes in shown)
        for axes in shown:
            assert axes.xaxis.label.get_window_extent().width <= 1.05 * axes.bbox.width

    def test_nothing_to_show_is_said(self):
        circuit = Circuit()
        with pytest.raises(RequestError, match="no unit does more than carry a value"):
            units_to_draw(circuit.freeze(circuit.input))

    def test_the_domain_is_named(self, network):
        target = Target.parse("sin", ("-1", "pi/2"))
        figure = units_figure(network, find_pieces(network, target.cover), target)
        assert "x from −1 to π/2" in figure.get_suptitle()

    def test_too_many_units_are_refused(self):
        large = build("taylor", wiring="skip", tol=1e-8)
        with pytest.raises(RequestError, match="side by side"):
            units_figure(large, find_pieces(build("chebyshev", tol=1e-2)))


def test_what_there_is_one_of_is_not_many():
    circuit = Circuit()
    assert headline(circuit.freeze(circuit.input)) == "layered wiring: 1 connection, 0 units"
    assert counted(10_000, "piece") == "10\u2009000 pieces"


def test_small_numbers_are_written_with_a_power_of_ten():
    assert [short(x) for x in (-0.0, -0.25, 1e-5)] == ["0", "−0.25", "10⁻⁵"]
    assert short(-9.587e-12, 3) == "−9.59·10⁻¹²"


class TestPieces:
    def test_every_breakpoint_is_counted(self, network, pieces):
        found = pieces.breakpoints
        axes = pieces_figure(network, found, 1e-3).axes[0]
        values, edges, _ = axes.patches[0].get_data()
        power = axes.get_ylabel().partition("{")[2].partition("}")[0]
        total = float(np.sum(values * np.diff(edges)) * 10 ** float(power or 0))
        assert round(total) == len(found) - 2
        assert str(len(found) - 1) in axes.texts[0].get_text()

    def test_the_fewest_pieces_err_by_the_tolerance(self):
        """A chord over one step of the stated density, shifted by half its error, gives tol."""
        tol, x = 1e-6, 1.0
        width = 1 / fewest_density(np.array([x]), tol)[0]
        t = np.linspace(x - width / 2, x + width / 2, 1001)
        chord = np.interp(t, t[[0, -1]], np.sin(t[[0, -1]]))
        gap = np.sin(t) - chord
        assert np.ptp(gap) / 2 == pytest.approx(tol, rel=1e-3)

    def test_the_fewest_pieces_for_the_cosine(self, network, pieces):
        x = np.array([0.0, 1.0])
        assert fewest_density(x, 1e-4, "cos") == pytest.approx(25 * np.sqrt(np.cos(x)))
        axes = pieces_figure(network, pieces.breakpoints, 1e-3, "cos").axes[0]
        assert r"\cos" in axes.texts[1].get_text()
        assert axes.lines[0].get_ydata()[1000] == axes.lines[0].get_ydata().max()

    @pytest.mark.parametrize("function", ["sin", "cos"])
    def test_the_fewest_pieces_are_integrated(self, function):
        with workdps(15):
            exact = quad(lambda t: abs(getattr(mp, function)(t)) ** 0.5, [-2, -pi / 2, 0, 0.75])
        ends = fewest_before(np.array([-2, 0.75, 0.75 + 1000 * math.pi]), 1 / 16, function)
        assert ends[1] - ends[0] == pytest.approx(float(exact), rel=1e-6)
        wave = math.sqrt(2 / math.pi) * math.gamma(0.75) ** 2 * 2
        assert ends[2] - ends[1] == pytest.approx(1000 * wave, rel=1e-6)

    def test_without_a_tolerance_there_are_no_fewest(self, network, pieces):
        axes = pieces_figure(network, pieces.breakpoints).axes[0]
        assert len(axes.texts) == 1
        assert not axes.lines[0].get_xdata().size

    def test_many_waves_are_drawn_by_their_mean(self, network):
        low, high = -1000 * math.pi, 1000 * math.pi
        axes = pieces_figure(network, np.linspace(low, high, 1000), 1e-4).axes[0]
        assert len(set(axes.lines[0].get_ydata())) == 1
        assert "in the mean" in axes.texts[1].get_text()

    def test_too_many_pieces_are_refused(self, network):
        with pytest.raises(RequestError, match="too many"):
            pieces_figure(network, None, 1e-3)


class TestScaling:
    def test_every_network_of_the_table_has_its_point(self):
        drawn = [tuple(line.get_ydata()) for line in scaling_figure(TABLE).axes[0].lines[:-1]]
        expected = [
            tuple(e.connections for e in found)
            for (_, wiring), found in series(TABLE).items()
            if wiring == "layered"
        ]
        assert drawn == expected

    def test_the_peer_its_domain_and_the_law_are_named(self):
        layered, _, laws = scaling_figure(TABLE).axes
        assert any(
            "huybrechs" in text.get_text() and "[0, π]" in text.get_text() for text in layered.texts
        )
        c = law(series(TABLE)["fold-reflect", "skip"]).coefficients[2]
        assert any(f"{abs(c):.2f} ±" in text.get_text() for text in laws.texts)

    @pytest.mark.parametrize("count", [1, 2, 3])
    def test_few_tolerances_are_drawn_without_a_law(self, count):
        coarse = sorted({entry.tol for entry in TABLE})[-count:]
        axes = scaling_figure([entry for entry in TABLE if entry.tol in coarse]).axes
        assert [each.get_title(loc="left") for each in axes] == ["layered wiring", "skip wiring"]
        assert all("law" not in text.get_text() for each in axes for text in each.texts)
        assert all(len(each.get_xticks()) == count for each in axes)

    def test_a_wiring_that_is_not_there_is_left_out(self):
        layered = [entry for entry in TABLE if entry.wiring == "layered"]
        assert len(scaling_figure(layered).axes) == 1
        with pytest.raises(RequestError, match="empty"):
            scaling_figure([])

    def test_labels_keep_apart(self):
        moved = spread([1.0, 1.05, 3.0, 1.1], LABEL_DECADES)
        assert np.diff(sorted(moved)).min() >= LABEL_DECADES - 1e-12
        assert (moved[0], moved[2]) == (1.0, 3.0)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != FOLDING])
def test_every_kind_is_drawn_and_reproducible(network, kind, tmp_path, capfd):
    file = tmp_path / ("table.csv" if kind == "scaling" else "sin.npz")
    if kind == "scaling":
        file.write_text(as_csv(TABLE))
    else:
        save(network, file)
    arguments = ["plot", str(file), "--kind", kind, "--tol", "1e-3", "-o", str(tmp_path / "a.svg")]
    assert cli.run(arguments) == 0
    assert capfd.readouterr().out == f"{tmp_path / 'a.svg'}\n"
    figure = scaling_figure(TABLE) if kind == "scaling" else draw(kind, network, 1e-3)
    assert (tmp_path / "a.svg").read_bytes() == rendered(figure, ".svg")


def test_a_network_is_drawn_against_what_its_file_says(tmp_path, capfd, monkeypatch):
    """Unless the options say otherwise; a claim that is no tolerance is no default."""
    drawn = []
    monkeypatch.setattr("sinrelu.plots.draw", lambda *asked: drawn.append(asked) or Figure())

    def axes_of(meta, *options):
        save(rough.with_meta(**meta), tmp_path / "rough.npz")
        arguments = ["plot", str(tmp_path / "rough.npz"), "-o", str(tmp_path / "a.svg"), *options]
        assert cli.run(arguments) == 0
        _, _, tol, _, target = drawn[-1]
        return tol, str(target), capfd.readouterr().err

    target = Target.parse("cos", ("-10", "2pi"))
    rough = build(target, "skip", 1e-4)
    says = "default taken from the file: "
    messages = f"{says}cos on [−10, 2π]\n{says}tolerance 0.0001\n"
    assert axes_of({}) == (Fraction(1, 10**4), "cos on [−10, 2π]", messages)
    assert axes_of({}, "--tol", "1e-3", "--domain", "0", "1") == (
        Fraction(1, 1000),
        "cos on [0, 1]",
        f"{says}cos on [−10, 2π]\n",
    )
    assert axes_of({}, "--kind", "units") == (None, "cos on [−10, 2π]", f"{says}cos on [−10, 2π]\n")
    for nonsense in (None, "tiny", 0, -1e-4, 2, 1e-99, True, [1e-4]):
        assert axes_of({"tol": nonsense, "domain": None}) == (None, "sin on [−π, π]", "")
