"""From graphs to running code: values and memory (value, session), realize, compile, the kernel cache, jit.

`SESSION` is the one Session. Read value.py and realize.py first.
"""

from baregrad.engine.exchange import borrow, lend
from baregrad.engine.guards import Guard, out_of_range
from baregrad.engine.jit import Jit, jit
from baregrad.engine.realize import from_bytes, read, realize
from baregrad.engine.session import SESSION, Session
from baregrad.engine.value import Handle, Value, support_of

__all__ = [
    "SESSION",
    "Guard",
    "Handle",
    "Jit",
    "Session",
    "Value",
    "borrow",
    "from_bytes",
    "jit",
    "lend",
    "out_of_range",
    "read",
    "realize",
    "support_of",
]
