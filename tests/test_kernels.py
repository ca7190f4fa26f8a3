"""Compiled kernels against the same text run by numpy: the same bits, within the same memory."""

import ast
import ctypes
import math
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import chain
from pathlib import Path
from types import FunctionType

import llvmlite.binding as llvm
import numba
import numpy as np
import pytest
from graphs import ABSOLUTE, TENT, networks
from hostile import (
    HOSTILE,
    LENGTHS,
    SPECIAL,
    all_results,
    evaluated_at,
    evenly,
    found_nodes,
    judged,
    one_ulp_apart,
    random_networks,
)
from hypothesis import given, settings
from hypothesis import strategies as st

import sinrelu
from sinrelu import kernels, verify
from sinrelu.arithmetic import lanes
from sinrelu.certify import assumptions, certify
from sinrelu.certify.assumptions import check_arithmetic, compute_examples
from sinrelu.certify.bound import Judge
from sinrelu.certify.breakpoints import Block, advance
from sinrelu.certify.floats import BINARY32, BINARY64
from sinrelu.certify.pieces import Finder
from sinrelu.certify.prover import run_block
from sinrelu.certify.rounding import Rounding
from sinrelu.cli import run
from sinrelu.constructions import build
from sinrelu.errors import ArithmeticAssumptionError, MissingExtraError, RequestError
from sinrelu.evaluate import program
from sinrelu.evaluate.float64 import evaluate
from sinrelu.formats import save
from sinrelu.kernels import BACKENDS, NUMBA, NUMPY, compiled
from sinrelu.network import Network
from sinrelu.precision import in_float32
from sinrelu.target import Target

laws = settings(max_examples=40, deadline=None)
KERNELS = (advance, run_block, compute_examples, evaluate)
"""All that the package has compiled, each with what it calls."""
kernel = pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.__name__)
backends = pytest.mark.parametrize("backend", BACKENDS)
wild = st.builds(math.ldexp, st.floats(-3, 3).filter(lambda w: abs(w) > 0.1), st.integers(-70, 70))
anything = st.floats(allow_nan=False, allow_infinity=False).filter(bool)


def bits(values):
    """Numbers as integers, where any NaN is the same."""
    values = np.asarray(values)
    if values.dtype.kind != "f":
        return values.tolist()
    whole = values.view(np.int64 if values.itemsize == 8 else np.int32)
    return np.where(np.isnan(values), -1, whole).tolist()


def same(one, other):
    """Whether two sequences of arrays are equal in their bits."""
    return all(bits(a) == bits(b) for a, b in zip(one, other, strict=True))


# --- bits -----------------------------------------------------------------------------------------


def test_bits_are_told_apart():
    assert bits([0.0]) != bits([-0.0])
    assert bits([1.0]) != bits([1 + 2.0**-52])
    assert bits([math.nan]) == bits([-math.nan]) != bits([math.inf])
    assert not same([np.zeros(2)], [np.zeros(3)])
    network = build(wiring="skip", tol="1e-3")
    *units, output = network.rows
    nearly = Network((*units, output._replace(bias=output.bias + 2.0**-52)))
    assert not same(all_results(network, NUMPY), all_results(nearly, NUMPY))


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_networks(name):
    assert same(*(all_results(HOSTILE[name], backend) for backend in BACKENDS))


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
def test_random_networks():
    for network in random_networks(7, 40):
        assert same(*(all_results(network, backend, thorough=False) for backend in BACKENDS))


@pytest.mark.parametrize("weights", [wild, anything], ids=["wild", "anything"])
@pytest.mark.parametrize("format", [BINARY64, BINARY32, None], ids=["binary64", "binary32", "none"])
def test_nodes_that_miss_breakpoints(weights, format):
    @laws
    @given(network=networks(weights=weights), cells=st.sampled_from([None, *LENGTHS]))
    def law(network, cells):
        for function, ends in (("sin", (-4.0, 4.0)), ("cos", (0.5, 1.0))):
            asked = [evenly(ends, 67)], function, format, cells
            runs, *how = asked
            found = (judged(network, ends, runs, backend, *how) for backend in BACKENDS)
            assert all(same(*parts) for parts in zip(*found, strict=True))

    law()


@pytest.mark.parametrize("function", ["sin", "cos"])
@pytest.mark.parametrize(("tol", "ends"), [("1e-3", (-3.0, 3.0)), ("1e-6", (0.3, 0.9))])
@pytest.mark.parametrize("format", [BINARY64, BINARY32], ids=["binary64", "binary32"])
def test_networks_that_are_built(function, tol, ends, format):
    network = build(Target(function), "skip", tol)
    network = in_float32(network) if format is BINARY32 else network
    runs, again = (found_nodes(network, ends, backend) for backend in BACKENDS)
    assert same(chain(*runs), chain(*again))
    for cells in (None, 100):
        found = [
            judged(network, ends, runs, backend, function, format, cells) for backend in BACKENDS
        ]
        assert all(same(*parts) for parts in zip(*found, strict=True))
        assert all(math.isfinite(part[2]) for part in found[0])
    x = np.linspace(*ends, 3001)
    for dtype in (np.float64, np.float32):
        assert same(*([evaluated_at(network, x, backend, dtype)] for backend in BACKENDS))


@pytest.mark.parametrize("start", [0.7, math.pi, -5e-324, 2.0**19])
@pytest.mark.parametrize("name", ["layers", "adjacent breakpoints", "jumps, nearly"])
def test_cells_of_one_ulp(name, start):
    ends, nodes = one_ulp_apart(start, 130)
    found = (judged(HOSTILE[name], ends, [nodes], backend) for backend in BACKENDS)
    assert all(same(*parts) for parts in zip(*found, strict=True))


def after(network, nodes, backend):
    """All that memory holds after a block, where it held zeros before."""
    judge = Judge.of(network, rounding=Rounding.of(network), backend=backend)
    memory = judge.memory()
    rows = list(flat(memory))
    for row in rows:
        row.fill(0)
    judge.block(nodes, memory)
    return rows


def flat(parts):
    """The arrays of nested tuples."""
    for part in parts:
        if isinstance(part, np.ndarray):
            yield part
        else:
            yield from flat(part)


@pytest.mark.parametrize("name", HOSTILE)
def test_all_that_is_computed_on_the_way(name):
    for nodes in (evenly((-4.0, 4.0), 65), one_ulp_apart(0.7, 2)[1]):
        assert same(*(after(HOSTILE[name], nodes, backend) for backend in BACKENDS))


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
@backends
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_special_points(dtype, backend):
    """Also −0, which becomes 0, and −∞, where infinities of both signs are added up."""
    x = np.array(SPECIAL)
    found, x = evaluated_at(ABSOLUTE, x, backend, dtype), x.astype(dtype)
    with np.errstate(all="ignore"):
        expected = x + dtype(2) * np.maximum(-x, dtype(0)) + dtype(0)
    assert bits(found) == bits(expected)
    assert found.dtype == dtype


# --- memory ---------------------------------------------------------------------------------------


class Strict(np.ndarray):
    """An array that is not indexed beyond its ends, nor from the end; numpy clips slices quietly.

    What compiled code reads or writes there is anyone's guess. ``scripts/check_memory`` looks at
    machine code, at indices, which is too long for every day.
    """

    def _check(self, key):
        parts = key if isinstance(key, tuple) else (key,)
        for part, length in zip(parts, self.shape, strict=False):
            if isinstance(part, slice):
                low, high = part.start or 0, length if part.stop is None else part.stop
                assert 0 <= low <= high <= length
            elif type(part) is int:  # written in the text: the last one may be meant
                assert -1 <= part < length
            elif np.asarray(part).dtype != np.bool_ and np.size(part):
                assert 0 <= np.min(part) <= np.max(part) < length

    def __getitem__(self, key):
        self._check(key)
        return super().__getitem__(key)

    def __setitem__(self, key, value):
        self._check(key)
        super().__setitem__(key, value)


def strict(parts):
    """Nested tuples of arrays, all of them strict."""
    if isinstance(parts, np.ndarray):
        return parts.view(Strict)
    if not isinstance(parts, tuple):
        return parts
    made = [strict(part) for part in parts]
    return type(parts)(*made) if hasattr(parts, "_fields") else tuple(made)


def test_strict_arrays_are():
    values = np.arange(5.0).view(Strict)
    assert values[0:5].sum() == 10
    assert values[-1] == 4
    for key in (slice(0, 6), slice(-1, None), -2, 5, np.int64(-1), np.array([0, -1])):
        with pytest.raises(AssertionError):
            values[key]
        with pytest.raises(AssertionError):
            values[key] = 0.0


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_is_read_or_written_beyond_an_array(name):
    network, ends = HOSTILE[name], (-4.0, 4.0)
    judge = Judge.of(network, rounding=Rounding.of(network))
    finder = Finder.of(network)
    with np.errstate(all="ignore"):
        for count in (2, 3, 65, 66):
            nodes, memory = evenly(ends, count), strict(judge.memory())
            n = len(nodes.hi)
            memory[0].high[0][:n], memory[0].low[0][:n] = nodes
            run_block(
                strict(judge.steps), judge.kappa, 0.0, strict(judge.rounding.tables), *memory, n
            )
        steps, stages, gains = map(strict, (finder.steps, finder.stages, finder.gains))
        for most in range(4, 60):  # whatever the room, it is enough or is seen not to be
            block = strict(Block.of(finder.steps, evenly(ends, 2), most))
            advance(steps, stages, gains, 0.0, block)


# --- the text -------------------------------------------------------------------------------------


def functions(function, seen=None):
    """A kernel, and all functions of the package that it calls where it is compiled."""
    seen = {} if seen is None else seen
    function = kernels.SCALAR.get(function, function)
    if function not in seen:
        seen[function] = None
        for name in function.__code__.co_names:
            value = function.__globals__.get(name)
            if isinstance(value, FunctionType) and value is not lanes.lanes:
                functions(value, seen)
    return seen


@kernel
def test_what_is_compiled_is_the_text_itself(kernel):
    """Down to the last function: what is done another way are those few alone."""
    pending, codes = [compiled(kernel)], {function.__code__ for function in functions(kernel)}
    assert pending[0].py_func.__code__ is kernel.__code__
    seen = set()
    while pending:
        scope = pending.pop().py_func
        seen.add(scope.__code__)
        for name in scope.__code__.co_names:
            value = scope.__globals__.get(name)
            assert value is not lanes.lanes
            if hasattr(value, "py_func") and value.py_func.__code__ not in seen:
                pending.append(value)
            else:
                assert not isinstance(value, FunctionType)
    assert seen == codes


@cache
def imported(file):
    """From which file of the package each name is imported into a file of it."""
    nodes = ast.walk(ast.parse(Path(file).read_text()))
    return {
        alias.name: sys.modules[node.module].__file__
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module.startswith("sinrelu")
        for alias in node.names
    }


@kernel
def test_machine_code_goes_by_all_of_the_text(kernel):
    """Also by the files from which numbers are imported."""
    files = {*kernels._text_of(kernel), kernels.__file__}
    for function in functions(kernel):
        file = function.__code__.co_filename
        assert file in files
        for name in {*function.__code__.co_names} - {"lanes"}:
            if name in function.__globals__:
                assert imported(file).get(name, file) in files, name


def test_threads_do_not_get_in_each_others_way_where_kernels_are_kept(tmp_path):
    def kept(folder):
        with kernels._kept_in(folder):
            time.sleep(1e-3)
            return numba.config.CACHE_DIR

    usual, folders = numba.config.CACHE_DIR, [tmp_path / name for name in "abcdefgh"]
    with ThreadPoolExecutor(len(folders)) as pool:
        assert list(pool.map(kept, folders)) == list(map(str, folders))
    assert usual == numba.config.CACHE_DIR


def test_another_text_has_another_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(kernels, "__file__", str(tmp_path / "kernels.py"))
    files = [tmp_path / name for name in ("kernels.py", "one.py", "two.py")]
    for file in files:
        file.write_text("text")

    def folder():
        return kernels._folder(set(map(str, files)))

    first = folder()
    assert first == folder()
    assert first.parent == tmp_path / "__pycache__"
    for file in files:
        file.write_text("another")
        assert folder() != first
        file.write_text("text")
    assert folder() == first


def test_where_nothing_can_be_written_machine_code_is_kept_elsewhere(tmp_path, monkeypatch):
    (tmp_path / "__pycache__").write_text("no folder")
    (tmp_path / "kernels.py").write_text("text")
    monkeypatch.setattr(kernels, "__file__", str(tmp_path / "kernels.py"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert kernels._folder(set()).parent == tmp_path / "cache" / "sinrelu"
    (tmp_path / "cache").rename(tmp_path / "gone")
    (tmp_path / "cache").write_text("no folder")
    assert kernels._folder(set()).is_dir()


def test_a_kernel_is_known_to_be_compiled():
    compiled(compute_examples)
    check_arithmetic(NUMBA)
    assert kernels.is_compiled(compute_examples)


def made_anew(function):
    """What stands for a function where a kernel is compiled."""
    return kernels._jitted(kernels.SCALAR[function])


PAIRS = [(a, b) for a in (*SPECIAL, 1.0, -2.5) for b in (*SPECIAL, 1.0, -2.5)]


@pytest.mark.parametrize("choice", [lanes.larger, lanes.smaller])
def test_choices_of_two_agree(choice):
    """In value, and in the sign of a zero where both are the same zero."""
    left, right = np.array(PAIRS).T
    scalar = made_anew(choice)
    found = np.array([scalar(a, b) for a, b in PAIRS])
    expected = choice(left, right)
    assert np.array_equal(found, expected, equal_nan=True)
    alike = np.signbit(left) == np.signbit(right)
    assert bits(found[alike]) == bits(expected[alike])
    assert [bits(choice(a, b)) for a, b in PAIRS] == bits(expected)


def test_choices_by_a_condition_agree():
    scalar, conditions = made_anew(lanes.chosen), np.arange(len(PAIRS)) % 2 == 0
    left, right = np.array(PAIRS).T
    found = [scalar(c, a, b) for c, (a, b) in zip(conditions, PAIRS, strict=True)]
    assert bits(found) == bits(lanes.chosen(conditions, left, right))


@pytest.mark.parametrize("reduction", [lanes.largest, lanes.least])
@pytest.mark.parametrize("n", [*LENGTHS, 128, 200])
def test_reductions_agree(reduction, n):
    scalar, random = made_anew(reduction), np.random.default_rng(n)
    for special in (None, math.nan, math.inf, -math.inf, 1e300, -1e300):
        for at in {0, n // 2, n - 1}:
            values = random.normal(size=n + 3)
            values[n:] = math.nan  # beyond the first n
            values[at] = values[at] if special is None else special
            assert bits(scalar(values, n)) == bits(reduction(values, n))


@settings(max_examples=60, deadline=None)
@given(mask=st.lists(st.booleans(), min_size=1, max_size=80), more=st.integers(0, 3))
def test_indices_agree(mask, more):
    n, found = max(0, len(mask) - more), np.full((2, len(mask)), -1)
    counts = [
        function(np.array(mask), row, n)
        for function, row in zip((lanes.indices, INDICES), found, strict=True)
    ]
    assert counts[0] == counts[1] == sum(mask[:n])
    assert found[0].tolist() == found[1].tolist()


INDICES, SORT_BY, COUNT_BELOW = map(made_anew, (lanes.indices, lanes.sort_by, lanes.count_below))


@settings(max_examples=60, deadline=None)
@given(
    x=st.lists(st.sampled_from([0.0, 1.0, 2.0, -1.0, 0.5]), min_size=1, max_size=60),
    random=st.randoms(use_true_random=False),
)
def test_sorting_agrees_and_keeps_the_order_of_equals(x, random):
    """Low parts decide, and then the place."""
    low = np.array([random.choice([0.0, 2.0**-60, -(2.0**-60)]) for _ in x])
    order = np.tile(np.arange(len(x)), (2, 1))
    n = random.randint(1, len(x))
    lanes.sort_by(np.array(x), low, order[0], n)
    SORT_BY(np.array(x), low, order[1], n)
    assert order[0].tolist() == order[1].tolist()
    assert order[0][:n].tolist() == sorted(range(n), key=lambda i: (x[i], low[i]))


@settings(max_examples=60, deadline=None)
@given(cells=st.lists(st.integers(0, 20), max_size=30).map(sorted), n=st.integers(1, 25))
def test_counts_agree(cells, n):
    found, places = np.full((2, n), -1), np.array([*cells, 0], np.int64)
    lanes.count_below(places, len(cells), found[0], n)
    COUNT_BELOW(places, len(cells), found[1], n)
    expected = [sum(cell < i for cell in cells) for i in range(n)]
    assert found[0].tolist() == found[1].tolist() == expected


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
def test_nothing_is_compiled_twice():
    """Whatever the network, its nodes and the format, arguments are of the same types."""
    for network in (*HOSTILE.values(), build(wiring="skip", tol="1e-3")):
        list(all_results(TENT, NUMBA))
        ends = (0.5, 1.0)
        for format in (BINARY64, BINARY32, None):
            judged(network, ends, [evenly(ends, 4)], NUMBA, "cos", format)
        found_nodes(network, ends, NUMBA)
    check_arithmetic(NUMBA)
    for once in (advance, run_block, compute_examples):
        assert len(compiled(once).signatures) == 1
    assert len(compiled(evaluate).signatures) <= 2  # float64 and float32


# --- arithmetic -----------------------------------------------------------------------------------


def with_flags(flags, monkeypatch):
    """The examples compiled as the package does it, but for what LLVM may do with arithmetic."""

    def fast(function):
        return kernels._jitted(kernels.SCALAR.get(function, function), fastmath=flags)

    monkeypatch.setattr(kernels, "_translated", fast)
    made = fast(compute_examples)
    monkeypatch.setattr(assumptions, "on", lambda *_: made)


@pytest.mark.parametrize("flags", [True, {"reassoc", "nsz"}], ids=["all", "reassociation"])
def test_fast_arithmetic_is_refused(flags, monkeypatch):
    with_flags(flags, monkeypatch)
    with pytest.raises(ArithmeticAssumptionError, match="IEEE 754"):
        check_arithmetic(NUMBA)


def test_fused_arithmetic_is_refused(monkeypatch):
    with_flags({"contract"}, monkeypatch)
    if not llvm.get_host_cpu_features().get("fma", False):
        check_arithmetic(NUMBA)
        return
    with pytest.raises(ArithmeticAssumptionError, match="IEEE 754"):
        check_arithmetic(NUMBA)


@pytest.mark.skipif(sys.platform != "linux", reason="names of rounding modes of glibc")
@backends
@pytest.mark.parametrize("mode", [0x400, 0x800, 0xC00])
def test_another_rounding_is_refused(mode, backend):
    """Downwards, upwards, towards zero."""
    libm = ctypes.CDLL("libm.so.6")
    check_arithmetic(backend)
    usual = libm.fegetround()
    try:
        if libm.fesetround(mode) == 0:
            with pytest.raises(ArithmeticAssumptionError):
                check_arithmetic(backend)
    finally:
        libm.fesetround(usual)
    check_arithmetic(backend)


# --- without numba --------------------------------------------------------------------------------


@pytest.fixture
def not_installed(monkeypatch):
    monkeypatch.setattr(kernels, "is_installed", lambda: False)
    monkeypatch.setattr("sinrelu.certify.prover.is_installed", lambda: False)
    monkeypatch.setattr(kernels, "compiled", lambda _: pytest.fail("compiled"))


@pytest.mark.usefixtures("not_installed")
class TestNotInstalled:
    net = build(wiring="skip", tol="1e-3")

    def test_everything_runs_on_numpy(self):
        assert certify(self.net, "1e-3").backend == NUMPY
        assert verify(self.net, tol="1e-3").verdict == "proved"
        assert sinrelu.evaluate_float64(self.net, np.linspace(-3, 3, 10**5)).shape == (10**5,)
        assert kernels.backend_for(1e30) == NUMPY

    def test_where_it_would_help_that_is_said(self, monkeypatch):
        monkeypatch.setattr("sinrelu.certify.prover.WORTH", 1.0)
        told = []
        verify(self.net, tol="1e-3", message=told.append)
        assert told == [kernels.HINT]

    def test_asking_for_it_is_refused(self):
        for ask in (
            lambda: certify(self.net, "1e-3", backend=NUMBA),
            lambda: verify(self.net, tol="1e-3", backend=NUMBA),
            lambda: program(self.net)._replace(backend=NUMBA)(1.0),
        ):
            with pytest.raises(MissingExtraError, match=r"backend: .*sinrelu\[fast\]"):
                ask()

    def test_the_command_writes_nothing(self, tmp_path, monkeypatch, capfd):
        monkeypatch.chdir(tmp_path)
        save(self.net, Path("sin.npz"))
        asked = ("verify", "sin.npz", "--tol", "1e-3", "--certificate", "sin.proof", "--json")
        assert run([*asked, "--backend", NUMBA]) == 2
        out, err = capfd.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert "numba is not installed" in err
        assert [file.name for file in tmp_path.iterdir()] == ["sin.npz"]


@pytest.mark.parametrize("backend", ["cupy", "", "NUMBA"])
def test_other_backends_are_refused(backend):
    for ask in (
        lambda: certify(TENT, 1, backend=backend),
        lambda: verify(TENT, tol=0.9, backend=backend),
        lambda: program(TENT)._replace(backend=backend)(1.0),
    ):
        with pytest.raises(RequestError, match=r"^backend: .* choose from numpy, numba"):
            ask()


def test_what_is_quick_does_not_load_numba(tmp_path):
    code = (
        "import sys; from sinrelu.cli import run;"
        "net = ['--tol', '1e-3'];"
        "assert run(['build', *net, '-o', 'a.npz']) == 0;"
        "assert run(['eval', 'a.npz', '1', 'pi/6']) == 0;"
        "assert run(['verify', 'a.npz', *net]) == 0;"
        "assert run(['verify', 'a.npz', *net, '--certificate', 'a.proof']) == 0;"
        "sys.exit('numba' in sys.modules)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_where_it_saves_time_numba_is_chosen(monkeypatch):
    monkeypatch.setattr(kernels, "is_installed", lambda: True)
    assert kernels.backend_for(kernels.WORTH) == NUMBA
    assert kernels.backend_for(1.0, NUMBA) == NUMBA
    assert kernels.backend_for(1e30, NUMPY) == NUMPY
    monkeypatch.delitem(sys.modules, NUMBA)
    assert kernels.backend_for(kernels.WORTH / 2) == NUMPY
