"""Recurrent networks: cells of one step, and RNN, LSTM and GRU over sequences. Weights have torch's names.

A sequence is one product with the inputs of all steps, then a step at a time. Each step's kernel reads at a
place of its own, so that a first run compiles one or two kernels a step; later runs find them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from baregrad import dtype as dt
from baregrad.base.errors import ShapeError
from baregrad.dtype import DType
from baregrad.nn.layers import uniform_parameter
from baregrad.nn.module import Module
from baregrad.tensor import Tensor

State = tuple[Tensor, ...]  # (h,), or (h, cell)
Step = Callable[[Tensor, Tensor, State], State]  # blocks of the input and of the state, state -> state


def lstm_step(from_x: Tensor, from_h: Tensor, state: State) -> State:
    """i, f, g, o = blocks of W x + b + U h + c; cell = sigmoid(f) * cell + sigmoid(i) * tanh(g);
    h = sigmoid(o) * tanh(cell). Source: Gers, Schmidhuber, Cummins 2000, eq. 1-9.
    """
    take, keep, new, show = (from_x + from_h).contiguous().chunk(4, -1)
    cell = keep.sigmoid() * state[1] + take.sigmoid() * new.tanh()
    return show.sigmoid() * cell.tanh(), cell


def gru_step(from_x: Tensor, from_h: Tensor, state: State) -> State:
    """r, z, n = blocks of W x + b, and of U h + c; r = sigmoid, z = sigmoid of both blocks' sums,
    n = tanh(Wn x + bn + r * (Un h + cn)); h = (1 - z) * n + z * h. Source: Cho and others 2014, eq. 5-8.
    """
    x, h = from_x.chunk(3, -1), from_h.contiguous().chunk(3, -1)
    reset, keep = (x[0] + h[0]).sigmoid(), (x[1] + h[1]).sigmoid()
    new = (x[2] + reset * h[2]).tanh()
    return ((state[0] - new) * keep + new,)


def tanh_step(from_x: Tensor, from_h: Tensor, state: State) -> State:
    """h = tanh(W x + b + U h + c). Source: Elman 1990."""
    return ((from_x + from_h).tanh(),)


def relu_step(from_x: Tensor, from_h: Tensor, state: State) -> State:
    """h = max(W x + b + U h + c, 0)."""
    return ((from_x + from_h).relu(),)


PLAIN = {"tanh": tanh_step, "relu": relu_step}


def _plain(nonlinearity: str) -> Step:
    if nonlinearity not in PLAIN:
        raise ShapeError(
            f"a recurrent layer with nonlinearity {nonlinearity!r}",
            why=f"it is {' or '.join(PLAIN)}",
            mend="give one",
        )
    return PLAIN[nonlinearity]


# -- one step ----------------------------------------------------------------------------------------------


class _Cell(Module):
    """Weights of one step, `gates` blocks of `hidden_size` rows each."""

    def __init__(
        self, gates: int, sizes: tuple[int, int], bias: bool, dtype: DType, device: str | None
    ) -> None:
        self.input_size, self.hidden_size = sizes
        rows, bound = gates * self.hidden_size, _bound(self.hidden_size)

        def made(*shape: int) -> Tensor:
            return uniform_parameter(*shape, bound=bound, dtype=dtype, device=device)

        self.weight_ih, self.weight_hh = made(rows, self.input_size), made(rows, self.hidden_size)
        self.bias_ih = made(rows) if bias else None
        self.bias_hh = made(rows) if bias else None

    def _next(self, step: Step, x: Tensor, state: State | None) -> State:
        """One step; zeros are the first state. Errors: ShapeError unless x is (…, inputs)."""
        if not x.ndim or x.shape[-1] != self.input_size:
            raise ShapeError(
                f"{type(self).__name__} of {x.shape}",
                why=f"inputs are (…, {self.input_size})",
                mend="reshape it",
            )
        if state is None:
            shape = (*x.shape[:-1], self.hidden_size)
            state = (Tensor.zeros(*shape, dtype=x.dtype, device=x.device),) * 2
        from_x, from_h = x.linear(self.weight_ih, self.bias_ih), state[0].linear(self.weight_hh, self.bias_hh)
        return step(from_x, from_h, state)


class RNNCell(_Cell):
    """One step of a plain network: tanh_step or relu_step. Shapes: (…, inputs), (…, hidden) -> the latter."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        *,
        dtype: DType = dt.float32,
        device: str | None = None,
    ) -> None:
        super().__init__(1, (input_size, hidden_size), bias, dtype, device)
        self.step = _plain(nonlinearity)

    def __call__(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        """The formula; zeros are the first state. Errors: ShapeError unless x is (…, inputs)."""
        return self._next(self.step, x, None if state is None else (state,))[0]


class LSTMCell(_Cell):
    """One step of long short-term memory: lstm_step. Shapes: (…, inputs), 2 of (…, hidden) -> the latter."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        *,
        dtype: DType = dt.float32,
        device: str | None = None,
    ) -> None:
        super().__init__(4, (input_size, hidden_size), bias, dtype, device)

    def __call__(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """The formula; zeros are the first state. Errors: ShapeError unless x is (…, inputs)."""
        h, cell = self._next(lstm_step, x, state)
        return h, cell


class GRUCell(_Cell):
    """One step of a gated recurrent unit: gru_step. Shapes: (…, inputs), (…, hidden) -> (…, hidden)."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        *,
        dtype: DType = dt.float32,
        device: str | None = None,
    ) -> None:
        super().__init__(3, (input_size, hidden_size), bias, dtype, device)

    def __call__(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        """The formula; zeros are the first state. Errors: ShapeError unless x is (…, inputs)."""
        return self._next(gru_step, x, None if state is None else (state,))[0]


# -- sequences ---------------------------------------------------------------------------------------------


class _Sequence(Module):
    """Layers over sequences, one or two directions each.

    Shapes: (steps, n, inputs) or (n, steps, inputs) with batch_first, or (steps, inputs); states
    (layers * directions, n, hidden), or without n. Weights: weight_ih_l0, weight_hh_l0, bias_ih_l0,
    bias_hh_l0, the same with _reverse for the direction back, and so on for layers l1, …; dropout stands
    between layers.
    """

    gates: int
    states = 1

    def __init__(  # noqa: PLR0913 - torch's arguments
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        *,
        dtype: DType = dt.float32,
        device: str | None = None,
    ) -> None:
        if num_layers < 1 or hidden_size < 1 or not 0 <= proj_size < hidden_size:
            raise ShapeError(
                f"{type(self).__name__} of {num_layers} layers of {hidden_size}, projected to {proj_size}",
                why="it has at least 1 layer of at least 1, and projects to less than it has",
                mend="give such sizes",
            )
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.batch_first, self.dropout, self.proj_size = batch_first, dropout, proj_size
        self.endings = ("", "_reverse") if bidirectional else ("",)
        seen = proj_size or hidden_size
        for layer in range(num_layers):
            inputs = input_size if layer == 0 else seen * len(self.endings)
            for ending in self.endings:
                self._make(f"_l{layer}{ending}", inputs, seen, bias, dtype, device)

    def _make(self, name: str, inputs: int, seen: int, bias: bool, dtype: DType, device: str | None) -> None:
        """The weights of one layer in one direction."""
        rows = self.gates * self.hidden_size
        shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, inputs), "weight_hh": (rows, seen)}
        if bias:
            shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
        if self.proj_size:
            shapes["weight_hr"] = (self.proj_size, self.hidden_size)
        for kind, shape in shapes.items():
            made = uniform_parameter(*shape, bound=_bound(self.hidden_size), dtype=dtype, device=device)
            setattr(self, kind + name, made)

    def step(self, from_x: Tensor, from_h: Tensor, state: State) -> State:
        """One step of the layer's kind."""
        raise NotImplementedError(f"{type(self).__name__} has no step: write one")

    def _run(self, x: Tensor, given: Sequence[Tensor] | None) -> tuple[Tensor, State]:
        """Outputs, and the last state of each layer and direction."""
        batched = x.ndim == 3
        if x.ndim not in (2, 3) or x.shape[-1] != self.input_size or not x.numel():
            raise ShapeError(
                f"{type(self).__name__} of {x.shape}",
                why=f"inputs are (steps, n, {self.input_size}) or (steps, {self.input_size}), with elements",
                mend="reshape it",
            )
        rows = x if batched else x.unsqueeze(1)
        if batched and self.batch_first:
            rows = rows.transpose(0, 1)
        starts = self._starts(rows, given, batched)
        ends: list[State] = []
        for layer in range(self.num_layers):
            if layer and self.dropout and self.training:
                rows = rows.dropout(self.dropout)
            parts = []
            for ending in self.endings:
                part, end = self._one_way(rows, starts[len(ends)], f"_l{layer}{ending}")
                parts.append(part)
                ends.append(end)
            rows = parts[0] if len(parts) == 1 else Tensor.cat(parts, -1)
        last = tuple(Tensor.stack(every) for every in zip(*ends, strict=True))
        if not batched:
            return rows.squeeze(1), tuple(state.squeeze(1) for state in last)
        return (rows.transpose(0, 1) if self.batch_first else rows), last

    def _starts(self, x: Tensor, given: Sequence[Tensor] | None, batched: bool) -> list[State]:
        """The first state of each layer and direction: zeros unless given."""
        count = self.num_layers * len(self.endings)
        sizes = (self.proj_size or self.hidden_size, self.hidden_size)[: self.states]
        if given is None:
            zeros = tuple(Tensor.zeros(x.shape[1], n, dtype=x.dtype, device=x.device) for n in sizes)
            return [zeros] * count
        lead = (count, x.shape[1]) if batched else (count,)
        if [state.shape for state in given] != [(*lead, size) for size in sizes]:
            raise ShapeError(
                f"{type(self).__name__} with states {[state.shape for state in given]}",
                why=f"they are {[(*lead, size) for size in sizes]}",
                mend="reshape them",
            )
        rows = given if batched else [state.unsqueeze(1) for state in given]
        return [tuple(state[i] for state in rows) for i in range(count)]

    def _one_way(self, x: Tensor, state: State, name: str) -> tuple[Tensor, State]:
        """One layer in one direction over all steps."""
        weights = vars(self)
        from_x = x.linear(weights["weight_ih" + name], weights.get("bias_ih" + name)).contiguous()
        weight, bias = weights["weight_hh" + name], weights.get("bias_hh" + name)
        order = range(x.shape[0])
        outputs: list[Any] = [None] * len(order)  # Tensors
        for place in reversed(order) if name.endswith("_reverse") else order:
            state = self.step(from_x[place], state[0].linear(weight, bias), state)
            if self.proj_size:
                state = (state[0].linear(weights["weight_hr" + name]), *state[1:])
            outputs[place] = state[0]
        return Tensor.stack(outputs), state


class RNN(_Sequence):
    """A plain network over sequences: tanh_step or relu_step. Gives outputs and the last h."""

    gates = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        *rest: Any,  # Any: _Sequence's, from bias on
        **facts: Any,  # Any: _Sequence's
    ) -> None:
        super().__init__(input_size, hidden_size, num_layers, *rest, **facts)
        self.nonlinearity = _plain(nonlinearity)

    def step(self, from_x: Tensor, from_h: Tensor, state: State) -> State:
        """tanh_step or relu_step."""
        return self.nonlinearity(from_x, from_h, state)

    def __call__(self, x: Tensor, h: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """All outputs and the last h; zeros are the first h. Errors: ShapeError unless all fit."""
        outputs, (last,) = self._run(x, None if h is None else (h,))
        return outputs, last


class LSTM(_Sequence):
    """Long short-term memory over sequences: lstm_step. Gives outputs, and the last h and cell.

    proj_size projects h by weight_hr_l0, …
    """

    gates = 4
    states = 2

    def step(self, from_x: Tensor, from_h: Tensor, state: State) -> State:
        """lstm_step."""
        return lstm_step(from_x, from_h, state)

    def __call__(
        self, x: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """All outputs and (h, cell); zeros are the first ones. Errors: ShapeError unless all fit."""
        outputs, (h, cell) = self._run(x, state)
        return outputs, (h, cell)


class GRU(_Sequence):
    """Gated recurrent units over sequences: gru_step. Gives outputs and the last h."""

    gates = 3

    def step(self, from_x: Tensor, from_h: Tensor, state: State) -> State:
        """gru_step."""
        return gru_step(from_x, from_h, state)

    def __call__(self, x: Tensor, h: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """All outputs and the last h; zeros are the first h. Errors: ShapeError unless all fit."""
        outputs, (last,) = self._run(x, None if h is None else (h,))
        return outputs, last


def _bound(hidden: int) -> float:
    return 1 / math.sqrt(hidden) if hidden else 0.0
