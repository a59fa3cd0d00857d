"""The tables of selection rows: every row finds its forms for all operands that it can meet; templates
and their facts.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from baregrad import dtype as dt
from baregrad.base.errors import CompileError
from baregrad.dtype import DType
from baregrad.ir import ops
from baregrad.isa.form import Imm, Inst, Label, Mem, VReg
from baregrad.isa.x86 import encode, form
from baregrad.render import RENDERERS, host_target, render
from baregrad.render.program import Program
from baregrad.render.targets import AVX2, AVX512, X86_OPS
from baregrad.render.x86.machine import can_remake, invert, machine, nop, shorten
from baregrad.render.x86.rows import CONDITIONS, Row
from baregrad.render.x86.selector import ROWS, alternatives
from baregrad.render.x86.template import Fold, Kinds, compile_template, find_form
from baregrad.target import Target

from .kernels import Lines

WHOLE = Kinds("zmm", ("zmm", "zmm", "zmm"), "zmm", True)
SCALAR = Kinds("xmm", ("xmm", "xmm"), "xmm", False)


def uses(row: Row, wide: bool) -> Iterator[tuple[DType, tuple[DType, ...], int, int]]:
    """Result, sources, lanes and the bits of bool vectors that a row can be asked for."""
    limit = 512 if wide else 256
    for dtype in row.dtypes:
        for source in row.source or (dtype,):
            sources: tuple[DType, ...] = (source,) if row.source else (dtype,) * (row.op.arity or 1)
            if row.op is ops.SELECT:
                sources = (dt.bool_, dtype, dtype)
            result = dt.bool_ if row.op.dtype == "bool" else dtype
            for count in ((0,) if "s" in row.shape else ()) + ((2, 4, 8, 16) if "v" in row.shape else ()):
                sizes = [d.bits for d in (result, *sources) if d is not dt.bool_] or [32 if count > 2 else 64]
                if count == 0:
                    yield result, sources, 0, 0
                elif all(128 <= count * size <= limit for size in sizes) and count <= limit // 32:
                    yield result, sources, count, count * sizes[0]


@pytest.mark.parametrize("wide", [True, False], ids=["avx512", "avx2"])
@pytest.mark.parametrize("op", sorted({row.op.name for row in ROWS}))
def test_every_row_compiles(op: str, wide: bool) -> None:
    for row in ROWS:
        if row.op.name == op and row.wide in (None, wide):
            for result, sources, count, bits in uses(row, wide):
                for _, lines, kinds in alternatives(row.op, result, sources, count, bits, wide):
                    compile_template(lines, kinds, wide)


def test_conditions_are_known() -> None:
    assert {row.when for row in ROWS if row.when} == set(CONDITIONS)


def test_targets_name_the_ops_that_have_rows() -> None:
    assert {row.op.name for row in ROWS} == X86_OPS


TEMPLATES = [  # lines, kinds, what may be memory, sources that the result may replace
    ("vaddps d, a, b", WHOLE, {1: Fold(True, 16)}, {0, 1}),
    ("vaddss d, a, b", SCALAR, {1: Fold(True, 0)}, {0, 1}),
    ("vmovups d, c; vfmadd231ps d, a, b", WHOLE, {1: Fold(True, 16), 2: Fold(True, 0)}, {2}),
    ("vsqrtss d, a, a", SCALAR, {}, {0}),
    ("vpxord d, a, [u32:1]", WHOLE, {}, {0}),
    ("vblendmps d{k}, a, b", SCALAR, {1: Fold(False, 4)}, {0, 1}),
]


@pytest.mark.parametrize("lines, kinds, folds, late", TEMPLATES, ids=[row[0] for row in TEMPLATES])
def test_facts_of_templates(lines: str, kinds: Kinds, folds: dict[int, Fold], late: set[int]) -> None:
    if "{k}" in lines:
        lines = "vcmpss k.k, a, a, #3; " + lines
    plan = compile_template(lines.replace(";", "\n"), kinds, True)
    assert {n: f for n, f in plan.folds.items() if n in folds} == folds
    assert late <= plan.late or "{k}" in lines


def test_templates_without_a_form_are_refused() -> None:
    with pytest.raises(CompileError, match="no form of vaddps takes"):
        compile_template("vaddps d, a, a.32", WHOLE, True)
    with pytest.raises(CompileError, match="without AVX-512"):
        find_form("vaddps", "zmm zmm zmm", False)


# -- the machine's record --------------------------------------------------------------------------

V, MASK = VReg(1, "vec", 512), VReg(3, "mask")
REMADE = [
    ("a constant from the pool", Inst(form("vmovups", "zmm", "m512"), (V, Mem(label=Label("c")))), True),
    ("a number", Inst(form("mov", "r64", "imm32"), (VReg(2, "gpr"), Imm(3))), True),
    ("a load", Inst(form("vmovups", "zmm", "m512"), (V, Mem(VReg(2, "gpr")))), False),
    ("a masked load", Inst(form("vmovups", "zmm", "m512"), (V, Mem(label=Label("c"))), MASK), False),
    ("a store", Inst(form("vmovups", "m512", "zmm"), (Mem(label=Label("c")), V)), False),
    ("a return", Inst(form("ret"), ()), False),
]  # fmt: skip


@pytest.mark.parametrize("name, inst, expected", REMADE, ids=[row[0] for row in REMADE])
def test_what_can_be_made_again(name: str, inst: Inst, expected: bool) -> None:
    assert can_remake(inst) is expected, name


def test_branches_are_turned_around_and_shortened() -> None:
    branch = Inst(form("jl", "rel32"), (Label("a"),))
    opposite = invert(branch)
    assert opposite is not None
    assert opposite.form.name == "jge"
    assert invert(opposite) == branch
    assert invert(Inst(form("ret"), ())) is None
    short = shorten(branch)
    assert short is not None
    assert len(encode(short)) == 2
    assert shorten(Inst(form("ret"), ())) is None


@pytest.mark.parametrize("count", range(25))
def test_nops_have_their_length(count: int) -> None:
    assert len(nop(count)) == count


@pytest.mark.parametrize("target", [AVX512, AVX2], ids=["avx512", "avx2"])
def test_rsp_and_k0_are_never_given_out(target: Target) -> None:
    banks = machine(target).banks
    assert 4 not in banks["gpr"].order
    assert "mask" not in banks or 0 not in banks["mask"].order


# -- targets and programs --------------------------------------------------------------------------


def test_the_best_target_of_some_features() -> None:
    assert host_target(AVX512.features | {"sse2"}) is AVX512
    assert host_target(AVX512.features - {"avx512bw"}) is AVX2


def test_architectures_without_renderer_are_refused() -> None:
    assert "x86-64" in RENDERERS
    with pytest.raises(CompileError, match="no renderer for arm64"):
        render(Lines().linear(), Target("m1", "arm64"))


def test_a_program_without_listing() -> None:
    assert Program("k", b"\xc3", 1, 0).listing == ""
