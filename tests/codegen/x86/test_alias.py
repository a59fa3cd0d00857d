"""What the ordering pass is told of memory: stores never pass loads of another pointer, loads may pass
stores.
"""

from __future__ import annotations

import pytest

from baregrad.isa.form import Inst, Label, Mem, VReg
from baregrad.isa.x86 import form
from baregrad.render.x86.alias import alias

VALUE, X, Y, I, J = (VReg(n, "gpr") for n in range(1, 6))
LOAD, STORE = form("mov", "r64", "m64"), form("mov", "m64", "r64")


def load(where: Mem) -> Inst:
    return Inst(LOAD, (VALUE, where))


def store(where: Mem) -> Inst:
    return Inst(STORE, (where, VALUE))


CASES = [  # name, first, second, whether they may touch
    ("a load may pass a store through another pointer", store(Mem(X)), load(Mem(Y)), False),
    ("a store waits for a load through another pointer", load(Mem(Y)), store(Mem(X)), True),
    ("stores through two pointers keep their order", store(Mem(X)), store(Mem(Y)), True),
    ("the same place", store(Mem(X, I, 4, 0)), load(Mem(X, I, 4, 0)), True),
    ("places that may overlap", store(Mem(X, I, 4, 0)), load(Mem(X, I, 4, 60)), True),
    ("places apart", store(Mem(X, I, 4, 0)), load(Mem(X, I, 4, 64)), False),
    ("another index", store(Mem(X, I, 4, 0)), load(Mem(X, J, 4, 64)), True),
    ("an index that changes", store(Mem(X, VReg(9, "gpr"), 4, 0)), load(Mem(X, VReg(9, "gpr"), 4, 64)), True),
    ("a pointer computed from the same one", store(Mem(X)), load(Mem(VReg(8, "gpr"))), True),
    ("the constant pool", store(Mem(X)), load(Mem(label=Label("pool"))), False),
]


@pytest.mark.parametrize("name, first, second, expected", CASES, ids=[case[0] for case in CASES])
def test_accesses(name: str, first: Inst, second: Inst, expected: bool) -> None:
    assert alias({VReg(9, "gpr")}, {VReg(8, "gpr"): X})(first, second) is expected, name
