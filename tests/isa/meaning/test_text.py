"""The language of meanings: what its text means, that text and trees are the same, what it refuses."""

from __future__ import annotations

import pytest

from baregrad.base.errors import EncodingError, Fault
from baregrad.emu import Memory, Plain
from baregrad.isa.meaning import parse, run, show
from baregrad.isa.x86 import FORMS
from baregrad.isa.x86.meanings import _STATE, _Facts, masked, meaning, meant

WIDTHS = {"a": 32, "b": 32, "x": 64, "dst": 64, "flag": 1}
ONE = 0x3F800000

# name, text, variables before, what they are after
CASES = [
    ("integers wrap", "dst.u32[0] = a + b", {"a": 0xFFFFFFFF, "b": 2}, {"dst": 1}),
    ("floats are rounded", "dst.f32[1] = a.f32 + b.f32", {"a": ONE, "b": ONE}, {"dst": 0x40000000 << 32}),
    ("the type decides an order", "flag = a.i < b.i", {"a": 0xFFFFFFFF, "b": 0}, {"flag": 1}),
    ("unsigned order", "flag = a < b", {"a": 0xFFFFFFFF, "b": 0}, {"flag": 0}),
    ("shifts beyond the width", "dst = u64(a << 32 | (a.i >> 99).u)", {"a": 0x80000000}, {"dst": 0xFFFFFFFF}),
    ("a loop over elements", "for i in x.u8 { dst.u8[i] = ~x.u8[i] }", {"x": 0xFF}, {"dst": 2**64 - 256}),
    ("a loop that counts", "for i < 3 { dst[i] = 1 }", {}, {"dst": 7}),
    ("slices", "dst = cat(x[15:8], x[7:0].u8[0]).u4[1] == 2 ? x : 0", {"x": 0x1234}, {"dst": 0}),
    ("beyond the end is 0", "dst = u64(x.u32[2] | x.u32[1])", {"x": 7}, {"dst": 0}),
    ("floats to integers saturate", "dst = u64(u8(a.f32))", {"a": 0x47800000}, {"dst": 255}),
    ("NaN as an integer is 0", "dst = u64(i32(a.f32).u)", {"a": 0x7FC00000}, {"dst": 0}),
    ("quotients are cut", "dst = i64(quotient(a.i, 2)).u", {"a": 0xFFFFFFFD}, {"dst": (1 << 64) - 1}),
    ("the sign of a remainder", "dst = u64(remainder(a.i, 2).u)", {"a": 0xFFFFFFFD}, {"dst": 0xFFFFFFFF}),
    ("ties go to even", "dst.f32[0] = even(a.f32)", {"a": 0x40200000}, {"dst": 0x40000000}),
    ("names of its own", "t = a * b; t = t + 1; dst = u64(t)", {"a": 6, "b": 7}, {"dst": 43}),
    ("a branch", "if flag { dst = x } else { dst = 1 }", {"flag": 0, "x": 5}, {"dst": 1}),
    ("memory", "store(x, b); dst = u64(load(u16, x + 2))", {"x": 64, "b": 0x12345678}, {"dst": 0x1234}),
    ("another memory", "store(x, b, lds); dst = u64(load(u16, x, lds))", {"x": 64, "b": 5}, {"dst": 5}),
    ("small floats", "dst = u64(cat(fp4(a.f32), fp8(b.f32)))", {"a": ONE, "b": 0x43E00000}, {"dst": 0x27E}),
    ("small floats saturate", "dst = u64(cat(fp6(a.f32), bf6(-a.f32)))", {"a": 0x7F800000}, {"dst": 0x7FF}),
    ("values of small floats", "dst.f32[0] = f32(a.bf8[0])", {"a": 0x42}, {"dst": 0x40400000}),
    ("powers", "dst.f32[0] = exp2(a.f32) + log2(a.f32)", {"a": ONE}, {"dst": 0x40000000}),
    ("scaling rounds once", "dst = ldexp(x.f64, -1074).u", {"x": 0x3FF80000 << 32}, {"dst": 2}),
    ("a literal takes a type", "dst = x == 0xFF ? 3 : x", {"x": 255}, {"dst": 3}),
]  # fmt: skip


@pytest.mark.parametrize("name, text, before, after", CASES, ids=[row[0] for row in CASES])
def test_what_text_means(name, text, before, after):
    memory = Memory()
    memory.map(64, bytes(8))
    world = Plain(memory)
    world.spaces["lds"] = Memory()
    world.spaces["lds"].map(64, bytes(8))
    world.widths.update(WIDTHS)
    world.values.update(dict.fromkeys(WIDTHS, 0) | before)
    run(parse(text, WIDTHS), world)
    assert {name: world.values[name] for name in after} == after


BAD = [
    ("a = a.f32 + b", "a u32 where f32 is wanted"),
    ("a = a.f32 + b.f32", "a f32 for a place of u32"),
    ("a = c", "no variable 'c'"),
    ("a = b.f64", "u32 has not the bits of f64"),
    ("a = 1 + 2", "two literals"),
    ("a = sqrt(b)", "sqrt of u32"),
    ("a = b b", "two statements"),
    ("a = wrong(b)", "no function 'wrong'"),
    ("a[b:0] = 1", "numbers"),
    ("a = b.f32 & b.f32", "and of f32"),
    ("a = b $ a", "no token"),
    ("a = fma(a.f32, b.f32)", "takes 3 values"),
    ("if flag { a = b;", "'the end' where"),
]


@pytest.mark.parametrize("text, message", BAD, ids=[row[0] for row in BAD])
def test_what_is_refused(text, message):
    with pytest.raises(EncodingError) as error:
        parse(text, WIDTHS)
    assert message in str(error.value)


def test_undefined_values_may_not_be_used():
    world = Plain(Memory())
    world.values.update(a=1)
    with pytest.raises(Fault, match="undefined"):
        run(parse("t = undefined(u32); a = t + a", {"a": 32}), world)


def test_the_text_of_a_tree_is_the_tree():
    for name in list(FORMS)[::7]:
        form = FORMS[name][-1]
        tree = meaning(form)
        if tree is not None:
            variables = _Facts(form, False).widths | {
                n: b for n, b in _STATE.items() if n not in _Facts(form, False).widths
            }
            assert parse("; ".join(map(show, tree)), variables) == tree, name


def test_every_row_is_for_a_form():
    assert set(meant()) <= set(FORMS)


MASKED = [
    ("vaddps", False, "if k[i] { dst.f32[i] = a.f32[i] + b.f32[i] } else { }"),
    ("vaddps", True, "if k[i] { dst.f32[i] = a.f32[i] + b.f32[i] } else { dst.f32[i] = u32(0x0).f32 }"),
    ("vpblendmd", False, "if k[i] { dst.u32[i] = b.u32[i] } else { dst.u32[i] = a.u32[i] }"),
    ("vptestmd", False, "if k[i] { dst[i] = (a.u32[i] & b.u32[i]) != u32(0) } else { dst[i] = u1(0) }"),
]


@pytest.mark.parametrize("name, zeroing, text", MASKED)
def test_masks_go_around_lanes(name, zeroing, text):
    tree = masked(FORMS[name][-1], False, zeroing)
    assert text in show(tree[-1])
