"""Tensors in numpy and back, shared memory and its lifetime, copies, pickles, Python's syntax.

torch itself is not needed: `Foreign` is a library that speaks DLPack; numpy is another one. With torch
installed the same memory goes there and back in the slow tests.
"""

from __future__ import annotations

import copy
import ctypes
import gc
import importlib.util
import pickle
import subprocess
import sys
from weakref import ref

import numpy as np
import pytest

import baregrad as bg
from baregrad import Tensor, nn
from baregrad import dtypes as dt
from baregrad.base.errors import BadFile, DeviceError, DTypeError, GradientError, JitError, ScalarError
from baregrad.runtime import dlpack
from baregrad.tensor import numbers

NUMPY_HAS = sorted(numbers.IN_NUMPY)
HAS_TORCH = importlib.util.find_spec("torch") is not None


class Foreign:
    """Strided elements of another library, in memory of its own; counts how often they were given back."""

    def __init__(self, array, *, kind=None, offset=0, versioned=True, device=dlpack.CPU, lanes=1):
        self.array, self.versioned, self.device, self.freed = array, versioned, device, []
        address = array.__array_interface__["data"][0] + offset
        kind = kind or numbers.kind_of(dt.BY_NAME[str(array.dtype)])
        strides = tuple(step // array.itemsize for step in array.strides)
        self.elements = dlpack.Elements(address, array.shape, strides, kind)
        self.lanes = lanes

    def __dlpack_device__(self):
        return (self.device, 0)

    def __dlpack__(self, *, max_version=None):
        if max_version is None and self.versioned:
            raise BufferError("versions only")
        if max_version is not None and not self.versioned:
            raise TypeError("unexpected max_version")
        return dlpack.give(self.elements, Keep(self.freed, self.array), versioned=self.versioned)


class Keep:
    """Notes when it goes."""

    def __init__(self, notes, held):
        self.notes, self.held = notes, held

    def __del__(self):
        self.notes.append("freed")


# -- numpy -----------------------------------------------------------------------------------------------


QUICK = ("bool", "float16", "int64", "uint8")


@pytest.mark.parametrize(
    "name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in NUMPY_HAS]
)
def test_every_dtype_of_numpy_goes_there_and_back_in_one_memory(device, name):
    dtype = dt.BY_NAME[name]
    x = Tensor([[0, 1], [1, 0], [1, 1]], dtype=dtype)
    seen = np.asarray(x)
    assert str(seen.dtype) == name
    assert seen.tolist() == x.tolist()
    assert seen.__array_interface__["data"] == np.from_dlpack(x).__array_interface__["data"][:1] + (False,)
    back = Tensor.from_dlpack(seen)
    assert (back.dtype, back.shape, back.tolist()) == (dtype, x.shape, x.tolist())
    assert Tensor(seen).dtype is dtype
    assert Tensor(seen).tolist() == x.tolist()


def test_what_is_written_on_one_side_is_seen_on_the_other(device):
    x = Tensor([1.0, 2.0])
    seen = np.asarray(x)
    seen[0] = 5.0
    assert x.tolist() == [5.0, 2.0]
    assert (x * 2).tolist() == [10.0, 4.0]
    array = np.array([1.0, 2.0], np.float32)
    y = Tensor.from_dlpack(array)
    array[1] = 7.0
    assert (y + 1).tolist() == ([2.0, 8.0] if device == "cpu" else [2.0, 3.0]), "the reference device copies"
    Tensor(array).assign([0.0, 0.0]).realize()
    assert array.tolist() == [1.0, 7.0], "Tensor() copies"


def test_no_assignment_writes_into_shared_memory(device):
    x = Tensor([1.0, 2.0]).realize()
    seen = np.asarray(x)
    for _ in range(3):
        x.assign(x + 1).realize()
    assert (seen.tolist(), x.tolist()) == ([1.0, 2.0], [4.0, 5.0])
    array = np.array([1.0, 2.0], np.float32)
    y = Tensor.from_dlpack(array)
    for _ in range(3):
        y.assign(y * 2).realize()
    assert (array.tolist(), y.tolist()) == ([1.0, 2.0], [8.0, 16.0])


def test_no_replay_writes_into_shared_memory(device):
    weight, array = Tensor([1.0]), np.array([10.0], np.float32)
    other = Tensor.from_dlpack(array)

    @bg.jit
    def step(x):
        weight.assign(weight + x)
        other.assign(other + x)
        return weight + other

    seen = []
    for number in range(5):
        assert step(Tensor([1.0])).item() == 13.0 + 2 * number
        seen.append(np.asarray(weight))
    assert [s.item() for s in seen] == [2.0, 3.0, 4.0, 5.0, 6.0]
    assert array.item() == 10.0


def test_memory_lives_as_long_as_either_side(device):
    x = Tensor([1.0, 2.0, 3.0])
    seen, handle = np.asarray(x), ref(x.realize().value.own)
    del x
    gc.collect(0)
    others = [Tensor([9.0] * 3) for _ in range(8)]
    assert seen.tolist() == [1.0, 2.0, 3.0]
    assert len(others) == 8
    assert handle() is not None
    del seen
    gc.collect(0)
    assert handle() is None


def test_strided_arrays_are_read_where_they_lie(device):
    array = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    views = [array.T, array[:, ::2], array[::-1, :, ::-2], array[1, 1:, 1:3], array[:, :, None, 2], array[:0]]
    for view in views:
        x = Tensor.from_dlpack(view)
        assert (x.shape, x.tolist()) == (view.shape, view.tolist())
        assert Tensor(view).tolist() == view.tolist()
    x = Tensor.from_dlpack(array.T)
    array[:] += 100
    assert x.tolist() == (array.T if device == "cpu" else array.T - 100).tolist()
    wide = np.broadcast_to(np.float32(3), (2, 2))
    assert Tensor.from_dlpack(wide).tolist() == [[3.0, 3.0], [3.0, 3.0]]


def test_views_of_tensors_are_computed_before_they_are_shared(device):
    x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    assert np.asarray(x.T).tolist() == [[1.0, 3.0], [2.0, 4.0]]
    assert np.from_dlpack(x[:, 1]).tolist() == [2.0, 4.0]
    assert np.asarray(x.reshape(4)).tolist() == [1.0, 2.0, 3.0, 4.0]
    assert np.asarray(Tensor.zeros(0, 3)).shape == (0, 3)
    assert np.from_dlpack(Tensor(2.0)).item() == 2.0


def test_the_arguments_of_array(device):
    x = Tensor([1.0, 2.0])
    assert np.asarray(x, dtype=np.int64).dtype == np.int64
    made = np.array(x, copy=True)
    made[0] = 9.0
    assert x.tolist() == [1.0, 2.0]
    assert x.__array__(copy=False)[0] == 1.0
    with pytest.raises(ValueError, match="without a copy"):
        x.__array__(np.float64, copy=False)
    with pytest.raises(DTypeError, match="bfloat16"):
        np.asarray(x.cast(dt.bfloat16))
    assert np.add(np.ones(2), x).tolist() == [2.0, 3.0]


def test_the_arguments_of_dlpack(device):
    x = Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(BufferError, match="detach"):
        x.__dlpack__()
    with pytest.raises(BufferError, match="CPU"):
        x.detach().__dlpack__(dl_device=(2, 0))
    kept = Tensor.from_dlpack(x.detach())
    assert kept.tolist() == [1.0, 2.0]
    capsule = x.detach().__dlpack__(copy=True)
    assert dlpack.take(capsule).elements.shape == (2,)
    with pytest.raises(DeviceError, match="taken once"):
        dlpack.take(capsule)
    step = bg.jit(lambda y: y + Tensor(np.asarray(y)))
    step(kept)
    with pytest.raises(JitError, match="read back"):
        step(kept)


# -- another library -------------------------------------------------------------------------------------


@pytest.mark.parametrize("versioned", [True, False])
def test_the_deleter_is_called_once_and_last(device, versioned):
    owner = Foreign(np.arange(6, dtype=np.int32).reshape(2, 3), versioned=versioned)
    x = Tensor.from_dlpack(owner)
    y = x + 1
    del x
    gc.collect(0)
    assert y.tolist() == [[1, 2, 3], [4, 5, 6]]
    gc.collect(0)
    assert owner.freed == ["freed"]
    assert Tensor(owner).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert owner.freed == ["freed"] * 2
    owner.__dlpack__(max_version=(1, 0) if versioned else None)  # a capsule that nobody takes
    gc.collect(0)
    assert owner.freed == ["freed"] * 3


def test_memory_at_odd_addresses_is_copied(device):
    raw = np.zeros(9, np.uint8)
    owner = Foreign(raw[:8].view(np.float32), offset=1)
    assert Tensor.from_dlpack(owner).tolist() == [0.0, 0.0]
    gc.collect(0)
    assert owner.freed == ["freed"]


def test_one_memory_imported_twice(device):
    array = np.array([1.0, 2.0], np.float32)
    x, y = Tensor.from_dlpack(array), Tensor.from_dlpack(array)
    del x
    gc.collect(0)
    assert (y + y).tolist() == [2.0, 4.0]
    own = Tensor([3.0])
    assert (Tensor.from_dlpack(np.asarray(own)) + own).item() == 6.0
    gc.collect(0)
    assert own.item() == 3.0


def test_bytes_that_numpy_has_no_dtype_for(device):
    bits = np.array([0x3F80, 0xC000], np.uint16)  # 1 and -2
    owner = Foreign(bits, kind=numbers.kind_of(dt.bfloat16))
    x = Tensor.from_dlpack(owner)
    assert (x.dtype, x.tolist()) == (dt.bfloat16, [1.0, -2.0])
    capsule = x.__dlpack__(max_version=(1, 0))
    assert dlpack.take(capsule).elements.kind == (4, 16)


def test_what_is_refused(device):
    array = np.zeros(2, np.float32)
    with pytest.raises(DTypeError, match="code 5"):
        Tensor.from_dlpack(Foreign(array, kind=(5, 64)))
    with pytest.raises(DeviceError, match="memory on"):
        Tensor.from_dlpack(Foreign(array, device=2))
    with pytest.raises(DTypeError, match="__dlpack__"):
        Tensor.from_dlpack([1.0])
    with pytest.raises(DTypeError, match="complex64"):
        Tensor(np.zeros(2, np.complex64))
    with pytest.raises(DTypeError, match=">f4"):
        Tensor(np.zeros(2, ">f4"))
    with pytest.raises(DeviceError, match="dltensor"):
        dlpack.take("no capsule")


def test_layouts_are_those_of_c():
    """Offsets of ctypes' own alignment rules for the fields of dlpack.h."""
    c = ctypes
    tensor = [("data", c.c_void_p), ("device_type", c.c_int32), ("device_id", c.c_int32), ("ndim", c.c_int32)]
    tensor += [("code", c.c_uint8), ("bits", c.c_uint8), ("lanes", c.c_uint16)]
    tensor += [("shape", c.c_void_p), ("strides", c.c_void_p), ("byte_offset", c.c_uint64)]
    tensor_type = type("T", (c.Structure,), {"_fields_": tensor})
    assert c.sizeof(tensor_type) == dlpack.TENSOR.size
    assert all(getattr(tensor_type, name).offset == dlpack.TENSOR.offset(name) for name, _ in tensor)
    old = [("dl_tensor", tensor_type), ("manager", c.c_void_p), ("deleter", c.c_void_p)]
    new = [("major", c.c_uint32), ("minor", c.c_uint32), *old[1:], ("flags", c.c_uint64), old[0]]
    for fields, layout, at in (
        (old, dlpack.MANAGED, dlpack.TENSOR_AT),
        (new, dlpack.MANAGED_1, dlpack.TENSOR_AT_1),
    ):
        managed = type("M", (c.Structure,), {"_fields_": fields})
        assert c.sizeof(managed) == layout.size
        assert managed.dl_tensor.offset == at
        assert all(getattr(managed, name).offset == layout.offset(name) for name in layout.names)


ENDS = """
import numpy as np
from baregrad import Tensor
held = np.asarray(Tensor([1.0])), np.from_dlpack(Tensor([2.0])), Tensor.from_dlpack(np.ones(3, np.float32))
capsule = Tensor([1.0]).__dlpack__()
"""


@pytest.mark.slow
def test_shared_memory_at_the_end_of_the_process():
    done = subprocess.run([sys.executable, "-c", ENDS], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.skipif(not HAS_TORCH, reason="torch is not installed")
@pytest.mark.parametrize("dtype", [row[0] for row in numbers.CODES], ids=str)
def test_torch_and_back_in_one_memory(dtype):
    import torch  # noqa: PLC0415 - where it is installed

    x = Tensor([[0, 1, 1], [1, 0, 1]], dtype=dtype).realize()
    there = x.torch()
    assert there.tolist() == x.tolist()
    back = Tensor.from_dlpack(there.T)
    assert (back.dtype, back.shape, back.tolist()) == (dtype, (3, 2), there.T.tolist())
    assert Tensor(torch.nn.Parameter(torch.ones(2))).tolist() == [1.0, 1.0]


# -- numpy's numbers -------------------------------------------------------------------------------------

# fmt: off
NUMBERS = [  # name, with numpy's number n, the same with Python's
    ("add",       lambda x, n: x + n),
    ("radd",      lambda x, n: n + x),
    ("rsub",      lambda x, n: n - x),
    ("rmul",      lambda x, n: n * x),
    ("rdiv",      lambda x, n: n / x),
    ("pow",       lambda x, n: x ** n),
    ("rpow",      lambda x, n: n ** x),
    ("floordiv",  lambda x, n: x // n),
    ("mod",       lambda x, n: x % n),
    ("less",      lambda x, n: x < n),
    ("rless",     lambda x, n: n < x),
    ("equal",     lambda x, n: n == x),
    ("where",     lambda x, n: x.where(x > 1, n)),
    ("fill",      lambda x, n: x.masked_fill(x > 1, n)),
    ("clamp",     lambda x, n: x.clamp(n, n)),
    ("alpha",     lambda x, n: x.add(n, alpha=n)),
    ("full",      lambda x, n: Tensor.full((2,), n)),
    ("full_like", lambda x, n: x.full_like(n)),
    ("tensor",    lambda x, n: Tensor([1.0, n])),
    ("in",        lambda x, n: Tensor(n in x)),
    ("pad",       lambda x, n: x.pad(((1, 1),), n)),
    ("assign",    lambda x, n: (x + 0).realize()[0].contiguous().assign(n)),
]
# fmt: on


@pytest.mark.parametrize(
    "make",
    [np.float32, *(pytest.param(make, marks=pytest.mark.slow) for make in (np.float64, np.array))],
    ids=lambda make: make.__name__,
)
def test_numpys_numbers_are_as_pythons(make):
    x = Tensor([1.0, 2.0, 4.0])
    for name, build in NUMBERS:
        expected, found = build(x, 2.0), build(x, make(2.0))
        assert isinstance(found, Tensor), name
        assert (found.dtype, found.tolist()) == (expected.dtype, expected.tolist()), name
    whole = Tensor([4, 5])
    assert ((whole + np.int8(1)).dtype, (np.int64(9) - whole.sum()).item()) == (dt.int64, 0)


def test_numpys_integers_are_sizes_axes_and_bounds():
    three, one = np.int64(3), np.int32(1)
    assert Tensor.zeros(three, one).shape == (3, 1)
    x = Tensor.arange(three).reshape(one, three)
    assert x.sum(axis=one).tolist() == [3]
    assert Tensor.arange(np.float32(1.5)).tolist() == [0.0, 1.0]
    assert x.expand(three, three).shape == (3, 3)
    assert (x[one - 1, np.int64(2)].item(), x[0, one:].tolist(), x.roll(one, 1).tolist()) == (
        2, [1, 2], [[2, 0, 1]],
    )  # fmt: skip
    assert Tensor([1]).one_hot(three).tolist() == [[0, 1, 0]]
    assert Tensor.randint(np.int64(0), three, (three,)).shape == (3,)


# -- Python's syntax -------------------------------------------------------------------------------------

# fmt: off
REFUSED = [  # what torch refuses, with the kind of error
    ("len",      lambda: len(Tensor(1.0)),           TypeError),
    ("iter",     lambda: list(Tensor(1.0)),          TypeError),
    ("bool",     lambda: bool(Tensor([1, 2])),       RuntimeError),
    ("no bool",  lambda: bool(Tensor.zeros(0)),      RuntimeError),
    ("item",     lambda: Tensor([1, 2]).item(),      RuntimeError),
    ("float",    lambda: float(Tensor([1, 2])),      RuntimeError),
    ("index",    lambda: [1, 2][Tensor(1.0)],        TypeError),
    ("format",   lambda: f"{Tensor([1.0, 2.0]):.2f}", TypeError),
    ("in",       lambda: "a" in Tensor([1.0]),       TypeError),
]
# fmt: on


@pytest.mark.parametrize("name, act, kind", REFUSED, ids=[row[0] for row in REFUSED])
def test_what_python_asks_for_is_refused_as_in_torch(name, act, kind):
    with pytest.raises(kind):
        act()
    assert issubclass(ScalarError, (TypeError, RuntimeError))


def test_what_python_asks_for():
    x = Tensor([[1, 2], [3, 4]])
    assert (len(x), [row.tolist() for row in x]) == (2, [[1, 2], [3, 4]])
    assert (3 in x, 7 in x, Tensor(4) in x) == (True, False, True)
    assert (f"{Tensor(2.5):.2f}", f"{Tensor(7):>3}", f"{x}") == ("2.50", "  7", repr(x))
    assert (["a", "b"][Tensor(1)], bool(Tensor([0])), int(Tensor(2.9)), float(Tensor(2))) == ("b", 0, 2, 2.0)
    assert Tensor(x).tolist() == x.tolist()
    assert Tensor(x, dtype=dt.float32).dtype is dt.float32


# -- copies and pickles ----------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_are_apart(device, how):
    for dtype in dt.ALL:
        if dtype is not dt.void:
            x = Tensor([[0, 1], [1, 1]], dtype=dtype)
            y = how(x)
            x.assign(Tensor([[1, 1], [1, 1]], dtype=dtype))
            assert (y.dtype, y.device, y.tolist()) == (dtype, x.device, [[0, 1], [1, 1]])
    weight = Tensor([1.0, 2.0], requires_grad=True)
    other = how(weight)
    (other * other).sum().backward()
    assert (other.is_leaf, other.requires_grad, weight.grad) == (True, True, None)
    assert other.grad.tolist() == [2.0, 4.0]


def test_a_deep_copy_has_the_gradient_and_no_tape(device):
    weight = Tensor([1.0, 2.0], requires_grad=True)
    y = weight * 2
    y.sum().backward()
    other = copy.deepcopy(weight)
    assert other.grad.tolist() == [2.0, 2.0]
    assert other.grad is not weight.grad
    with pytest.raises(GradientError, match="detach"):
        copy.deepcopy(weight * 2)


@pytest.fixture
def on_reference():
    """The device whose kernels cost nothing to make: what is copied is the same on all."""
    with bg.override(device="reference"):
        yield


class Tied(nn.Module):
    """Two layers with one weight, and a step of its own."""

    def __init__(self):
        self.first = nn.Linear(2, 2)
        self.second = nn.Linear(2, 2)
        self.second.weight = self.first.weight
        self.dtype = dt.float32

    @bg.jit
    def step(self, x):
        return self.second(self.first(x)).cast(self.dtype)


@pytest.mark.parametrize("how", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copied_network_stands_alone_and_ties_stay(on_reference, how):
    one, x = Tied(), Tensor([[1.0, 2.0]])
    expected = [one.step(x).tolist() for _ in range(3)][-1]
    two = how(one)
    assert two.second.weight is two.first.weight
    assert two.first.weight is not one.first.weight
    assert two.dtype is dt.float32
    one.first.weight.assign([[0.0, 0.0], [0.0, 0.0]])
    for _ in range(3):
        assert two.step(x).tolist() == expected
        assert one.step(x).tolist() != expected
    assert [t.requires_grad for t in two.parameters()] == [True] * 3


def test_a_shallow_copy_of_a_network_has_a_step_of_its_own(on_reference):
    one, x = Tied(), Tensor([[1.0, 2.0]])
    for _ in range(3):
        one.step(x)
    two = copy.copy(one)
    two.second = nn.Linear(2, 2)
    for _ in range(3):
        assert two.step(x).tolist() == two.second(two.first(x)).tolist()


def test_damaged_pickles_are_bad_files():
    make, (cls, data) = Tensor([1.0, 2.0]).__reduce__()
    assert make(cls, data).tolist() == [1.0, 2.0]
    for broken in (b"", data[:-1], data[:20], data.replace(b"float32", b"float99"), data + b"x"):
        with pytest.raises(BadFile):
            make(cls, broken)
