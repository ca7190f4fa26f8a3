"""Networks as PyTorch modules, and back: ``Network.to_torch`` and ``Network.from_torch``.

Importing this module imports torch, an optional package; nothing imports it before it is needed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from sinrelu.arithmetic import FloatArray
from sinrelu.errors import GraphError, MissingExtraError
from sinrelu.formats.dense import Assembler, Stage, Values, stages
from sinrelu.network import Network, Row
from sinrelu.precision import SAYS_FLOAT32

try:
    import torch
except ImportError as _error:
    raise MissingExtraError("PyTorch is not installed: pip install torch") from _error


MAX_NESTING = 100
"""Sequentials within one another; far below where Python's stack ends."""


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
    """Read a float64 or float32 module back.

    Its layers may be Linear, ReLU, LeakyReLU, PReLU, ReLU6, Hardtanh, Identity, Dropout that does
    not train, ``Append``, and Sequentials of these. A float32 module is read as the network of the
    same weights, and ``meta`` says so. The module is left as it is.

    Raises GraphError, the message naming the layer, if there is another one, or one that hooks,
    parametrizations or a forward of its own may change; if the module does not go from one number
    to one number; if a weight is not finite; if a constant that comes of several layers is no
    float64; or if a layer, run at some points, differs from what was read by more than rounding
    explains.
    """
    if not isinstance(module, torch.nn.Module):
        raise GraphError(f"expected a torch.nn.Module, found {type(module).__name__}")
    with _named("", module):
        trial = _Trial(module)
    values, output = trial.assembler.input, trial.points
    for name, layer in _flat("", module):
        with _named(name, layer):
            before, values = values, _follow(trial, layer, values)
            if not values:
                raise GraphError("makes no values")
            trial.check(layer, before, values)
            output = trial.run(layer, output)
    with _named("", module):
        if not np.array_equal(trial.run(module, trial.points), output, equal_nan=True):
            raise GraphError("does not compute what its layers do one after the other")
    return trial.assembler.network(values, SAYS_FLOAT32 if trial.dtype == torch.float32 else {})


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


@contextlib.contextmanager
def _named(name: str, layer: torch.nn.Module) -> Iterator[None]:
    """Name the layer in whatever is raised: a broken layer makes torch raise anything."""
    try:
        yield
    except Exception as error:
        reason = str(error).split("\n", 1)[0]
        raise GraphError(f"layer {name!r} ({type(layer).__name__}): {reason}") from error


def _flat(
    name: str, module: torch.nn.Module, above: tuple[torch.nn.Module, ...] = ()
) -> Iterator[tuple[str, torch.nn.Module]]:
    """Yield the layers in the order of their use, each as often as it is used."""
    with _named(name, module):
        if module in above:
            raise GraphError("contains itself")
        if len(above) > MAX_NESTING:
            raise GraphError(f"stands in more than {MAX_NESTING} Sequentials; flatten them")
        _refuse_changes(module)
    if type(module) is not torch.nn.Sequential:
        yield name, module
        return
    for child, layer in module._modules.items():  # named_children leaves out what comes again
        yield from _flat(f"{name}.{child}" if name else child, layer, (*above, module))


def _refuse_changes(layer: torch.nn.Module) -> None:
    """Refuse what makes a layer compute something else than its type and its weights say."""
    if layer is None:  # register_module takes that
        raise GraphError("is no module; remove it before")
    if torch.nn.utils.parametrize.is_parametrized(layer):
        raise GraphError(
            "is parametrized; call torch.nn.utils.parametrize.remove_parametrizations before"
        )
    if layer._forward_hooks or layer._forward_pre_hooks:
        raise GraphError(
            "has forward hooks, as weight_norm, spectral_norm, pruning and lazy layers do; "
            "remove them before"
        )
    if "forward" in vars(layer):
        raise GraphError("has a forward of its own; delete it before")


def _follow(trial: _Trial, layer: torch.nn.Module, values: Values) -> Values:
    assembler, kind = trial.assembler, type(layer)  # exactly: a subclass may do something else
    if kind is torch.nn.Linear:
        bias = None if layer.bias is None else trial.array(layer.bias)
        return assembler.affine(values, trial.array(layer.weight), bias)
    if kind is torch.nn.ReLU:
        return assembler.relu(values)
    if kind in (torch.nn.LeakyReLU, torch.nn.PReLU):
        return assembler.leaky(values, _slopes(trial, layer, len(values)).tolist())
    if kind in (torch.nn.ReLU6, torch.nn.Hardtanh):
        return assembler.clip(values, trial.number(layer.min_val), trial.number(layer.max_val))
    if kind is Append:
        _refuse_changes(layer.affine)
        return values + assembler.relu(_follow(trial, layer.affine, values))
    if kind is torch.nn.Dropout and layer.training and layer.p:
        raise GraphError("drops values at random; call module.eval() before")
    if kind in (torch.nn.Dropout, torch.nn.Identity):
        return values
    raise GraphError(
        "only Linear, ReLU, LeakyReLU, PReLU, ReLU6, Hardtanh, Identity, Dropout, Append and "
        "Sequentials of these are read"
    )


def _slopes(trial: _Trial, layer: torch.nn.Module, width: int) -> FloatArray:
    """Return what a layer multiplies negative values with, shape (width,)."""
    if type(layer) is torch.nn.PReLU:
        slopes = trial.array(layer.weight)
        if len(slopes) not in (1, width):
            raise GraphError(f"{len(slopes)} slopes for {width} values")
        return np.broadcast_to(slopes, width)
    return np.full(width, trial.number(getattr(layer, "negative_slope", 0.0)))


class _Trial:
    """A module run at points, beside the values there of the units that are read of it."""

    def __init__(self, module: torch.nn.Module) -> None:
        first = next(module.parameters(), torch.empty(0, dtype=torch.float64))
        self.dtype, self.device = first.dtype, first.device
        self.assembler = Assembler()
        self.points = np.array([*np.arange(-32, 33) / 8, -1e4, 1e4])[:, None]
        self.sources = [self.points[:, 0]]

    def array(self, tensor: torch.Tensor) -> FloatArray:
        """Return weights as float64."""
        if tensor.dtype != self.dtype or self.dtype not in (torch.float64, torch.float32):
            raise GraphError(
                f"has weights of {tensor.dtype}; call module.double() and test it again"
            )
        if tensor.layout != torch.strided:
            raise GraphError("has sparse weights; call to_dense() on them before")
        array: FloatArray = tensor.numpy(force=True).astype(np.float64)
        if not np.isfinite(array).all():
            raise GraphError("has weights that are not finite")
        return array

    def number(self, number: float) -> float:
        """Return a number as what the module computes with."""
        return float(torch.tensor(number, dtype=self.dtype))

    def run(self, layer: torch.nn.Module, values: FloatArray) -> FloatArray:
        """Return what a layer makes of values, shape (points, components)."""
        rows = torch.tensor(values, dtype=self.dtype, device=self.device)  # for layers in place
        with torch.no_grad():
            result = layer(rows)
        if result.dtype != self.dtype:
            raise GraphError(f"computes in {result.dtype}; read the module outside torch.autocast")
        array: FloatArray = result.numpy(force=True).astype(np.float64)
        return array

    def check(self, layer: torch.nn.Module, before: Values, after: Values) -> None:
        """Run a layer on the values of what stands before it, and compare what comes after."""
        with np.errstate(all="ignore"):  # values may overflow; those are not compared
            inputs, error = self._evaluate(before)
            expected, allowed = self._evaluate(after)
            limits = torch.finfo(self.dtype)
            error = error + limits.eps * np.abs(inputs) + limits.tiny
            allowed = allowed + self._spread(layer, error, np.abs(inputs))
            far = ~(np.abs(self.run(layer, inputs) - expected) <= allowed) & np.isfinite(allowed)
        if np.any(far):
            x = self.points[np.argmax(far.any(axis=1)), 0]
            raise GraphError(f"does not compute, at x = {x}, what its type and its weights say")

    def _evaluate(self, values: Values) -> tuple[FloatArray, FloatArray]:
        """Return forms at the points, shape (points, components), and bounds of their errors."""
        for row in self.assembler.rows[len(self.sources) - 1 :]:
            self.sources.append(np.maximum(self._form(row)[0], 0.0))
        found = [self._form(value) for value in values]
        value, error = (np.array(part).T for part in zip(*found, strict=True))
        return value, error

    def _form(self, row: Row) -> tuple[FloatArray, FloatArray]:
        weights, bias = np.array(row.weights), row.bias
        columns = np.array([self.sources[source] for source in row.sources])
        columns = columns.reshape(len(weights), len(self.points))
        size = np.abs(weights) @ np.abs(columns) + abs(bias)
        return weights @ columns + bias, _rounding(len(weights), torch.float64) * size

    def _spread(self, layer: torch.nn.Module, error: FloatArray, size: FloatArray) -> FloatArray:
        """Bound the error of a layer's output that the errors of its inputs and rounding make."""
        if type(layer) is Append:
            return np.hstack([error, self._spread(layer.affine, error, size)])
        rounding = _rounding(size.shape[1], self.dtype)
        tiny = float(torch.finfo(self.dtype).tiny)
        underflow: FloatArray = tiny * (size + 1).sum(
            axis=1, keepdims=True
        )  # of weights, and of products
        if type(layer) is torch.nn.Linear:
            bias = 0.0 if layer.bias is None else np.abs(self.array(layer.bias))
            weight = np.abs(self.array(layer.weight)).T
            return (error + rounding * size) @ weight + rounding * bias + underflow
        slopes = np.abs(_slopes(self, layer, size.shape[1]))
        return (1 + slopes) * (error + rounding * size) + underflow


def _rounding(terms: int, dtype: torch.dtype) -> float:
    """Bound the relative error of a sum of products and a bias, in any order of the terms."""
    total = (terms + 3) * float(torch.finfo(dtype).eps) / 2
    return total / (1 - total)
