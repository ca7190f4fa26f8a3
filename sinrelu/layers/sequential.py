"""Layers one after the other, and the way from a network to layers and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, groupby, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from sinrelu.arithmetic import FloatArray
from sinrelu.errors import GraphError, RequestError
from sinrelu.formats.dense import Assembler, stages
from sinrelu.layers.base import Layer, Parameter
from sinrelu.layers.basic import Dense, ReLU
from sinrelu.network import Network


class Sequential(Layer):
    """Layers, or sequences of layers, one after the other.

    Raises RequestError if a layer is there twice, as it remembers one input, or what is no Layer.
    """

    def __init__(self, *layers: Layer | Sequence[Layer]) -> None:
        groups = (item if isinstance(item, Sequence) else [item] for item in layers)
        self.layers = tuple(chain.from_iterable(groups))
        for layer in self.layers:
            if not isinstance(layer, Layer):
                raise RequestError(f"layers: expected a Layer such as Dense, found {layer!r}")
        flat = list(_flat(self))
        if len(set(map(id, flat))) < len(flat):
            raise RequestError("layers: the same layer is there twice")

    def forward(self, input: npt.ArrayLike) -> FloatArray:
        """Return the last layer's output."""
        value = np.asarray(input, dtype=np.float64)
        for layer in self.layers:
            value = layer.forward(value)
        return value

    def activations(self, input: npt.ArrayLike) -> list[FloatArray]:
        """Return the output of every layer in order; the last is what ``forward`` returns."""
        values = [np.asarray(input, dtype=np.float64)]
        for layer in self.layers:
            values.append(layer.forward(values[-1]))
        return values[1:]

    def backward(self, grad_output: npt.ArrayLike = 1.0) -> FloatArray:
        """Return the gradient with respect to the first layer's input."""
        gradient = np.asarray(grad_output, dtype=np.float64)
        for layer in reversed(self.layers):
            gradient = layer.backward(gradient)
        return gradient

    def parameters(self) -> Sequence[Parameter]:
        """Return the parameters of all layers in order."""
        return [parameter for layer in self.layers for parameter in layer.parameters()]

    @classmethod
    def from_network(cls, network: Network, sparse: bool = True) -> Sequential:
        """Return Dense, ReLU, Dense, …, Dense, from shape (batch, 1) to shape (batch, 1).

        On every piece the gradient with respect to the input is the network's slope there. At a
        breakpoint it is the slope that remains with the units at 0 switched off: that of a
        neighbouring piece if a single unit changes its state there, else not always (0 for
        relu(x) + relu(−x) at x = 0).

        Weights that are 0 stay so if ``sparse``; else they become connections when they learn.
        Raises GraphError if a unit reads another layer than the one right before;
        ``sinrelu.layered`` mends that.
        """
        steps = stages(network)
        if any(step.reads != (number,) for number, step in enumerate(steps[1:])):
            raise GraphError("source: a unit reads past a layer; call sinrelu.layered before")
        layers: list[Layer] = []
        for before, step in pairwise(steps):
            weight = step.weight(before.numbers)
            layers += [Dense(weight, step.bias, mask=weight != 0 if sparse else None), ReLU()]
        return cls(layers[:-1])

    def to_network(self, meta: Mapping[str, object] | None = None) -> Network:
        """Return the network that the layers compute; weights that are 0 are left out.

        What ``from_network`` made of a network comes back bit by bit, without ``meta``. Dense
        layers with no ReLU between them become one: its numbers are their products, rounded to
        float64 as numpy multiplies matrices, and it is what the network is from then on.

        Raises GraphError if the layers are not Dense and ReLU from one number to one number, or a
        weight or bias is not finite.
        """
        assembler = Assembler()
        values = assembler.input
        for kind, run in groupby(_flat(self), type):
            if kind is Dense:  # exactly: a subclass may compute something else
                values = assembler.affine(values, *_affine(run))
            elif kind is ReLU:
                values = assembler.relu(values)
            else:
                raise GraphError(f"{kind.__name__}: only Dense and ReLU make a network")
        return assembler.network(values, meta)


def _flat(layer: Layer) -> Iterator[Layer]:
    if isinstance(layer, Sequential):
        yield from chain.from_iterable(map(_flat, layer.layers))
    else:
        yield layer


def _affine(run: Iterable[Any]) -> tuple[FloatArray, FloatArray]:
    """Return the weight and the bias of Dense layers one after the other."""
    first, *others = [(layer.weight.value, layer.bias.value) for layer in run]
    weight, bias = first
    for factor, constant in others:
        if factor.shape[1] != len(weight):
            raise GraphError(f"a matrix of {factor.shape[1]} columns meets {len(weight)} values")
        weight, bias = factor @ weight, factor @ bias + constant
    return weight, bias
