"""The trained baseline: sizes, determinism, learning, files and pictures, and the page about it."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from study import ROOT, load_script

from sinrelu import build, evaluate_float64, load
from sinrelu.certify import certify
from sinrelu.cli import run
from sinrelu.errors import GraphError, RequestError
from sinrelu.layers import Dense
from sinrelu.layers.training import fine_tune, initial, layer_width, sample, train
from sinrelu.plots import loss_figure, rendered
from sinrelu.verification import sampling

PAGE = (ROOT / "docs" / "trained-baseline.md").read_text()


def connections(width, hidden_layers):
    return 2 * width + (hidden_layers - 1) * width**2


@given(st.integers(1, 20), st.integers(0, 10**6))
def test_the_width_is_the_largest_that_is_allowed(hidden_layers, spare):
    limit = hidden_layers + 1 + spare
    width = layer_width(limit, hidden_layers)
    assert connections(width, hidden_layers) <= limit < connections(width + 1, hidden_layers)


@pytest.mark.parametrize("arguments", [(1, 1), (3, 3), (0, 2), (-7, 2), (50, 0)], ids=str)
def test_too_few_connections_are_refused(arguments):
    with pytest.raises(RequestError):
        layer_width(*arguments)


@pytest.mark.parametrize("hidden_layers", [1, 2, 3])
def test_every_unit_starts_with_a_kink_inside(hidden_layers):
    model = initial(20, hidden_layers, np.random.default_rng(1))
    value = np.linspace(-np.pi, np.pi, 10_001).reshape(-1, 1)
    for layer in model.layers[:-1]:
        value = layer.forward(value)
        if isinstance(layer, Dense):
            assert (value.min(axis=0) < 1e-3).all()
            assert (value.max(axis=0) > -1e-3).all()


def test_points_are_spread_over_the_interval():
    x = sample(np.random.default_rng(0), 100)[:, 0]
    parts = np.floor((x + np.pi) / (2 * np.pi) * 100)
    assert parts.tolist() == list(range(100))


def test_training_is_deterministic_for_a_seed():
    first, second, other = (train(60, 30, seed) for seed in (5, 5, 6))
    assert first.network == second.network
    assert first.losses.tobytes() == second.losses.tobytes()
    assert other.network != first.network


@pytest.mark.parametrize("hidden_layers", [1, 2, 3])
def test_a_short_training_lowers_the_loss_and_the_error(hidden_layers):
    started, ended = (train(150, steps, 0, hidden_layers) for steps in (1, 800))
    assert ended.losses.shape == (800,)
    assert ended.losses[-1] < 1e-3 < 0.1 * ended.losses[0]
    after = certify(ended.network, 0.5)
    assert after.sup_error < 0.1 < certify(started.network, 0.5).lower_bound
    assert ended.network.connections <= 150
    assert ended.network.wiring == "layered"


def test_the_loss_is_the_mean_squared_error():
    losses = train(60, 1, 3).losses
    rng = np.random.default_rng(3)
    model = initial(layer_width(60, 2), 2, rng)
    x = sample(rng)
    error = evaluate_float64(model.to_network(), x) - np.sin(x)
    assert losses[0] == pytest.approx(np.mean(error**2), rel=1e-12)


def test_fine_tuning_lowers_the_squared_error_and_adds_no_connection():
    network = build("chebyshev", "layered", 1e-2)
    training = fine_tune(network, 300, 1e-4)
    assert np.mean(training.losses[-50:]) < 0.8 * training.losses[0]
    assert [r.sources for r in training.network.rows] == [r.sources for r in network.rows]
    with pytest.raises(GraphError):
        fine_tune(build(wiring="skip", tol=0.1), 1, 1e-4)


def test_steps_and_seed_are_checked():
    for steps, seed in ((0, 0), (1, -1)):
        with pytest.raises(RequestError):
            train(60, steps, seed)


def test_a_training_that_diverges_makes_no_network():
    with np.errstate(all="ignore"), pytest.raises(GraphError, match="finite"):
        fine_tune(build(tol=0.1), 3, 1e300)


def test_a_loss_that_is_never_positive_cannot_be_drawn():
    assert len(rendered(loss_figure(np.array([np.nan, 0.0, 1.0, 0.5])), ".svg")) > 1000
    with pytest.raises(RequestError):
        loss_figure(np.array([np.nan, 0.0]))


class TestCommand:
    @pytest.fixture(autouse=True)
    def folder(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sampling, "RANDOM_POINTS", 20_000)

    def test_a_network_is_written_that_verify_judges(self, capfd):
        arguments = ["--connections", "60", "--steps", "300", "--seed", "4", "-o", "a.json"]
        assert run(["train", *arguments, "--plot", "loss.svg"]) == 0
        out, err = capfd.readouterr()
        assert load("a.json") == train(60, 300, 4).network
        assert re.search(r"^connections +48 +limit 60$", out, re.MULTILINE)
        assert err.splitlines()[-1].startswith("step 300 of 300: loss ")
        assert b"<svg" in Path("loss.svg").read_bytes()
        assert run(["verify", "a.json", "--tol", "0.9"]) == 0
        assert run(["verify", "a.json", "--tol", "1e-9"]) == 1
        assert "trained" in capfd.readouterr().out

    @pytest.mark.parametrize(
        "arguments",
        [
            ("--connections", "1"),
            ("--connections", "3", "--hidden-layers", "3"),
            ("--connections", "-5"),
            ("--steps", "0"),
            ("--seed", "-1"),
            ("--hidden-layers", "0"),
            ("-o", "a.txt"),
            ("--plot", "loss.gif"),
            ("-o", "missing/a.npz", "--steps", "1"),
        ],
        ids=" ".join,
    )
    def test_a_mistake_is_one_line_and_writes_nothing(self, capfd, arguments):
        assert run(["train", *arguments]) == 2
        out, err = capfd.readouterr()
        remarks = [line for line in err.splitlines() if not line.startswith("step ")]
        assert (out, len(remarks)) == ("", 1)
        assert remarks[0].startswith("sinrelu: ")
        assert list(Path().iterdir()) == []


class TestPage:
    @pytest.fixture
    def script(self):
        return load_script("trained-baseline")

    def rows(self, name):
        [table] = re.findall(rf"<!-- {name} -->\n(.*?)\n\n", PAGE, re.DOTALL)
        return [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]

    def test_the_table_is_about_networks_that_can_be_made(self, script):
        rows = self.rows("sizes")
        assert [int(row[0]) for row in rows] == list(script.LIMITS)
        for limit, size, hidden_layers, *_ in rows:
            width = layer_width(int(limit), int(hidden_layers))
            assert connections(width, int(hidden_layers)) == int(size)

    def test_the_table_is_up_to_date(self, script):
        """The trainings as they were written down, the built networks as in the scaling study."""
        [table] = re.findall(r"<!-- sizes -->\n(.*?)\n\n", PAGE, re.DOTALL)
        shown = "\n".join(script.sizes_table(script.kept()))
        assert table == shown, "run scripts/trained-baseline --keep"

    def test_fine_tuned_networks_start_where_the_table_says(self, script):
        for name, size, _, before, _, square, _ in self.rows("fine-tuning"):
            start = build(name, "layered", script.START_TOL)
            assert size == str(start.connections), "run scripts/trained-baseline"
            assert before == script.bound_text(script.judged(start, script.START_TOL).sup_error)
            assert square == f"{script.mean_square(start):.2e}"

    def test_the_example_runs(self):
        [code] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
        names = {}
        exec(compile(code, "trained-baseline.md", "exec"), names)
        assert names["gradient_error"](names["loss"], names["model"].forward(names["x"])) < 1e-6
        assert names["network"].wiring == "layered"

    def test_a_table_is_replaced_once(self, script):
        text = "a\n<!-- sizes -->\n| old |\n\nb\n"
        replaced = script.with_table(text, "sizes", ["| new |", "|--|"])
        assert replaced == "a\n<!-- sizes -->\n| new |\n|--|\n\nb\n"
        with pytest.raises(ValueError, match="found 0"):
            script.with_table(text, "other", [])
