"""The verifier refuses lists that break a rule and names the rule; the text shows lists as they are read."""

from __future__ import annotations

import pytest

from baregrad.base.errors import CompileError
from baregrad.isa.form import Form, Inst, Label, Mem, Operand, Reg, Sub, VReg
from baregrad.render.machine import label, text, verify

from . import toy
from .generate import function

A, B, V, Q = VReg(1, "int"), VReg(2, "int"), VReg(3, "vec", 128), VReg(4, "vec", 128, 4, 4)
ODD = Form("x", (Operand("d", ("r",), "w", "odd"),), None)
SET = toy.make("const", A, 1)
# fmt: off
WRONG = [  # name, list, what the error says
    ("bank",     [toy.make("const", V, 1)],                                     "takes r64"),
    ("kind",     [SET, toy.make("add", A, A, 5)],                               "operand b"),
    ("memory",   [SET, toy.make("add", A, A, Mem(A))],                          "operand b"),
    ("label",    [toy.make("const", A, "L")],                                   "takes imm32"),
    ("count",    [toy.make("vconst", Q, 1)],                                    "1 registers"),
    ("operands", [Inst(toy.FORMS["add"], (A, B))],                              "2 operands"),
    ("part",     [toy.make("qzero", Q, 1), toy.make("vout", Sub(Q, 4))],        "tuple has 4"),
    ("shape",    [SET, toy.make("vout", VReg(1, "vec"))],                       "keeps its bank"),
    ("nowhere",  [toy.make("jump", "L")],                                       "no label 'L'"),
    ("twice",    [label("L"), label("L")],                                      "stands twice"),
    ("unset",    [toy.make("out", A)],                                          "%v1 may be read before"),
    ("one path", [SET, toy.make("brz", A, "L"), toy.make("const", B, 1), label("L"), toy.make("out", B)],
                                                                                "%v2 may be read before"),
    ("part set", [SET, toy.make("vsplat", Sub(Q, 1), A), toy.make("vout", Sub(Q, 2))], "%v4 may be read"),
    ("no bank",  [Inst(ODD, (VReg(9, "odd"),))], "bank 'odd'"),
]
# fmt: on


@pytest.mark.parametrize("name, insts, says", WRONG, ids=[row[0] for row in WRONG])
def test_broken_rules_are_named(name: str, insts: list[Inst], says: str) -> None:
    with pytest.raises(CompileError, match=says):
        verify(insts, toy.target())


@pytest.mark.parametrize("seed", range(20))
def test_random_functions_are_right(seed: int) -> None:
    verify(function(seed), toy.target())


def test_text() -> None:
    insts = [
        label("head"),
        toy.make("ld", A, Mem(A, B, 4, -8)),
        toy.make("vadd", V, V, Reg("vec", 3), mask=VReg(7, "flag"), zeroing=True),
        toy.make("vmov", Sub(Q, 2), V),
        toy.make("ld", A, Mem(label=Label(".pool0"), broadcast=16)),
        toy.make("brnz", A, "head"),
        toy.make("ret"),
    ]
    assert text(insts).splitlines() == [
        "head:",
        "    ld %v1, [%v1 + %v2*4 - 8]",
        "    vadd %v3, %v3, vec3 {%v7}{z}",
        "    vmov %v4[2], %v3",
        "    ld %v1, [.pool0]{1to16}",
        "    brnz %v1, head",
        "    ret",
    ]
