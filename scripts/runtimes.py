"""Whatever evaluates a network in float64, for ``scripts/bench``: ours, C, and others' runtimes."""

from __future__ import annotations

import ctypes
import math
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from timing import THREADS, Scale, figure, least_of_each, ratio, seconds, spent, table, told

from sinrelu import Network, build, program, save
from sinrelu.arithmetic import FloatArray
from sinrelu.formats.onnx import dumps
from sinrelu.kernels import BACKENDS, NUMBA, is_installed

Runtime = Callable[[FloatArray], FloatArray]
Ways = dict[str, Runtime]
"""Settings of a runtime, of which the fastest counts, by what is said of them."""

ONNX_RUNTIME, SINE = "ONNX Runtime", "numpy.sin"
BATCHES = (2**10, 2**12, 2**14, 2**16, 2**20)
"""Points at a time, for what does not cut them into blocks by itself."""
ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
"""XLA has threads of its own otherwise, as many as cores; it reads this when it is loaded."""
COMPILER = ("-O3", "-march=native", "-ffp-contract=off", "-shared", "-fPIC")
HEAD = ("network", "evaluated by", "ns, 1 thread", "of ONNX Runtime", "ns, 2 threads")
HEAD = (*HEAD, "of ONNX Runtime", "gain", "differs by", "at best")


class Evaluated(NamedTuple):
    """A runtime at its best: nanoseconds a point, in which way, and how far from ours at most."""

    nanoseconds: float
    way: str
    difference: float


def evaluation_table(scale: Scale) -> str:
    """Return nanoseconds a point of every runtime, on one thread and two."""
    rows: list[tuple[str, ...]] = []
    for tol, wiring in product(scale.tolerances, scale.wirings):
        network = build(wiring=wiring, tol=tol)
        with tempfile.TemporaryDirectory() as folder:
            found = [evaluated(network, threads, scale, Path(folder)) for threads in THREADS]
        rows += evaluation_rows(f"{wiring}, {tol:g}", *found)
    return table(HEAD, rows, words=2)


def evaluated(network: Network, threads: int, scale: Scale, folder: Path) -> dict[str, Evaluated]:
    """Measure every runtime at its best, all taking turns."""
    told(f"evaluating {network} threads: {threads}")
    x = np.random.default_rng(0).uniform(-math.pi, math.pi, scale.points)
    expected = program(network)(x)
    best = {name: at_best(ways, x) for name, ways in runtimes(network, threads, folder)}
    runs = {name: partial(run, x) for name, (_, run) in best.items()}
    return {
        name: Evaluated(
            1e9 * time / len(x), best[name][0], float(np.max(np.abs(runs[name]() - expected)))
        )
        for name, time in least_of_each(runs, scale.repeats).items()
    }


def at_best(ways: Ways, x: FloatArray) -> tuple[str, Runtime]:
    """Return the fastest way; first of all, each is run, as it may have to be compiled."""
    for run in ways.values():
        run(x)
    times = {way: seconds(partial(run, x)) for way, run in ways.items() if len(ways) > 1}
    best = min(ways, key=lambda way: times.get(way, 0.0))
    return best, ways[best]


def evaluation_rows(
    label: str, one: dict[str, Evaluated], two: dict[str, Evaluated]
) -> Iterator[tuple[str, ...]]:
    """Yield a row for each runtime; numpy.sin computes no network, and differs by its error."""
    bases = [found[ONNX_RUNTIME].nanoseconds for found in (one, two)]
    for name, alone in one.items():
        pair = (alone.nanoseconds, two[name].nanoseconds)
        figures = [
            text for n, b in zip(pair, bases, strict=True) for text in (figure(n), ratio(n, b))
        ]
        ways = " / ".join(dict.fromkeys(filter(None, (alone.way, two[name].way))))
        yield label, name, *figures, ratio(*pair), f"{alone.difference:.2g}", ways


def runtimes(network: Network, threads: int, folder: Path) -> Iterator[tuple[str, Ways]]:
    """Yield every runtime that is there, on so many threads; ours first, numpy.sin last."""
    for backend in BACKENDS:
        if backend != NUMBA or is_installed():
            run = program(network)._replace(backend=backend)
            yield f"sinrelu, {backend}", {"": shared(run, threads)}
    if compiled := c_file(network, folder):
        yield "sinrelu, C", {"": shared(compiled, threads)}
    others = {"onnxruntime": ONNX_RUNTIME, "torch": "PyTorch", "jax": "JAX"}
    makers = {"onnxruntime": onnx_runtime, "torch": pytorch, "jax": jax}
    for package, name in others.items():
        if find_spec(package):
            yield name, makers[package](network, threads)
    yield SINE, {"": shared(np.sin, threads)}


def shared(run: Runtime, threads: int) -> Runtime:
    """Share the points out among threads."""
    if threads == 1:
        return run
    pool = ThreadPoolExecutor(threads)
    return lambda x: np.concatenate(list(pool.map(run, np.array_split(x, threads))))


def in_batches(run: Runtime, size: int) -> Runtime:
    """Feed a runtime so many points at a time."""
    return lambda x: np.concatenate([run(x[k : k + size]) for k in range(0, len(x), size)])


def batched(runs: dict[str, Runtime]) -> Ways:
    """Return all ways to feed some runtimes."""
    return {
        f"{size} at a time{how}": in_batches(run, size)
        for (how, run), size in product(runs.items(), BATCHES)
    }


def onnx_runtime(network: Network, threads: int) -> Ways:
    """Return ONNX Runtime: its own threads within an operator, or sessions of one side by side."""
    own = session(network, threads)
    runs = {"": own} if threads == 1 else {"": own, ", split": shared(session(network, 1), threads)}
    return batched(runs)


def session(network: Network, threads: int) -> Runtime:
    """Return a session of ONNX Runtime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    made = onnxruntime.InferenceSession(dumps(network), options, providers=["CPUExecutionProvider"])
    return lambda x: made.run(["y"], {"x": x[:, None]})[0][:, 0]


def pytorch(network: Network, threads: int) -> Ways:
    """Return the module of ``Network.to_torch``."""
    import torch

    module = network.to_torch()

    def run(x: FloatArray) -> FloatArray:
        torch.set_num_threads(threads)
        with torch.no_grad():
            return module(torch.from_numpy(x)[:, None]).numpy()[:, 0]

    return batched({"": run})


def jax(network: Network, threads: int) -> Ways:
    """Return the network's forms one after the other, compiled by XLA, which fuses them."""
    os.environ.setdefault("XLA_FLAGS", ONE_THREAD)
    import jax as package

    package.config.update("jax_enable_x64", True)

    @package.jit
    def compute(x: Any) -> Any:
        values = {0: x}
        for row in network.computed:
            form = row.bias + sum(weight * values[source] for weight, source in row.terms)
            values[row.number] = package.numpy.maximum(form, 0)
        return form

    return batched({"": shared(lambda x: np.asarray(compute(x)), threads)})


def c_file(network: Network, folder: Path) -> Runtime | None:
    """Write a network as C, compile it, and return its function; None where that cannot be."""
    compiler = shutil.which("cc")
    if not compiler:
        told("no C compiler is found: no row for C")
        return None
    source, library = folder / f"{network.sha256}.c", folder / f"{network.sha256}.so"
    if not library.exists():
        save(network, folder / "bench.npz")
        spent(["-m", "sinrelu", "convert", "bench.npz", source.name], folder)
        if not source.exists():
            told("sinrelu convert wrote no C file: no row for C")
            return None
        subprocess.run([compiler, *COMPILER, source, "-o", library], check=True)
    return array_function(library)


def array_function(library: Path) -> Runtime:
    """Return ``void sinrelu_sin_array(const double *x, double *y, size_t n)`` of a library."""
    function = ctypes.CDLL(str(library)).sinrelu_sin_array  # ctypes releases the lock
    pointer = np.ctypeslib.ndpointer(np.float64, flags="C_CONTIGUOUS")
    function.argtypes, function.restype = (pointer, pointer, ctypes.c_size_t), None

    def run(x: FloatArray) -> FloatArray:
        y = np.empty_like(x)
        function(x, y, len(x))
        return y

    return run
