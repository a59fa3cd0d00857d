"""What must follow by itself from the rows of rows.py: run inside of the changed copy, one function a fact.

Printed is one JSON object: for each fact an empty text, or what went wrong.
"""

from __future__ import annotations

import json
import math
import runpy
import traceback
from contextlib import redirect_stdout
from io import StringIO

import iced_x86
import pytest

import baregrad as bg
from baregrad import dtype as dt
from baregrad.base import config, override
from baregrad.base.config import cache_key_fields, knobs
from baregrad.base.errors import BaregradError, CompileError, ConfigError, EncodingError, IRError
from baregrad.cli import main
from baregrad.ir import (
    KERNEL,
    TENSOR,
    Buffer,
    UOp,
    const,
    evaluate,
    index,
    ops,
    parse,
    run_kernel,
    run_linear,
    simplify,
    text,
    verify,
)
from baregrad.ir.rules import tables
from baregrad.isa import Inst, Mem, Reg, VReg, x86
from baregrad.kernel import optimize
from baregrad.kernel import parse as parse_opts
from baregrad.kernel import rows as opts
from baregrad.lower import lower
from baregrad.render import AVX2, AVX512, TARGETS, host_target, render
from baregrad.render.machine import allocate, check
from baregrad.render.machine import verify as verify_machine
from baregrad.render.x86.machine import machine
from baregrad.runtime import DEVICES, open_device
from baregrad.schedule import schedule
from baregrad.viz import figures

F = dt.float32
X = [0.5, -2.0, 3.25, 0.0]


def refused(kind: type[BaregradError], function: object, *parts: str) -> None:
    """The call fails with this error, whose text has these parts."""
    with pytest.raises(kind) as caught:
        function()
    missing = [part for part in parts if part not in str(caught.value)]
    assert not missing, f"{caught.value} does not say {missing}"


def buffer(number: int = 0, dtype: dt.DType = F, size: int = 4) -> UOp:
    return UOp(ops.BUFFER, dtype, (), Buffer(number, (size,)))


def kernel_of(root: UOp) -> UOp:
    """The one kernel of a graph."""
    numbers = iter(range(100, 200))
    made = schedule([root], lambda shape, dtype: UOp(ops.BUFFER, dtype, (), Buffer(next(numbers), shape)))
    assert len(made.items) == 1
    return made.items[0].ast


def page(name: str) -> str:
    """A page as tools/gen_docs.py would write it."""
    text_of_page: str = runpy.run_path("tools/gen_docs.py")["PAGES"][name]()
    return text_of_page


# -- an op ---------------------------------------------------------------------------------------------------


def softsign(x: UOp) -> UOp:
    return x.alu(ops.BY_NAME["softsign"])


def op_is_listed_and_has_text() -> None:
    node = softsign(buffer())
    assert "= softsign float32 %0" in text(node)
    assert parse(text(node))[-1] is node


def op_has_a_spec() -> None:
    verify(softsign(buffer()), TENSOR)
    wrong = UOp(ops.BY_NAME["softsign"], dt.int32, (buffer(dtype=dt.int32),))
    refused(IRError, lambda: verify(wrong, TENSOR), "float")
    two = UOp(ops.BY_NAME["softsign"], F, (buffer(), buffer(1)))
    refused(IRError, lambda: verify(two, TENSOR), "takes 1 source")


def op_is_interpreted_on_every_level() -> None:
    want = [dt.round_to(F, x / (1 + abs(x))) for x in X]
    root = softsign(buffer())
    assert evaluate([root], {0: X}) == [want]
    ast = kernel_of(root)
    verify(ast, KERNEL)
    out, again = [0.0] * 4, [0.0] * 4
    run_kernel(ast, [out, list(X)])
    run_linear(lower(optimize(ast, AVX512), AVX512).uops, [again, list(X)])
    assert out == want
    assert all(math.isclose(a, b, rel_tol=3e-7) for a, b in zip(again, want, strict=True)), again


def op_is_folded() -> None:
    fired: dict[str, int] = {}
    assert simplify(softsign(const(3.0, F)), fired=fired).arg == 0.75
    assert fired == {"identities.fold_softsign": 1}


def op_has_its_gradient() -> None:
    for device in ("reference", "cpu"):
        x = bg.Tensor(X, requires_grad=True, device=device)
        y = x.apply(softsign)
        y.sum().backward()
        assert all(
            math.isclose(a, b / (1 + abs(b)), rel_tol=1e-6) for a, b in zip(y.tolist(), X, strict=True)
        )
        want = [1 / (1 + abs(b)) ** 2 for b in X]
        assert all(math.isclose(a, b, rel_tol=1e-6) for a, b in zip(x.grad.tolist(), want, strict=True))


def op_that_no_target_has_says_where_its_row_goes() -> None:
    lonely = buffer().alu(ops.BY_NAME["lonely"])
    refused(CompileError, lambda: lower(kernel_of(lonely), AVX2), "lonely", "ir/decompose/table.py")


def op_is_counted_and_has_a_page() -> None:
    assert figures(kernel_of(softsign(buffer()))).flops >= 4
    assert "| `softsign` | 1 | TKL | float | yes |" in page("ops.md")


# -- a dtype -------------------------------------------------------------------------------------------------


def dtype_is_listed_and_has_text() -> None:
    row = dt.BY_NAME["float8e3m4"]
    assert row in dt.ALL
    node = const(1.5, row) + 2.0
    assert parse(text(node))[-1] is node


def dtype_converts_and_is_stored() -> None:
    row = dt.BY_NAME["float8e3m4"]
    values = [dt.from_bits(row, bits) for bits in range(256)]
    assert [dt.to_bits(row, value) for value in values if value == value] == [
        bits for bits in range(256) if values[bits] == values[bits]
    ]
    assert dt.unpack(row, dt.pack(row, [1.5, -0.25])) == [1.5, -0.25]
    assert dt.convert(1.49, F, row) == 1.5
    assert dt.convert(1e9, F, row) == math.inf


def dtype_promotes() -> None:
    row = dt.BY_NAME["float8e3m4"]
    assert dt.result_dtype(row, F) is F
    assert dt.result_dtype(row, float) is row


def dtype_is_interpreted() -> None:
    row = dt.BY_NAME["float8e3m4"]
    x = buffer(0, row)
    assert evaluate([x + x], {0: [1.5, 0.25, -4.0, 15.5]})[0] == [3.0, 0.5, -8.0, math.inf]
    t = bg.Tensor([1.5, 2.25], device="reference", dtype=row)
    assert (t * 2).cast(F).tolist() == [3.0, 4.5]


def dtype_has_its_row_on_the_page() -> None:
    assert "| `float8e3m4` | 1 | 3 + 4 |" in page("dtypes.md")


# -- an instruction ------------------------------------------------------------------------------------------


def instruction_is_listed_and_found() -> None:
    assert {"vphminposuw", "xlatb"} <= set(x86.FORMS)
    assert x86.form("vphminposuw").needs == {"avx"}
    assert "| vphminposuw | 1 | VEX | avx | 4 |" in page("instructions.md")


def instruction_goes_to_bytes_and_back() -> None:
    memory = x86.inst("vphminposuw", "xmm9", x86.mem("rax", disp=16))
    for made in (memory, x86.inst("vphminposuw", "xmm1", "xmm2"), x86.inst("xlatb")):
        code = x86.encode(made)
        assert x86.decode(code) == (made, len(code))
        seen = iced_x86.Decoder(64, code).decode()
        assert seen.len == len(code)
        assert f"{seen:in}".split()[0] == made.form.name
    assert x86.text(memory) == "vphminposuw xmm9, xmmword ptr [rax+0x10]"


def instruction_refuses_what_its_row_does_not_take() -> None:
    refused(EncodingError, lambda: x86.inst("vphminposuw", "ymm1", "ymm2"), "vphminposuw")
    high = Inst(x86.form("vphminposuw"), (Reg("vec", 17), Reg("vec", 1)))
    refused(EncodingError, lambda: x86.encode(high), "vphminposuw")


def instruction_constrains_the_allocator() -> None:
    """Xlatb reads rbx and changes al: virtual registers come there and back, and the checker agrees."""
    mov, load = x86.form("mov", "r64", "r64"), x86.form("mov", "r64", "m64")
    store = x86.form("mov", "m64", "r64")
    base, place, byte, low = (VReg(n, "gpr") for n in range(1, 5))
    wide, small = VReg(5, "vec", 128), VReg(6, "vec", 128)
    listed = [
        Inst(mov, (base, Reg("gpr", 7))),
        Inst(load, (place, Mem(base))),
        Inst(load, (byte, Mem(base, disp=8))),
        Inst(x86.form("xlatb"), (byte, place)),
        Inst(x86.form("vmovups", "xmm", "m128", evex=True), (wide, Mem(base, disp=16))),
        Inst(x86.form("vphminposuw"), (small, wide)),
        Inst(mov, (low, byte)),
        Inst(store, (Mem(base), low)),
        Inst(store, (Mem(base, disp=8), place)),
        Inst(x86.form("vmovups", "m128", "xmm", evex=True), (Mem(base, disp=16), small)),
    ]
    record = machine(AVX512)
    verify_machine(listed, record)
    done = allocate(listed, record)
    check(listed, done, record)
    used = next(inst for inst in done.insts if inst.form.name == "xlatb")
    assert used.operands == (Reg("gpr", 0), Reg("gpr", 3))
    low_half = next(inst for inst in done.insts if inst.form.name == "vphminposuw")
    assert all(operand.number < 16 for operand in low_half.operands)


# -- a rewrite rule ------------------------------------------------------------------------------------------


def rule_is_matched_by_name_in_any_order() -> None:
    x, y = (UOp(ops.INDEX, dt.int32, (UOp(ops.PARAM, dt.int32, (), (n, 4)), index(0))) for n in range(2))
    x, y = (UOp(ops.LOAD, dt.int32, (address,)) for address in (x, y))
    for node in ((x ^ y) | y, (y ^ x) | y, y | (x ^ y), y | (y ^ x)):
        fired: dict[str, int] = {}
        assert simplify(node, fired=fired) in (x | y, y | x)
        assert fired["identities.or_of_xor"] == 1


def rule_is_listed_and_has_a_page() -> None:
    assert any(row.name == "identities.or_of_xor" for table in tables() for row in table.rows)
    assert "| or_of_xor | `((x ^ y) \\| y)` | `(x \\| y)` | bits |" in page("rules.md")


# -- an optimisation, a target -------------------------------------------------------------------------------


def optimisation_is_parsed_tried_and_applied() -> None:
    root = (UOp(ops.BUFFER, F, (), Buffer(0, (3, 4))).permute((1, 0)) + 1.0).contiguous()
    ast = kernel_of(root)
    shaped = optimize(ast, AVX512, parse_opts("behind 0 1"))
    data = [float(n) for n in range(12)]
    one, two = [0.0] * 12, [0.0] * 12
    run_kernel(ast, [one, data])
    run_kernel(shaped, [two, data])
    assert one == two
    assert shaped is not ast
    refused(CompileError, lambda: optimize(ast, AVX512, parse_opts("behind 0 7")), "behind 0 7", "0 and 7")
    refused(CompileError, lambda: optimize(ast, AVX512, parse_opts("turn 0")), "behind")


def optimisation_has_a_page() -> None:
    assert "behind" in opts()
    assert "| `behind` | axis other | nested inside another axis |" in page("opts.md")


def selection_is_taken() -> None:
    node = buffer(size=37).alu(ops.BY_NAME["twice"])
    for target in (AVX2, AVX512):
        program = render(lower(optimize(kernel_of(node), target), target), target)
        assert "vaddps" in program.listing
    values = [0.5 * n for n in range(37)]
    twice = bg.Tensor(values, device="cpu").apply(lambda x: x.alu(ops.BY_NAME["twice"]))
    assert twice.tolist() == [2 * value for value in values]


def target_is_chosen_compiled_for_and_listed() -> None:
    narrow = host_target(AVX512.features | {"avx512_bf16"})
    assert narrow.name == "x86-64-narrow"
    assert host_target(AVX512.features) is AVX512
    assert TARGETS[0] is narrow
    ast = kernel_of(buffer(size=64) + 1.0)
    program = render(lower(optimize(ast, narrow), narrow), narrow)
    assert "ymm" in program.listing
    assert "zmm" not in program.listing
    assert "| `x86-64-narrow` | 32 |" in page("targets.md")


# -- a device, a switch, a verb ------------------------------------------------------------------------------


def device_is_opened_and_listed() -> None:
    assert open_device("toy_null").name == "toy_null"
    assert {"toy_null", "toy_reference"} <= set(bg.Device.names())
    assert bg.Device("toy_null").sentence == "a toy that runs nothing"
    assert "toy_reference" in DEVICES
    assert "| `toy_reference` | a toy that interprets |" in page("devices.md")


def device_holds_tensors() -> None:
    assert (bg.Tensor([1.0, 2.0], device="toy_reference") * 3).sum().item() == 9.0
    assert (bg.Tensor([1.0, 2.0]).to("toy_null") * 3).tolist() == [0.0, 0.0]
    assert bg.Tensor([1.0, 2.0], device="toy_reference").to("cpu").tolist() == [1.0, 2.0]


def device_is_shown_by_the_command_line() -> None:
    assert "toy_null" in verb("devices")


def switch_is_read_overridden_and_keyed() -> None:
    assert config().toy == 4, "BG_TOY is set to 4 for this process"
    before = cache_key_fields()
    with override(toy=3):
        assert cache_key_fields() != before
    refused(ConfigError, lambda: override(toy=5).__enter__(), "toy=5", "3, 4")
    refused(ConfigError, lambda: override(toys=3).__enter__(), "toy")
    assert any(row.env == "BG_TOY" for row in knobs())
    assert "`BG_TOY`" in page("configuration.md")
    assert "how many toys" in verb("config")


def verb(*arguments: str) -> str:
    """What the command line prints."""
    printed = StringIO()
    with redirect_stdout(printed), pytest.raises(SystemExit) as end:
        main(list(arguments))
    assert not end.value.code, f"ended with {end.value.code}"
    return printed.getvalue()


def verb_runs_and_is_in_the_help() -> None:
    assert verb("toy") == "toy says so\n"
    assert "say so" in verb("help")


KINDS = {
    "op": "an op", "dtype": "a dtype", "instruction": "an instruction", "rule": "a rewrite rule",
    "optimisation": "an optimisation", "selection": "a selection", "target": "a target",
    "device": "a device", "switch": "a switch", "verb": "a verb",
}  # fmt: skip
FACTS = {
    name: function
    for name, function in list(globals().items())
    if callable(function) and name.partition("_")[0] in KINDS and "_" in name
}


def outcome(function: object) -> str:
    """Empty, or where and how it failed."""
    try:
        function()
    except Exception:
        return traceback.format_exc()
    return ""


if __name__ == "__main__":
    print(json.dumps({name: outcome(function) for name, function in FACTS.items()}))
