import copy
import io
import json
import math
import pickle
import zipfile
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from graphs import ABSOLUTE, CONSTANT, TENT, naive_exact, networks, sin_network
from hypothesis import given, settings
from hypothesis import strategies as st

from sinrelu.errors import GraphError
from sinrelu.formats import npz
from sinrelu.formats.npz import from_arrays, to_arrays
from sinrelu.layering import layered
from sinrelu.network import LAYERED, SKIP, Network, Row, exact_hex, without_dead_units
from sinrelu.steps import Computed

DEAD = Network([Row((0,), (1.0,), 0.0), Row((1,), (2.0,), 1.0), Row((1,), (3.0,), 0.0)])


@pytest.mark.parametrize(
    ("network", "counts"),
    [
        # units, connections, biases, skips, depth, width, widths, dense, dense with biases
        (ABSOLUTE, (1, 3, 0, 1, 2, 1, (1,), None, None)),
        (TENT, (3, 5, 2, 0, 3, 2, (2, 1), 2 + 2 + 1, 2 + 2 + 1 + 4)),
        (CONSTANT, (0, 0, 1, 0, 1, 0, (), 1, 2)),
        (DEAD, (2, 3, 1, 1, 3, 1, (1, 1), None, None)),
        # |x| layered: relu(x) + relu(−x)
        (layered(ABSOLUTE), (2, 4, 0, 0, 2, 2, (2,), 4, 7)),
    ],
    ids=["absolute", "tent", "constant", "dead", "absolute-layered"],
)
def test_counts_by_hand(network, counts):
    assert counts == (
        network.units,
        network.connections,
        network.biases,
        network.skip_connections,
        network.depth,
        network.width,
        network.widths,
        network.dense_size,
        network.dense_size_with_biases,
    )
    assert network.parameters == network.connections + network.biases
    assert network.wiring == (SKIP if network.skip_connections else LAYERED)


def test_levels_are_longest_paths():
    rows = [Row((), (), 1.0), Row((0,), (1.0,), 0.0), Row((2,), (1.0,), 0.0)]
    network = Network([*rows, Row((0, 1, 3), (1.0, 1.0, 1.0), 0.0)])
    assert network.levels == (0, 1, 1, 2, 3)
    assert network.skip_connections == 2


def test_tiny_weights_count():
    assert Network([Row((0,), (5e-324,), 0.0)]).connections == 1
    assert Network([Row((0,), (4.0**-20,), 0.0)]).connections == 1


def independent_counts(content: bytes) -> dict[str, object]:
    """Count from the bytes of an npz file with zipfile and numpy alone."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = ("indptr", "source", "weight", "bias")
        indptr, source, weight, bias = (
            np.load(io.BytesIO(archive.read(f"{name}.npy")), allow_pickle=False) for name in names
        )
    units = len(bias) - 1
    longest = [0] * (units + 2)
    edges = []
    for target in range(1, units + 2):
        begin, end = indptr[target - 1], indptr[target]
        edges += [(int(source[k]), target, float(weight[k])) for k in range(begin, end)]
        longest[target] = max([0] + [longest[s] for s, t, _ in edges if t == target]) + 1
    depth = max(longest[-1], max(longest[:-1]) + 1)
    longest[-1] = depth
    per_level = [longest[1:-1].count(level) for level in range(1, depth)]
    skips = sum(longest[t] != longest[s] + 1 for s, t, _ in edges)
    sizes = [1, *per_level, 1]
    dense = sum(sizes[i] * sizes[i + 1] for i in range(len(sizes) - 1))
    return {
        "units": units,
        "connections": sum(w != 0 for _, _, w in edges),
        "biases": sum(float(b) != 0 for b in bias),
        "depth": depth,
        "width": max(per_level, default=0),
        "skip_connections": skips,
        "dense_size": None if skips else dense,
        "dense_size_with_biases": None if skips else dense + units + 1,
    }


@settings(max_examples=100, deadline=None)
@given(networks())
def test_counts_agree_with_an_independent_counter(network):
    counts = independent_counts(npz.dumps(network))
    assert counts == {name: getattr(network, name) for name in counts}


@pytest.mark.parametrize("wiring", [LAYERED, SKIP])
def test_the_built_network_is_counted_independently(wiring):
    network = sin_network(wiring)
    counts = independent_counts(npz.dumps(network))
    assert counts == {name: getattr(network, name) for name in counts}
    assert network.wiring == wiring


def arrays(**changes):
    """The absolute value, |x| = x + 2 relu(−x), with something changed."""
    fields = {
        "indptr": [0, 1, 3],
        "source": [0, 0, 1],
        "weight": [-1.0, 1.0, 2.0],
        "bias": [0.0, 0],
    }
    return fields | changes


def test_the_unchanged_arrays_are_a_network():
    assert from_arrays(arrays()) == ABSOLUTE


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source": [0, 0, 2]}, "source: row 2: must be the input or an earlier unit"),
        ({"source": [1, 0, 1]}, "source: row 1: must be the input or an earlier unit"),  # cycle
        ({"source": [0, -1, 1]}, "source: row 2: must be the input"),
        ({"source": [0, 1, 0]}, "source: row 2: must increase strictly"),
        ({"source": [0, 1, 1]}, "source: row 2: must increase strictly"),
        ({"source": [0.0, 0.0, 1.0]}, "source: expected a one-dimensional array of int64"),
        ({"source": [[0, 0, 1]]}, "source: expected a one-dimensional"),
        ({"source": np.array([0, 0, 2**63], np.uint64)}, "source: expected"),
        ({"source": [0, 0]}, "indptr: must rise from 0 to the number of connections, 2"),
        ({"weight": [-1.0, 1.0]}, "weight: expected 3 entries like source, found 2"),
        ({"weight": [-1.0, 0.0, 2.0]}, "weight: row 2: must not be zero"),
        ({"weight": [-1.0, -0.0, 2.0]}, "weight: row 2: must not be zero"),
        ({"weight": [np.nan, 1.0, 2.0]}, "weight: row 1: must be finite"),
        ({"weight": [-1.0, 1.0, np.inf]}, "weight: row 2: must be finite"),
        ({"weight": ["-1", "1", "2"]}, "weight: expected a one-dimensional array of float64"),
        ({"weight": [-1j, 1j, 2j]}, "weight: expected a one-dimensional array of float64"),
        ({"weight": [None, 1.0, 2.0]}, "weight: expected a one-dimensional array of float64"),
        ({"weight": [Fraction(1), 1, 2]}, "weight: expected a one-dimensional array of float64"),
        ({"weight": np.array([-1, 1, 2], np.clongdouble)}, "weight: expected"),
        ({"bias": [0.0, -np.inf]}, "bias: row 2: must be finite"),
        ({"bias": [np.nan, 0.0]}, "bias: row 1: must be finite"),
        ({"bias": []}, "indptr: expected 1 entries"),
        ({"bias": [0.0]}, "indptr: expected 2 entries"),
        ({"indptr": [0, 3]}, "indptr: expected 3 entries"),
        ({"indptr": [1, 1, 3]}, "indptr: must rise from 0"),
        ({"indptr": [0, 1, 2]}, "indptr: must rise from 0"),
        ({"indptr": [0, 4, 3]}, "indptr: must rise from 0"),
        ({"indptr": [0, -1, 3]}, "indptr: must rise from 0"),
    ],
)
def test_arrays_of_no_network_are_refused(changes, message):
    with pytest.raises(GraphError, match=message):
        from_arrays(arrays(**changes))


@pytest.mark.skipif(
    np.finfo(np.longdouble).nmant == 52, reason="long double is float64 on this platform"
)
def test_weights_are_never_rounded_silently():
    with pytest.raises(GraphError, match="weight"):
        from_arrays(arrays(weight=np.array([-1, 1, 1 / np.longdouble(3)])))


NUMBER = "must be a float64 or a Fraction k/2ⁿ"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (((2,), (1.0,), 0.0), "source: row 2: must be the input or an earlier unit"),
        (((-1,), (1.0,), 0.0), "source: row 2: must be the input or an earlier unit"),
        (((1.0,), (1.0,), 0.0), "source: row 2: must be the input or an earlier unit"),
        (((True,), (1.0,), 0.0), "source: row 2: must be the input or an earlier unit"),
        (((1, 0), (1.0, 1.0), 0.0), "source: row 2: must increase strictly within a row"),
        (((1, 1), (1.0, 1.0), 0.0), "source: row 2: must increase strictly within a row"),
        (((0, 1), (1.0,), 0.0), "weight: row 2: expected one for each source"),
        (((0,), (1.0, 1.0), 0.0), "weight: row 2: expected one for each source"),
        (((0,), (-0.0,), 0.0), "weight: row 2: must not be zero"),
        (((0,), (Fraction(0),), 0.0), "weight: row 2: must not be zero"),
        (((0,), (math.nan,), 0.0), "weight: row 2: must be finite"),
        (((0,), (1.0,), -math.inf), "bias: row 2: must be finite"),
        (((0,), (1,), 0.0), f"weight: row 2: {NUMBER}"),
        (((0,), (1.0,), 0), f"bias: row 2: {NUMBER}"),
        (((0,), (True,), 0.0), f"weight: row 2: {NUMBER}"),
        (((0,), (1.0,), "0"), f"bias: row 2: {NUMBER}"),
        (((0,), (1.0,), None), f"bias: row 2: {NUMBER}"),
        (((0,), (Fraction(1, 3),), 0.0), f"weight: row 2: {NUMBER}"),
        (((0,), (np.float32(1),), 0.0), f"weight: row 2: {NUMBER}"),
    ],
)
def test_rows_of_no_network_are_refused(row, message):
    with pytest.raises(GraphError, match=message):
        Network((Row((0,), (1.0,), 0.0), Row(*row)))


def test_a_network_has_an_output():
    with pytest.raises(GraphError, match="rows: expected at least one"):
        Network(())


def test_a_fraction_stays_one_only_where_float64_is_too_narrow():
    fine = 1 + Fraction(1, 2**60)
    half, wide = (Network((Row((0,), (w,), Fraction(-1, 4)),)) for w in (Fraction(1, 2), fine))
    assert [type(number) for number in half.rows[0].numbers] == [float, float]
    assert [type(number) for number in wide.rows[0].numbers] == [Fraction, float]
    assert (half.multiprecision, wide.multiprecision) == (False, True)
    assert type(Network((Row((0,), (np.float64(2),), 0.0),)).rows[0].weights[0]) is float


def test_a_network_keeps_nothing_that_can_be_changed_from_outside():
    sources, weights, inner = [0], [2.0], [1]
    rows, meta = [Row(sources, weights, 0.0)], {"inner": inner}
    network = Network(rows, meta)
    sha256 = network.sha256
    sources[0], weights[0], meta["more"] = 1, 3.0, 1
    inner.append(2)
    rows.clear()
    assert network.rows == (Row((0,), (2.0,), 0.0),)
    assert network.meta == {"inner": [1]}
    for name in ("rows", "meta", "sha256", "levels"):
        with pytest.raises(AttributeError):
            setattr(network, name, ())
    assert isinstance(network.levels, tuple)
    assert network.sha256 == sha256


def pickled(network):
    return pickle.loads(pickle.dumps(network))


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickled])
def test_a_copy_is_a_network_of_its_own(copied):
    network = TENT.with_meta(inner=[1])
    hash(network)
    again = copied(network)
    assert (again, again.rows, again.meta) == (network, network.rows, network.meta)
    again.meta["inner"].append(2)
    assert network.meta == {"inner": [1]}
    assert "sha256" not in vars(copied(network))
    with pytest.raises(AttributeError):
        again.rows = ABSOLUTE.rows


def test_a_replaced_graph_has_another_hash():
    hash(TENT)
    assert replace(TENT, rows=ABSOLUTE.rows).sha256 == ABSOLUTE.sha256 != TENT.sha256


def test_equality_is_that_of_graphs():
    same = Network(ABSOLUTE.rows, {"remark": "other"})
    assert same == ABSOLUTE
    assert hash(same) == hash(ABSOLUTE)
    assert TENT != ABSOLUTE
    assert ABSOLUTE != "absolute"
    assert ABSOLUTE.with_meta(a=1).with_meta(b=2).meta == {"a": 1, "b": 2}


def test_the_hash_is_pinned():
    """The same on every platform and in every version that reads this file format."""
    assert ABSOLUTE.sha256 == "1b49304be7a61c2aa704c821251f4a75f00ea286fa5a08b43c87ddaa66a7b680"
    assert TENT.sha256 == "c0484019e2416474edde9c492aa3c4f169842d945d80870116df99b1929b6cb9"


def test_the_hash_sees_every_number():
    changed = [
        arrays(weight=[-1.0, 1.0, np.nextafter(2.0, 3.0)]),
        arrays(weight=[-1.0, -1.0, 2.0]),
        arrays(bias=[0.0, 5e-324]),
        arrays(bias=[5e-324, 0.0]),
        arrays(source=[0, 0], weight=[-1.0, 1.0], indptr=[0, 1, 2]),
        arrays(source=[0, 0, 0], indptr=[0, 1, 2, 3], bias=[0.0, 0.0, 0.0]),
    ]
    hashes = {from_arrays(fields).sha256 for fields in changed}
    assert len(hashes | {ABSOLUTE.sha256}) == len(changed) + 1


def test_the_sign_of_a_zero_bias_is_no_part_of_the_graph():
    assert from_arrays(arrays(bias=[-0.0, 0.0])).sha256 == ABSOLUTE.sha256


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.0, "0x0p0"), (-1.5, "-0x3p-1"), (5e-324, "0x1p-1074"), (2.0**1023, "0x1p1023")],
)
def test_exact_hex_by_hand(number, text):
    assert exact_hex(number) == text
    assert float.fromhex(text) == number


@settings(max_examples=100, deadline=None)
@given(networks())
def test_arrays_rebuild_the_network(network):
    assert from_arrays(to_arrays(network)).rows == network.rows


def test_what_is_computed_by_hand():
    """Units 2 and 4 carry unit 1, nothing reads unit 3 but unit 5, which nothing reads."""
    network = Network(
        [
            Row((0,), (2.0,), 1.0),
            Row((1,), (1.0,), 0.0),
            Row((0, 2), (4.0, 1.0), 0.0),
            Row((2,), (1.0,), 0.0),
            Row((3,), (1.0,), 0.5),
            Row((0, 4), (-1.0, 1.0), 0.0),
            Row((1, 4), (3.0, -2.0), 0.25),
            Row((6, 7), (1.0, 1.0), 0.0),
            Row((8,), (1.0,), 0.0),
        ]
    )
    assert network.computed == (
        Computed(1, ((2.0, 0),), 1.0, ()),
        Computed(6, ((-1.0, 0), (1.0, 1)), 0.0, (0,)),
        Computed(7, ((3.0, 1), (-2.0, 1)), 0.25, (1,)),
        Computed(8, ((1.0, 6), (1.0, 7)), 0.0, (6, 7)),
        Computed(9, ((1.0, 8),), 0.0, (8,)),
    )


@settings(max_examples=100, deadline=None)
@given(networks(weights=st.sampled_from([1.0, 1.0, -2.0])), st.fractions(-4, 4, max_denominator=8))
def test_what_is_computed_is_the_network(network, x):
    """Computed in order, each source forgotten where it is finished, none is missed or left."""
    values = {0: x}
    for number, terms, bias, finished in network.computed:
        value = Fraction(bias) + sum(Fraction(weight) * values[s] for weight, s in terms)
        for source in finished:
            del values[source]
        values[number] = max(value, Fraction(0))
    assert value == naive_exact(network, x)
    read = {source for row in network.computed for _, source in row.terms}
    assert read.isdisjoint(values)


def test_dead_units_are_dropped_and_the_others_renumbered():
    rows = without_dead_units(DEAD.rows)
    assert rows == [Row((0,), (1.0,), 0.0), Row((1,), (3.0,), 0.0)]


def test_carry_is_recognised():
    assert Row((1,), (1.0,), 0.0).is_carry
    assert not Row((0,), (1.0,), 0.0).is_carry  # the input may be negative
    assert not Row((1,), (1.0,), 0.5).is_carry
    assert not Row((), (), 0.0).is_carry


def test_repr_tells_the_counts():
    assert repr(TENT) == "<Network: 3 units, 5 connections, depth 3, layered>"
    assert json.dumps(TENT.widths) == "[2, 1]"  # plain integers, fit for JSON


def test_meta_is_not_written_to():
    """A network that somebody holds does not change under their hands."""
    network = TENT.with_meta(tol="1e-3", parameters={"folds": 3})
    for use in (network, copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        with pytest.raises(TypeError):
            use.meta["tol"] = "1"
        assert use.meta == {"tol": "1e-3", "parameters": {"folds": 3}}
