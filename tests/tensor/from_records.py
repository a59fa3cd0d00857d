"""What tests make of records: tensors, the same in numpy, results side by side. Read the tests first."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import scipy.special

from baregrad import dtype as dt
from baregrad.dtype import DType
from baregrad.tensor import Tensor
from baregrad.tensor.records import Array, Record, Sample, gives, is_one, records
from tests.tensor import references, windows

FORMULAS = {"np": np, "sp": scipy.special, "math": math, **vars(references), **vars(windows)}
ALL = list(records().values())
FLOATS = [row for row in dt.ALL if row.is_float]
VALUED = [row for row in dt.ALL if row is not dt.void]
Put = Callable[[Array, list[Any], DType], Any]


def method(record: Record) -> Callable[..., Any]:
    """The operation as a function of all its arguments."""
    found = getattr(Tensor, record.name)
    return found.fget if isinstance(found, property) else found


@cache
def signature(name: str) -> inspect.Signature:
    return inspect.signature(method(records()[name]))


def filled(value: Any, dtype: DType, seed: str, put: Put) -> Any:
    """An argument with tensors in place of Arrays."""
    if isinstance(value, Array):
        kept = dt.BY_NAME[value.dtype] if value.dtype else dtype
        return put(value, value.numbers(dtype, seed), kept)
    if isinstance(value, list):
        return [filled(part, dtype, f"{seed}.{i}", put) for i, part in enumerate(value)]
    return value


class Given(NamedTuple):
    """Arguments of a call."""

    args: tuple[Any, ...]
    options: dict[str, Any]


def given(record: Record, sample: Any, dtype: DType, put: Put, seed: str = "") -> Given:
    """A sample's arguments, its Arrays made to tensors by `put`; `seed` gives other numbers."""
    start = f"{record.name}{seed}"
    args = tuple(filled(value, dtype, f"{start} {i}", put) for i, value in enumerate(sample.args))
    options = {key: filled(v, dtype, f"{start} {key}", put) for key, v in sample.options.items()}
    return Given(args, options)


def tensor(device: str) -> Put:
    """Makes tensors of ours."""
    return lambda array, data, dtype: Tensor(data, dtype=dtype, device=device).reshape(array.shape)


def wide(array: Array, data: list[Any], dtype: DType) -> np.ndarray:
    """Floats as float64, so that numpy rounds less than we do."""
    name = "float64" if dtype.is_float else "bool" if dtype is dt.bool_ else dtype.name
    return np.array(data, name).reshape(array.shape)


def parameters(record: Record, call: Given) -> dict[str, Any]:
    """The arguments by the method's names for them, defaults included; self is x."""
    bound = signature(record.name).bind(*call.args, **call.options)
    bound.apply_defaults()
    named = dict(bound.arguments)
    if "self" in named:
        named["x"] = named.pop("self")
    for key, value in named.items():  # reshape((2, 3)) is reshape(2, 3)
        var = signature(record.name).parameters.get(key)
        if var is not None and var.kind is var.VAR_POSITIONAL and len(value) == 1:
            named[key] = tuple(value[0]) if isinstance(value[0], tuple | list) else value
    return named


def listed(result: Any) -> list[Any]:
    """Results as a list: some operations give several."""
    return list(result) if isinstance(result, list | tuple) else [result]


def ours(record: Record, call: Given) -> list[Tensor]:
    """What the operation gives, as tensors."""
    results = listed(method(record)(*call.args, **call.options))
    return [r if isinstance(r, Tensor) else Tensor(r, device="reference") for r in results]


def reference_input(record: Record) -> Put:
    """Numpy arrays; of floats where the operation makes floats of integers."""

    def put(array: Array, data: list[Any], dtype: DType) -> np.ndarray:
        found = wide(array, data, dtype)
        if record.gives != "float" or array.dtype or dtype is dt.float64:
            return found
        return found.astype("float32").astype("float64")

    return put


def expected(record: Record, sample: Sample, dtype: DType, seed: str = "") -> list[np.ndarray]:
    """What the reference gives."""
    call = given(record, sample, dtype, reference_input(record), seed)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # means of nothing
        found = eval(record.reference, FORMULAS | {"like": dtype.name} | parameters(record, call))
    return [np.asarray(part) for part in listed(found)]


def array_of(t: Tensor) -> np.ndarray:
    """The elements in numpy's widest dtype of the kind."""
    kind = "float64" if t.dtype.is_float else "bool" if t.dtype is dt.bool_ else t.dtype.name
    return np.array(t.tolist(), kind).reshape(t.shape)


def compare(found: np.ndarray, wanted: np.ndarray, dtype: DType, tolerance: float, what: str) -> None:
    """Equal shapes; equal integers; floats within the tolerance of their dtype."""
    assert found.shape == tuple(wanted.shape), f"{what}: shape"
    if not dtype.is_float:
        assert found.tolist() == wanted.astype(found.dtype).tolist(), what
        return
    rounded = np.array(dt.round_list(dtype, wanted.astype("float64").reshape(-1).tolist()))
    rounded = rounded.reshape(wanted.shape)
    greatest = np.abs(rounded[np.isfinite(rounded) & (np.abs(rounded) < 1e30)]).max(initial=0.0)
    eps = 2.0**-dtype.mantissa * tolerance
    np.testing.assert_allclose(
        found, rounded, rtol=16 * eps, atol=4 * eps * greatest, equal_nan=True, err_msg=what
    )


def result_dtype(record: Record, sample: Sample, call: Given, dtype: DType, place: int = 0) -> DType:
    """The dtype that the record promises for one of the results; the last word is for all that follow."""
    if record.gives == "dtype":
        return parameters(record, call)["dtype"]
    words = (sample.gives or record.gives).split()
    return gives(words[min(place, len(words) - 1)], dtype)


def cases(record: Record, dtype: DType) -> Iterator[tuple[str, Sample]]:
    """Samples of a dtype with what to call them."""
    for i, sample in enumerate(record.samples):
        if is_one(dtype, sample.dtypes or record.dtypes) or not record.dtypes:
            yield f"{record.name}, sample {i}: {shown(sample)} of {dtype}", sample


def shown(sample: Any) -> str:
    """A call as text."""
    parts = [part(value) for value in sample.args]
    return ", ".join([*parts, *(f"{key}={part(value)}" for key, value in sample.options.items())])


def part(value: Any) -> str:
    if isinstance(value, Array):
        return f"{value.dtype}{value.shape}"
    return f"[{', '.join(map(part, value))}]" if isinstance(value, list) else repr(value)


def inputs(call: Given) -> list[Tensor]:
    """The float tensors among the arguments."""
    flat = SimpleNamespace(found=[])

    def visit(value: Any) -> None:
        if isinstance(value, Tensor) and value.dtype.is_float:
            flat.found.append(value)
        if isinstance(value, list):
            for inner in value:
                visit(inner)

    for value in (*call.args, *call.options.values()):
        visit(value)
    return flat.found
