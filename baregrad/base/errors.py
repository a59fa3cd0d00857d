"""The tree of exceptions. Every error says what happened (with the values seen), why (the rule) and the mend.

    BaregradError
    ├── ShapeError            shapes that do not fit
    │   └── ScalarError       a tensor with another number of elements, or of axes, than Python wants here
    ├── DTypeError            dtypes that do not fit or are not supported
    ├── AxisError             an axis that the tensor does not have
    ├── IndexingError         an index out of range, or of a kind that is not supported
    ├── DeviceError           devices that differ, are unknown, or failed
    │   └── OutOfMemory       a device that has no room left
    ├── SystemCallError       a call that the operating system refused
    ├── GradientError         a gradient that was asked for and cannot be given
    ├── ConfigError           a switch that is unknown or has a bad value
    ├── BadFile               a file that is corrupt or not what it claims to be
    ├── JitError              a step that cannot be captured or replayed safely
    ├── CompileError          a graph that cannot become a program for a target
    │   └── IRError           a graph that breaks the spec of its level (our mistake, or a graph by hand)
    ├── EncodingError         an instruction with operands that it does not take, or bytes that mean nothing
    └── Fault                 an emulated program that did what its machine forbids

Each class shows a cause; the mend line of the error that you got says the cure. Most are also the built-in
exception that a reader expects (a ShapeError is a ValueError).
"""

from __future__ import annotations


class BaregradError(Exception):
    """Base of all errors raised on purpose.

    >>> print(BaregradError("cannot add (3, 4) and (3, 5)", why="4 is not 5", mend="slice one of them"))
    cannot add (3, 4) and (3, 5)
      why : 4 is not 5
      mend: slice one of them
    """

    def __init__(self, what: str, *, why: str = "", mend: str = "", where: str = "") -> None:
        self.what, self.why, self.mend, self.where = what, why, mend, where
        super().__init__(what)

    def __str__(self) -> str:
        rows = (("why ", self.why), ("mend", self.mend), ("line", self.where))
        return self.what + "".join(f"\n  {name}: {text}" for name, text in rows if text)


class ShapeError(BaregradError, ValueError):
    """Shapes that do not fit together; cure: reshape, slice or pad one of them.

    >>> raise ShapeError("cannot add (3, 4) and (3, 5)", why="4 is not 5", mend="slice one of them")
    Traceback (most recent call last):
    baregrad.base.errors.ShapeError: cannot add (3, 4) and (3, 5)
      why : 4 is not 5
      mend: slice one of them
    """


class ScalarError(ShapeError, TypeError, RuntimeError):
    """A tensor where Python wants exactly one element, or an axis to go along; cure: see the mend line.

    It is the TypeError or RuntimeError that PyTorch raises here.

    >>> raise ScalarError("len() of a 0-d tensor", why="it has no axis", mend="use numel()")
    Traceback (most recent call last):
    baregrad.base.errors.ScalarError: len() of a 0-d tensor
      why : it has no axis
      mend: use numel()
    """


class DTypeError(BaregradError, TypeError):
    """A dtype that does not fit the op or is not supported by the device; cure: cast.

    >>> from baregrad.dtype import int64, result_dtype, uint64
    >>> result_dtype(int64, uint64)
    Traceback (most recent call last):
    baregrad.base.errors.DTypeError: int64 and uint64 have no common dtype
      why : no dtype is the least that both promote to
      mend: cast one of them
    """


class AxisError(BaregradError, IndexError):
    """An axis that the tensor does not have; cure: use one in [-ndim, ndim).

    >>> raise AxisError("axis 2 of a tensor with 2 axes", mend="use one of -2 … 1")
    Traceback (most recent call last):
    baregrad.base.errors.AxisError: axis 2 of a tensor with 2 axes
      mend: use one of -2 … 1
    """


class IndexingError(BaregradError, IndexError):
    """An index out of range or of a kind that is not supported; cure: see the mend line.

    >>> raise IndexingError("index 5 of an axis with 5", why="indices are -5 … 4", mend="use 4 for the last")
    Traceback (most recent call last):
    baregrad.base.errors.IndexingError: index 5 of an axis with 5
      why : indices are -5 … 4
      mend: use 4 for the last
    """


class DeviceError(BaregradError, RuntimeError):
    """A device that is unknown, differs from another operand's, or failed; cure: see the mend line.

    >>> raise DeviceError("x is on CPU, y on NULL", why="an op runs on one device", mend="y.to('CPU')")
    Traceback (most recent call last):
    baregrad.base.errors.DeviceError: x is on CPU, y on NULL
      why : an op runs on one device
      mend: y.to('CPU')
    """


class OutOfMemory(DeviceError, MemoryError):
    """A device without room for an allocation; cure: drop tensors, or use smaller ones.

    >>> raise OutOfMemory("CPU has no room for 64 GiB", why="12 GiB are free", mend="use a smaller batch")
    Traceback (most recent call last):
    baregrad.base.errors.OutOfMemory: CPU has no room for 64 GiB
      why : 12 GiB are free
      mend: use a smaller batch
    """


class SystemCallError(BaregradError, OSError):
    """A call that the operating system refused; cure: see its errno.

    >>> from baregrad.base.system import check, libc
    >>> check(libc().close(-1), "to close the device's file")
    Traceback (most recent call last):
    baregrad.base.errors.SystemCallError: the system refused: to close the device's file
      why : EBADF, Bad file descriptor
      mend: see errno 9 in the manual of the call
    """


class GradientError(BaregradError, RuntimeError):
    """A gradient that was asked for and cannot be given; cure: see the mend line.

    >>> raise GradientError("backward() of shape (3,)", why="the loss is a scalar", mend="sum it first")
    Traceback (most recent call last):
    baregrad.base.errors.GradientError: backward() of shape (3,)
      why : the loss is a scalar
      mend: sum it first
    """


class ConfigError(BaregradError, ValueError):
    """A switch that is unknown or has a bad value; cure: the message lists the good ones.

    >>> from baregrad.base.config import from_environment
    >>> from_environment({"BG_DEBUG": "high"})
    Traceback (most recent call last):
    baregrad.base.errors.ConfigError: BG_DEBUG='high' is not int
      why : 0 silent, 1 kernels, 2 times, 3 IR per pass, 4 assembly
      mend: give it a number, or leave it out to have 0
    """


class BadFile(BaregradError, ValueError):
    """A file that is corrupt or not what it claims to be; cure: fetch or write it again.

    >>> raise BadFile("w.safetensors ends after 100 bytes", why="its header names 240", mend="fetch it again")
    Traceback (most recent call last):
    baregrad.base.errors.BadFile: w.safetensors ends after 100 bytes
      why : its header names 240
      mend: fetch it again
    """


class JitError(BaregradError, RuntimeError):
    """A step that cannot be captured or replayed safely; cure: see the mend line.

    >>> raise JitError("x had shape (4,), now (5,)", why="a captured step has fixed shapes", mend="jit both")
    Traceback (most recent call last):
    baregrad.base.errors.JitError: x had shape (4,), now (5,)
      why : a captured step has fixed shapes
      mend: jit both
    """


class CompileError(BaregradError, RuntimeError):
    """A graph that cannot become a program for a target; the message names pass, kernel and rule.

    >>> raise CompileError("no x86 form for MULHI of int8 in kernel e_64", why="x86.select has no row for it")
    Traceback (most recent call last):
    baregrad.base.errors.CompileError: no x86 form for MULHI of int8 in kernel e_64
      why : x86.select has no row for it
    """


class IRError(CompileError):
    """A graph that breaks the spec of its level: our own mistake or a hand-written graph.

    >>> raise IRError("after lower.reduce: REDUCE is left in LINEAR", why="LINEAR has no REDUCE")
    Traceback (most recent call last):
    baregrad.base.errors.IRError: after lower.reduce: REDUCE is left in LINEAR
      why : LINEAR has no REDUCE
    """


class EncodingError(BaregradError, ValueError):
    """An instruction with operands that its form does not take, or bytes that are no instruction.

    >>> raise EncodingError("vaddps takes no r64 as b", mend="give it an xmm, ymm, zmm or memory")
    Traceback (most recent call last):
    baregrad.base.errors.EncodingError: vaddps takes no r64 as b
      mend: give it an xmm, ymm, zmm or memory
    """


class Fault(BaregradError, RuntimeError):
    """An emulated program touched memory that is not there, trapped, ran on without end, or used what its
    machine leaves undefined; cure: mend the program.

    >>> raise Fault("a load of 8 bytes at 0x10", why="no memory is there", mend="map it, or mend the address")
    Traceback (most recent call last):
    baregrad.base.errors.Fault: a load of 8 bytes at 0x10
      why : no memory is there
      mend: map it, or mend the address
    """
