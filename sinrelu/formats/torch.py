"""Networks as PyTorch modules, and back: ``Network.to_torch`` and ``Network.from_torch``.

Importing this module imports torch, an optional package; nothing imports it before it is needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from sinrelu.errors import GraphError, MissingExtraError
from sinrelu.formats.dense import Assembler, Stage, Values, stages
from sinrelu.network import Network

try:
    import torch
except ImportError as _error:
    raise MissingExtraError("PyTorch is not installed: pip install torch") from _error


class Append(torch.nn.Module):  # type: ignore[misc]  # torch is not followed: Any
    """v ↦ (v, relu(W·v + b)): with skip wiring, what is read further down stays in the vector."""

    def __init__(self, affine: torch.nn.Linear) -> None:
        super().__init__()
        self.affine = affine

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """From shape (…, n) to (…, n + new units)."""
        return torch.cat([values, torch.relu(self.affine(values))], dim=-1)


def to_torch(network: Network) -> torch.nn.Sequential:
    """Return the network as a float64 module, from shape (…, 1) to (…, 1).

    Layered wiring gives Linear, ReLU, Linear, …, Linear. Skip wiring gives an ``Append`` a stage
    and a Linear at the end, with zeros where there is no connection.
    """
    steps = stages(network)
    chain = all(step.reads == (number,) for number, step in enumerate(steps[1:]))
    return torch.nn.Sequential(*(_layers(steps) if chain else _appends(steps)))


def from_torch(module: torch.nn.Module) -> Network:
    """Read a float64 module back: Linear, ReLU, Identity, ``Append``, and Sequentials of these.

    Raises GraphError if it has another layer, is not float64, or does not go from one number to
    one number; the message names the layer.
    """
    assembler = Assembler()
    values = assembler.input
    for name, layer in _flat("", module):
        try:
            values = _follow(assembler, layer, values)
        except GraphError as error:
            raise GraphError(f"layer {name!r} ({type(layer).__name__}): {error}") from error
    return assembler.network(values)


def _layers(steps: Sequence[Stage]) -> Iterator[torch.nn.Module]:
    for before, step in pairwise(steps):
        yield _linear(step, before.numbers)
        if step is not steps[-1]:
            yield torch.nn.ReLU()


def _appends(steps: Sequence[Stage]) -> Iterator[torch.nn.Module]:
    for step in steps[1:]:
        affine = _linear(step, range(step.numbers.start))
        yield affine if step is steps[-1] else Append(affine)


def _linear(step: Stage, sources: Sequence[int]) -> torch.nn.Linear:
    rows, columns = len(step.rows), len(sources)
    linear = torch.nn.utils.skip_init(torch.nn.Linear, columns, rows, dtype=torch.float64)
    with torch.no_grad():
        linear.weight.copy_(torch.from_numpy(step.weight(sources)))
        linear.bias.copy_(torch.from_numpy(step.bias))
    return linear


def _flat(name: str, module: torch.nn.Module) -> Iterator[tuple[str, torch.nn.Module]]:
    if type(module) is not torch.nn.Sequential:
        yield name, module
        return
    for child, layer in module.named_children():
        yield from _flat(f"{name}.{child}" if name else child, layer)


def _follow(assembler: Assembler, layer: torch.nn.Module, values: Values) -> Values:
    kind = type(layer)  # exactly: a subclass may compute something else
    if kind is torch.nn.Linear:
        if layer.weight.dtype != torch.float64:
            raise GraphError("is not float64; call module.double() and test it again")
        bias = None if layer.bias is None else layer.bias.numpy(force=True)
        return assembler.affine(values, layer.weight.numpy(force=True), bias)
    if kind is torch.nn.ReLU:
        return assembler.relu(values)
    if kind is Append:
        return values + assembler.relu(_follow(assembler, layer.affine, values))
    if kind is torch.nn.Identity:
        return values
    raise GraphError("only Linear, ReLU, Identity, Append and Sequentials of these are read")
