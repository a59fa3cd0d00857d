"""baregrad: a deep-learning stack that owns every layer from Tensor to machine code.

The public face: each name is loaded when it is first asked for, so that `import baregrad` takes milliseconds
and a part (the assembler, the runtime) can be used without the rest.

>>> import baregrad as bg
>>> (bg.Tensor([1.0, 2.0]) * 3).tolist()
[3.0, 6.0]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from baregrad.base import errors, load, override
from baregrad.base.errors import BaregradError

if TYPE_CHECKING:
    from baregrad import dtype as dtypes
    from baregrad import nn
    from baregrad.engine.jit import jit
    from baregrad.ir import Variable
    from baregrad.tensor import Device, Function, Tensor, checkpoint, enable_grad, grad, no_grad

__version__ = "0.1.0"

# name -> its module, and its name there; no name: the module itself
FACE = {
    "Device": ("baregrad.tensor", "Device"),
    "Function": ("baregrad.tensor", "Function"),
    "Tensor": ("baregrad.tensor", "Tensor"),
    "Variable": ("baregrad.ir", "Variable"),
    "checkpoint": ("baregrad.tensor", "checkpoint"),
    "dtypes": ("baregrad.dtype", ""),
    "enable_grad": ("baregrad.tensor", "enable_grad"),
    "grad": ("baregrad.tensor", "grad"),
    "jit": ("baregrad.engine", "jit"),
    "nn": ("baregrad.nn", ""),
    "no_grad": ("baregrad.tensor", "no_grad"),
}

__all__ = [
    "BaregradError",
    "Device",
    "Function",
    "Tensor",
    "Variable",
    "checkpoint",
    "dtypes",
    "enable_grad",
    "errors",
    "grad",
    "jit",
    "nn",
    "no_grad",
    "override",
]


def __getattr__(name: str) -> Any:  # Any: what the name stands for
    if name not in FACE:
        raise AttributeError(f"baregrad has no {name!r}: it has {', '.join(__all__)}")
    module, inner = FACE[name]
    found = load(module)
    value = getattr(found, inner) if inner else found
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *FACE})
