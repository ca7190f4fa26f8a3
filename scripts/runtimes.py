"""Compare our float64 evaluator with ONNX Runtime and, where it is installed, PyTorch.

Usage: scripts/runtimes [--construction fold-reflect] [--wiring layered] [--points 1000000]

One line for each runtime and number of threads: nanoseconds a point, how many times longer than
our evaluator with as many threads in the same run, and the largest differences from our evaluator
and from sin at these points.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import numpy as np
import onnxruntime

from sinrelu import CONSTRUCTIONS, Network, build, program
from sinrelu.arithmetic import FloatArray
from sinrelu.constructions import WIRINGS
from sinrelu.formats.onnx import dumps

REPEATS = 3
Runtime = Callable[[FloatArray], FloatArray]


def ours(network: Network, threads: int) -> Runtime:
    """Return our evaluator, the points shared out among threads."""
    run = program(network)
    pool = ThreadPoolExecutor(threads)
    return lambda x: np.concatenate(list(pool.map(run, np.array_split(x, threads))))


def onnx_runtime(network: Network, threads: int, optimised: bool) -> Runtime:
    """Return a session of ONNX Runtime, its graph optimisations on or off."""
    levels = onnxruntime.GraphOptimizationLevel
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.graph_optimization_level = (
        levels.ORT_ENABLE_ALL if optimised else levels.ORT_DISABLE_ALL
    )
    content = dumps(network)
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return lambda x: session.run(["y"], {"x": x[:, None]})[0][:, 0]


def pytorch(network: Network, threads: int) -> Runtime:
    """Return the module of ``Network.to_torch``."""
    import torch

    module = network.to_torch()

    def run(x: FloatArray) -> FloatArray:
        torch.set_num_threads(threads)
        with torch.no_grad():
            return module(torch.from_numpy(x)[:, None]).numpy()[:, 0]

    return run


def runtimes(network: Network, threads: int) -> Iterator[tuple[str, Runtime]]:
    """Yield every runtime that is there, ours first."""
    yield "sinrelu", ours(network, threads)
    yield "ONNX Runtime, optimised", onnx_runtime(network, threads, True)
    yield "ONNX Runtime, plain", onnx_runtime(network, threads, False)
    if find_spec("torch"):
        yield "PyTorch", pytorch(network, threads)


def in_chunks(run: Runtime, chunk: int) -> Runtime:
    """Feed a runtime a batch at a time."""
    return lambda x: np.concatenate([run(x[k : k + chunk]) for k in range(0, len(x), chunk)])


def nanoseconds_a_point(run: Runtime, x: FloatArray) -> float:
    """Return the least time of some runs, for each point."""
    times = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        run(x)
        times.append(time.perf_counter() - begin)
    return 1e9 * min(times) / len(x)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--construction", default="fold-reflect", choices=sorted(CONSTRUCTIONS))
    parser.add_argument("--wiring", default="layered", choices=WIRINGS)
    parser.add_argument("--points", type=int, default=10**6)
    parser.add_argument("--batch", type=int, default=4096, help="points at a time, for all")
    options = parser.parse_args()
    network = build(options.construction, options.wiring)
    x = np.random.default_rng(0).uniform(-math.pi, math.pi, options.points)
    expected = program(network)(x)
    print(f"{network}, {options.points} points")
    print(f"{'runtime':<28}{'threads':>8}{'ns/point':>10}{'ratio':>8}", end="")
    print(f"{'from sinrelu':>14}{'from sin':>12}")
    if not find_spec("torch"):
        print("PyTorch is not installed: no lines for it")
    for threads in (1, 2):
        base = 0.0
        for name, runtime in runtimes(network, threads):
            # our evaluator cuts the points into such batches by itself
            run = runtime if name == "sinrelu" else in_chunks(runtime, options.batch)
            spent = nanoseconds_a_point(run, x)
            base = base or spent
            y = run(x)
            away, error = np.max(np.abs(y - expected)), np.max(np.abs(y - np.sin(x)))
            print(f"{name:<28}{threads:>8}{spent:>10.1f}{spent / base:>8.1f}", end="")
            print(f"{away:>14.2g}{error:>12.4g}", flush=True)


if __name__ == "__main__":
    main()
