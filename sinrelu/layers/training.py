"""The trained baseline: how near gradient descent comes to sin with a given number of connections.

The network is a plain multilayer perceptron of equal layers. Every unit starts with its kink at
some point of [−π, π], and Adam lowers the mean squared error; its rate falls to 0 along half a
cosine. Each step sees other points, one at random in each of ``POINTS`` equal parts of the
interval. Nothing is proved here: ``sinrelu verify`` judges the outcome like any other network.
"""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from sinrelu.arithmetic import FloatArray
from sinrelu.arithmetic.numbers import count, positive
from sinrelu.errors import RequestError
from sinrelu.layers import Adam, Dense, Layer, ReLU, Sequential, SquaredLoss
from sinrelu.network import Network
from sinrelu.progress import ignore

STEPS = 10_000
POINTS = 256
RATE, WIDEST = 0.01, 30
"""Adam's first rate, and the width above which it is lower, as many weights add up in a unit."""


class Training(NamedTuple):
    """What came out."""

    network: Network
    losses: FloatArray
    """The mean squared error at the points of each step, before the step; shape (steps,)."""


def train(
    connections: int = 500,
    steps: int = STEPS,
    seed: int = 0,
    hidden_layers: int = 2,
    progress: Callable[[int, float], object] = ignore,
) -> Training:
    """Fit sin on [−π, π], starting at random.

    The layers, at least one, get as wide as the connections allow. The optimiser takes at least
    one step; ``progress`` is called with the number of steps done and the loss. The same seed, not
    negative, gives the same network on the same machine.

    Raises RequestError if a number is out of range or the connections are too few for the layers.
    """
    steps, seed = count(steps, "steps"), count(seed, "seed", 0)
    hidden_layers = count(hidden_layers, "hidden layers")
    rng = np.random.default_rng(seed)
    width = layer_width(connections, hidden_layers)
    rate = RATE * min(1.0, WIDEST / width) if hidden_layers > 1 else RATE
    meta = {"construction": "trained", "steps": steps, "rate": rate, "seed": seed}
    return fit(initial(width, hidden_layers, rng), steps, rate, rng, meta, progress)


def fine_tune(network: Network, steps: int, rate: float, seed: int = 0) -> Training:
    """Let the weights and biases of a layered network learn; no connection is added.

    Raises GraphError if the wiring is not layered, RequestError if a number is out of range.
    """
    steps, seed, rate = count(steps, "steps"), count(seed, "seed", 0), float(positive(rate, "rate"))
    model = Sequential.from_network(network)
    meta = {"construction": "fine-tuned", "steps": steps, "rate": rate, "seed": seed}
    return fit(model, steps, rate, np.random.default_rng(seed), meta)


def fit(
    model: Sequential,
    steps: int,
    rate: float,
    rng: np.random.Generator,
    meta: Mapping[str, object],
    progress: Callable[[int, float], object] = ignore,
) -> Training:
    """Train a model from shape (batch, 1) to (batch, 1), and return it as a network."""
    optimiser = Adam(model.parameters(), rate)
    losses = np.empty(steps)
    for step in range(steps):
        optimiser.rate = rate / 2 * (1 + math.cos(math.pi * step / steps))
        x = sample(rng)
        loss = SquaredLoss(np.sin(x))
        losses[step] = loss.forward(model.forward(x))
        model.backward(loss.backward())
        optimiser.step()
        progress(step + 1, float(losses[step]))
    return Training(model.to_network(meta), losses)


def sample(rng: np.random.Generator, points: int = POINTS) -> FloatArray:
    """Return ascending points, one in each part of [−π, π], shape (points, 1)."""
    position = (np.arange(points) + rng.random(points)) / points
    return (math.pi * (2 * position - 1)).reshape(-1, 1)


def layer_width(connections: int, hidden_layers: int) -> int:
    """Return the largest width w for which 2w + (hidden_layers − 1)w² connections are allowed."""
    connections = count(connections, "connections")
    hidden_layers = count(hidden_layers, "hidden layers")
    least, squares = hidden_layers + 1, hidden_layers - 1
    if connections < least:
        too_few = f"{connections} are too few, {hidden_layers} hidden layers need {least}"
        raise RequestError(f"connections: {too_few}")
    if not squares:
        return connections // 2
    # 2w + s·w² ≤ c if and only if (s·w + 1)² ≤ 1 + s·c
    return (math.isqrt(1 + squares * connections) - 1) // squares


def initial(width: int, hidden_layers: int, rng: np.random.Generator) -> Sequential:
    """Return a random network of which every unit has a kink in [−π, π].

    The weights keep the size of what they read (He, Zhang, Ren, Sun, arXiv:1502.01852); each bias
    is such that the unit is at 0 at one of the points, in the first layer at evenly spread ones.
    """
    layers: list[Layer] = []
    values = sample(rng, width)
    for _ in range(hidden_layers):
        if not layers:
            weight, kinks = rng.choice([-1.0, 1.0], (width, 1)), values
        else:
            weight = rng.standard_normal((width, width)) * math.sqrt(2 / width)
            kinks = rng.permutation(values)
        layers += [Dense(weight, -np.sum(weight * kinks, axis=1)), ReLU()]
        values = Sequential(layers[-2:]).forward(values)
    output = rng.standard_normal((1, width)) / (math.sqrt(width) * max(1.0, float(values.std())))
    return Sequential(layers, Dense(output, [0.0]))
