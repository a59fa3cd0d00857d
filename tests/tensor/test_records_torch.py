"""The same records against torch: values, dtypes of results and gradients. `make compare` runs it.

A record's `torch` names a function, which is given our arguments with `axis` as `dim`, or is a formula over
our parameters. What `differs` says is not compared. Torch lacks many operations on narrow dtypes: where it
refuses one that we take, nothing is compared; what it takes of float32 or int32 always is.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from baregrad import dtype as dt
from baregrad.tensor import Tensor
from baregrad.tensor.records import Array, Record, Sample
from tests.tensor.from_records import ALL, array_of, cases, compare, given, listed, ours, parameters, tensor

torch = pytest.importorskip("torch", reason="make compare installs it")
pytestmark = pytest.mark.compare

DTYPES = [dt.float32, dt.float64, dt.int32, dt.int64, dt.uint8, dt.bool_, dt.bfloat16, dt.float16]
NAMES = {"torch": torch, "Tensor": torch.Tensor, "F": torch.nn.functional}
REFUSALS = (NotImplementedError, RuntimeError, TypeError, ValueError, IndexError)


def theirs(dtype: dt.DType) -> Any:
    """Torch's dtype of the same name."""
    return getattr(torch, dtype.name)


def put(array, data, dtype):
    """A tensor of torch's."""
    return torch.tensor(data, dtype=theirs(dtype)).reshape(array.shape)


def renamed(value: Any) -> Any:
    """A dtype as torch's."""
    return theirs(value) if isinstance(value, dt.DType) else value


def called(record: Record, call) -> list[Any]:
    """What torch gives."""
    call = call._replace(
        args=tuple(map(renamed, call.args)), options={k: renamed(v) for k, v in call.options.items()}
    )
    if "(" in record.torch or record.torch.startswith("x."):
        found = eval(record.torch, NAMES | parameters(record, call))
    else:
        options = {"dim" if key == "axis" else key: v for key, v in call.options.items()}
        found = eval(record.torch, NAMES)(*call.args, **options)
    return [part if isinstance(part, torch.Tensor) else torch.tensor(part) for part in listed(found)]


def data_of(t: Any) -> np.ndarray:
    """Elements in numpy."""
    t = t.detach()
    return np.asarray((t.double() if t.is_floating_point() else t).tolist()).reshape(tuple(t.shape))


def flat(call: Any) -> list[Any]:
    """Arguments one by one."""
    given = (*call.args, *call.options.values())
    return [part for value in given for part in (value if isinstance(value, list) else [value])]


def float_leaves(sample: Sample, call: Any) -> list[Any]:
    """The float tensors among the arguments, without those that are given numbers."""
    pairs = zip(flat(sample), flat(call), strict=True)
    free = [x for made, x in pairs if isinstance(made, Array) and not made.data and not made.whole]
    return [x for x in free if (x.dtype.is_float if isinstance(x, Tensor) else x.is_floating_point())]


COMPARED = [r for r in ALL if r.torch and not r.differs and not r.random]
by_name = {"ids": lambda record: record.name}


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def check_values(record: Record, what: str, sample: Sample, dtype: dt.DType) -> bool:
    """Whether torch could be asked; that it says the same."""
    try:
        wanted = called(record, given(record, sample, dtype, put))
    except REFUSALS:
        return False
    found = ours(record, given(record, sample, dtype, tensor("reference")))
    assert len(found) == len(wanted), what
    for one, other in zip(found, wanted, strict=True):
        assert str(other.dtype) == f"torch.{one.dtype.name}", f"{what}: {one.dtype} and {other.dtype}"
        data = data_of(other)
        compare(array_of(one), data.reshape(tuple(other.shape)), one.dtype, 2 * record.tolerance, what)
    return True


@pytest.mark.parametrize("record", COMPARED, **by_name)
def test_values_as_torch(record):
    asked = set()
    for dtype in DTYPES:
        for what, sample in cases(record, dtype):
            if not sample.differs and check_values(record, what, sample, dtype):
                asked.add(dtype)
    assert asked & {dt.float32, dt.int32} or not record.dtypes, "torch refused all samples"


def their_slopes(record: Record, sample: Sample) -> list[np.ndarray] | None:
    """The gradient of each input by torch; None if it refuses."""
    call = given(record, sample, dt.float64, put)
    leaves = [x.requires_grad_() for x in float_leaves(sample, call)]
    try:
        results = [r for r in called(record, call) if r.is_floating_point()]
        torch.autograd.backward(results, [torch.tensor(weights(r.shape)) for r in results])
    except REFUSALS:  # its own faults among them: a gradient of the wrong shape
        return None
    return [np.zeros(x.shape) if x.grad is None else x.grad.numpy() for x in leaves]


def our_slopes(record: Record, sample: Sample) -> list[np.ndarray]:
    """The gradient of each input by us."""
    call = given(record, sample, dt.float64, tensor("reference"))
    leaves = [x.requires_grad_() for x in float_leaves(sample, call)]
    for part in ours(record, call):
        if part.dtype.is_float and part.requires_grad:
            part.backward(Tensor(weights(part.shape), device="reference"), retain_graph=True)
    return [np.zeros(x.shape) if x.grad is None else array_of(x.grad) for x in leaves]


def weights(shape: Any) -> np.ndarray:
    """What the elements of a result are multiplied by, before they are summed."""
    return np.cos(np.arange(1.0, np.prod(shape) + 1)).reshape(tuple(shape))


@pytest.mark.parametrize("record", [r for r in COMPARED if not r.gradient], **by_name)
def test_gradients_as_torch(record):
    compared = 0
    for what, sample in cases(record, dt.float64):
        if not sample.smooth or sample.differs:
            continue
        wanted = their_slopes(record, sample)
        if wanted is None:
            continue
        compared += 1
        for grad, other in zip(our_slopes(record, sample), wanted, strict=True):
            np.testing.assert_allclose(grad, other, rtol=1e-7, atol=1e-9, err_msg=what)
    assert compared, "torch refused all samples"
