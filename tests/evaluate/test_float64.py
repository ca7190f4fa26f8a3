import numpy as np
import pytest
from graphs import ABSOLUTE, CONSTANT, TENT, networks, sin_network
from hypothesis import given, settings
from hypothesis import strategies as st

from sinrelu.evaluate import evaluate_float64, float64, program
from sinrelu.evaluate.float64 import BLOCK
from sinrelu.kernels import BACKENDS, NUMPY
from sinrelu.network import Network, Row

SPECIAL = [0.0, -0.0, 5e-324, -5e-324, 2.0**-1022, 1e308, -1e308, np.inf, -np.inf, np.nan]


backends = pytest.mark.parametrize("backend", BACKENDS)


def evaluated(network, x, backend):
    """Evaluate on a backend."""
    return program(network)._replace(backend=backend)(x)


def naive(network: Network, x: float) -> float:
    """The documented order, one Python float operation after the other."""
    values = [float(x)]
    with np.errstate(all="ignore"):
        for number, row in enumerate(network.rows, start=1):
            total = row.bias if row.bias else 0.0
            for source, weight in zip(row.sources, row.weights, strict=True):
                total = total + weight * values[source]
            negative = number <= network.units and total < 0
            values.append(0.0 if negative else total)
    return values[-1]


def same_bits(a, b):
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    nan = np.isnan(a) & np.isnan(b)  # the payload of a NaN is not specified
    return a.shape == b.shape and bool(np.all(nan | (a.view(np.int64) == b.view(np.int64))))


def naive_array(network, x):
    return np.array([naive(network, v) for v in np.ravel(x).tolist()]).reshape(np.shape(x))


@backends
@settings(max_examples=200, deadline=None)
@given(
    network=networks(),
    points=st.lists(st.one_of(st.floats(), st.sampled_from(SPECIAL)), max_size=8),
)
def test_the_documented_order_bit_for_bit(backend, network, points):
    assert same_bits(evaluated(network, points, backend), naive_array(network, points))


any_weights = st.floats(allow_nan=False, allow_infinity=False).filter(bool)


@backends
@settings(max_examples=200, deadline=None)
@given(network=networks(weights=any_weights), points=st.lists(st.floats(-4, 4), max_size=4))
def test_the_documented_order_with_any_weights(backend, network, points):
    assert same_bits(evaluated(network, points, backend), naive_array(network, points))


@backends
@pytest.mark.parametrize("wiring", ["layered", "skip"])
def test_the_sin_network_bit_for_bit(wiring, backend):
    network = sin_network(wiring)
    points = np.concatenate([np.linspace(-np.pi, np.pi, 301), SPECIAL])
    assert same_bits(evaluated(network, points, backend), naive_array(network, points))


@backends
@pytest.mark.parametrize("size", [(0, 0), (0, 1), (1, -1), (1, 0), (1, 1), (3, 7)])
def test_blocks_do_not_show(size, backend):
    """So many blocks, and so many points more."""
    blocks, more = size
    x = np.linspace(-3, 3, blocks * BLOCK[backend] + more)
    expected = 0.25 + 0.5 * np.maximum(2 * np.maximum(x, 0) - 4 * np.maximum(x - 0.5, 0), 0)
    assert same_bits(evaluated(TENT, x, backend), expected)


@backends
def test_large_networks_take_shorter_blocks(backend, monkeypatch):
    x = np.linspace(-3, 3, 1000)
    expected = evaluated(TENT, x, NUMPY)
    for held in (1, 100, 5000):
        monkeypatch.setattr(float64, "MAX_HELD", held)
        assert same_bits(evaluated(TENT, x, backend), expected)


@pytest.mark.parametrize("shape", [(), (0,), (1,), (3, 0, 2), (5, 7), (2, 3, 4)])
def test_any_shape(shape):
    x = np.linspace(-1, 1, int(np.prod(shape))).reshape(shape)
    y = evaluate_float64(ABSOLUTE, x)
    assert y.dtype == np.float64
    assert same_bits(y, np.abs(x))


def test_scalars_give_scalars():
    assert isinstance(evaluate_float64(ABSOLUTE, -2), np.float64)
    assert evaluate_float64(ABSOLUTE, -2) == 2.0
    assert evaluate_float64(ABSOLUTE, [-2, 1]).tolist() == [2.0, 1.0]


@backends
@pytest.mark.parametrize(
    "x",
    [
        np.arange(40.0).reshape(5, 8)[::2, ::-3],
        np.asfortranarray(np.arange(-12.0, 12).reshape(4, 6)),
        np.broadcast_to(np.float64(-3.0), (3, 4)),
        np.arange(-5, 5),
        np.arange(-5, 5, dtype=np.float32),
        np.arange(-5.0, 5.0).astype(">f8"),
    ],
    ids=["strided", "fortran", "broadcast", "int", "float32", "big-endian"],
)
def test_any_layout_of_memory(x, backend):
    kept = x.copy()
    assert same_bits(evaluated(ABSOLUTE, x, backend), np.abs(x.astype(np.float64)))
    assert np.array_equal(x, kept)


def test_the_result_is_writable_and_new():
    x = np.array([1.0, 2.0])
    y = evaluate_float64(Network([Row((0,), (1.0,), 0.0)]), x)
    y[0] = 9.0
    assert x[0] == 1.0


@backends
def test_nan_gives_nan(backend):
    assert np.isnan(evaluated(TENT, np.nan, backend))
    assert np.isnan(evaluated(ABSOLUTE, [np.nan], backend))[0]
    assert evaluated(CONSTANT, np.nan, backend) == 0.75  # nothing reads the input


@backends
def test_zero_is_positive(backend):
    minus = Network([Row((0,), (1.0,), 0.0), Row((1,), (-1.0,), 0.0)])
    assert not np.signbit(evaluated(minus, [0.0, -0.0, -1.0], backend)).any()


@backends
def test_infinity_overflows_quietly(backend):
    twice = Network([Row((0,), (2.0,), 0.0)])
    assert evaluated(twice, [1e308, np.inf, -np.inf], backend).tolist() == [np.inf, np.inf, -np.inf]


@backends
def test_the_error_state_of_numpy_is_left_alone(backend):
    before = np.geterr()
    evaluated(TENT, [np.inf], backend)
    assert np.geterr() == before


def test_a_chain_needs_three_slots_and_carries_cost_nothing():
    chain = [Row((number,), (0.5,), 1.0) for number in range(50)]
    assert program(Network(chain)).slots == 3  # of which one is the input's, to the end
    carried = [Row((0,), (1.0,), 0.0), *(Row((n,), (1.0,), 0.0) for n in range(1, 30))]
    compiled = program(Network([*carried, Row((30,), (2.0,), 1.0)]))
    assert len(compiled.steps.target) == 2


def test_a_program_can_be_run_again():
    run = program(TENT)
    x = np.linspace(0, 1, 10)
    assert same_bits(run(x), run(x))
