"""The tree of exceptions. Every error says what happened (with the values seen), why (the rule) and the mend.

    BaregradError
    ├── ShapeError            shapes that do not fit
    ├── DTypeError            dtypes that do not fit or are not supported
    ├── AxisError             an axis that the tensor does not have
    ├── IndexingError         an index out of range, or of a kind that is not supported
    ├── DeviceError           devices that differ, are unknown, or failed
    │   └── OutOfMemory       a device that has no room left
    ├── GradientError         a gradient that was asked for and cannot be given
    ├── ConfigError           a switch that is unknown or has a bad value
    ├── BadFile               a file that is corrupt or not what it claims to be
    ├── JitError              a step that cannot be captured or replayed safely
    ├── CompileError          a graph that cannot become a program for a target
    │   └── IRError           a graph that breaks the spec of its level (our own mistake, or a hand-written graph)
    └── EncodingError         an instruction with operands that it does not take, or bytes that mean nothing
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
    """Shapes that do not fit together; cure: reshape, slice or pad one of them."""


class DTypeError(BaregradError, TypeError):
    """A dtype that does not fit the op or is not supported by the device; cure: cast."""


class AxisError(BaregradError, IndexError):
    """An axis that the tensor does not have; cure: use one in [-ndim, ndim)."""


class IndexingError(BaregradError, IndexError):
    """An index out of range or of a kind that is not supported; cure: see the mend line."""


class DeviceError(BaregradError, RuntimeError):
    """A device that is unknown, differs from another operand's, or failed; cure: see the mend line."""


class OutOfMemory(DeviceError, MemoryError):
    """A device without room for an allocation; cure: drop tensors, or use smaller ones."""


class GradientError(BaregradError, RuntimeError):
    """A gradient that was asked for and cannot be given; cure: see the mend line."""


class ConfigError(BaregradError, ValueError):
    """A switch that is unknown or has a bad value; cure: the message lists the good ones."""


class BadFile(BaregradError, ValueError):
    """A file that is corrupt or not what it claims to be; cure: fetch or write it again."""


class JitError(BaregradError, RuntimeError):
    """A step that cannot be captured or replayed safely; cure: see the mend line."""


class CompileError(BaregradError, RuntimeError):
    """A graph that cannot become a program for a target; the message names pass, kernel and rule."""


class IRError(CompileError):
    """A graph that breaks the spec of its level: our own mistake or a hand-written graph."""


class EncodingError(BaregradError, ValueError):
    """An instruction with operands that its form does not take, or bytes that are no instruction."""
