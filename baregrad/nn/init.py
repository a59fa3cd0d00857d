"""First values of parameters: each function assigns to a tensor and gives it back. Names are torch's."""

from __future__ import annotations

import math

from baregrad.base.errors import BaregradError, ShapeError
from baregrad.tensor import Tensor, no_grad

GAINS = {  # the gain that keeps the variance through a layer; Source: He and others 2015, section 2.2
    "linear": 1.0,
    "sigmoid": 1.0,
    "tanh": 5 / 3,
    "relu": math.sqrt(2),
    "selu": 3 / 4,
    **dict.fromkeys(("conv1d", "conv2d", "conv3d"), 1.0),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), 1.0),
}
POLAR_STEPS = 48  # enough for singular values that are 1e7 apart


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The gain of a nonlinearity; param is the slope of leaky_relu, 0.01 unless given.

    Errors: BaregradError for other names.
    """
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + (0.01 if param is None else param) ** 2))
    if nonlinearity not in GAINS:
        raise BaregradError(
            f"the gain of {nonlinearity!r}", why=f"known are {', '.join(GAINS)}, leaky_relu", mend="give one"
        )
    return GAINS[nonlinearity]


def _fill(tensor: Tensor, values: Tensor) -> Tensor:
    with no_grad():
        return tensor.assign(values.detach().cast(tensor.dtype))


def constant_(tensor: Tensor, val: float) -> Tensor:
    """One value."""
    return _fill(tensor, tensor.full_like(val))


def zeros_(tensor: Tensor) -> Tensor:
    """Zeros."""
    return constant_(tensor, 0)


def ones_(tensor: Tensor) -> Tensor:
    """Ones."""
    return constant_(tensor, 1)


def eye_(tensor: Tensor) -> Tensor:
    """1 where row and column agree, else 0. Errors: ShapeError unless it is a matrix."""
    _check_axes("eye_", tensor, tensor.ndim == 2, "a matrix has 2 axes")
    return _fill(tensor, Tensor.eye(*tensor.shape, device=tensor.device))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Filters that give each channel back: 1 at the centre of filter i for channel i of its group, else 0.

    Errors: ShapeError unless there are 3 to 5 axes, and groups divide the first.
    """
    good = tensor.ndim in (3, 4, 5) and tensor.shape[0] % groups == 0
    _check_axes("dirac_", tensor, good, f"filters have 3 to 5 axes, and {groups} groups divide the first")
    out, inner, *kernel = tensor.shape
    centre = Tensor.eye(out // groups, inner, device=tensor.device).tile((groups, 1))
    room = [(0, 0), (0, 0), *((k // 2, k - k // 2 - 1) for k in kernel)]
    return _fill(tensor, centre.reshape((out, inner) + (1,) * len(kernel)).pad(room))


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0) -> Tensor:
    """Uniform in [a, b)."""
    return _fill(tensor, Tensor.uniform(*tensor.shape, low=a, high=b, device=tensor.device))


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0) -> Tensor:
    """Normal numbers."""
    return _fill(tensor, Tensor.normal(mean, std, tensor.shape, device=tensor.device))


def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0
) -> Tensor:
    """Normal numbers limited to [a, b], by the inverse of the distribution's function."""
    low, high = (math.erf((limit - mean) / std / math.sqrt(2)) for limit in (a, b))
    part = Tensor.uniform(*tensor.shape, low=low, high=high, device=tensor.device)
    return _fill(tensor, (part.erfinv() * (std * math.sqrt(2)) + mean).clamp(a, b))


def xavier_uniform_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    """Uniform, with variance gain² * 2 / (fan in + fan out). Source: Glorot, Bengio 2010, eq. 16."""
    bound = gain * math.sqrt(6 / sum(fans(tensor)))
    return uniform_(tensor, -bound, bound)


def xavier_normal_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    """Normal, with variance gain² * 2 / (fan in + fan out). Source: Glorot, Bengio 2010, eq. 12."""
    return normal_(tensor, 0.0, gain * math.sqrt(2 / sum(fans(tensor))))


def kaiming_uniform_(
    tensor: Tensor, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu"
) -> Tensor:
    """Uniform, with variance gain² / fan. Source: He and others 2015, eq. 10 and 14."""
    bound = _kaiming(tensor, a, mode, nonlinearity) * math.sqrt(3)
    return uniform_(tensor, -bound, bound)


def kaiming_normal_(
    tensor: Tensor, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu"
) -> Tensor:
    """Normal, with variance gain² / fan. Source: He and others 2015, eq. 10 and 14."""
    return normal_(tensor, 0.0, _kaiming(tensor, a, mode, nonlinearity))


def orthogonal_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    """A matrix of rows (or columns, if there are more rows) at right angles, drawn evenly from all of them.

    The orthogonal part of a matrix of normal numbers, by Newton and Schulz' iteration,
    x -> (3 x - x xᵀ x) / 2. Axes after the first are joined. Source: Higham 2008, section 8.3.
    Errors: ShapeError for less than 2 axes.
    """
    _check_axes("orthogonal_", tensor, tensor.ndim >= 2, "rows have at least one axis more")
    rows = tensor.shape[0]
    columns = math.prod(tensor.shape[1:])
    x = Tensor.randn(min(rows, columns), max(rows, columns), device=tensor.device)
    x = (x / (x * x).sum().sqrt()).contiguous()
    for _ in range(POLAR_STEPS):
        x = (x * 1.5 - (x @ x.T).contiguous() @ x * 0.5).contiguous()
    return _fill(tensor, (x.T if rows > columns else x).reshape(tensor.shape) * gain)


def fans(tensor: Tensor) -> tuple[int, int]:
    """How many inputs an output has, and how many outputs an input. Errors: ShapeError for vectors."""
    _check_axes("the fans", tensor, tensor.ndim >= 2, "weights are (outputs, inputs, …)")
    inside = math.prod(tensor.shape[2:])
    return tensor.shape[1] * inside, tensor.shape[0] * inside


def _kaiming(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise BaregradError(f"mode {mode!r}", why="it is fan_in or fan_out", mend="give one of them")
    fan = fans(tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(max(fan, 1))


def _check_axes(what: str, tensor: Tensor, good: bool, why: str) -> None:
    if not good:
        raise ShapeError(
            f"{what} of {tensor.shape}", why=why, mend="reshape it, or fill it by uniform_ or zeros_"
        )
