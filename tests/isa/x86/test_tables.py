"""What every table must be: no double rows, no shared bytes, known features, facts that do not contradict."""

from __future__ import annotations

import pytest

from baregrad.isa.x86 import EVEX, FEATURES, FORMS, decode, signature
from baregrad.isa.x86.encoding import EVEX as EVEX_ROW
from baregrad.isa.x86.encoding import LEGACY, expand, memory_bits, parse_operand, row

ALL_FORMS = [form for name in FORMS for form in FORMS[name]]


def test_features_are_known():
    unknown = {name for form in ALL_FORMS for name in form.needs} - set(FEATURES)
    assert not unknown


def test_the_whole_index_has_no_overlap():
    assert decode(b"\xc3")[0].form.name == "ret"  # the index of all rows is built, which checks them


def test_moves_touch_no_memory():
    assert not [signature(f) for f in ALL_FORMS if f.is_move and (f.memory or len(f.operands) != 2)]


def test_memory_operands_say_what_happens_to_memory():
    silent = ("lea", "nop", "prefetcht0", "prefetcht1", "prefetchnta", "prefetchw")
    for form in ALL_FORMS:
        kinds = [kind for operand in form.operands for kind in operand.kinds]
        if any(memory_bits(kind) is not None for kind in kinds) and form.name not in silent:
            assert form.memory, signature(form)


def test_masks_are_evex_only():
    for form in ALL_FORMS:
        assert isinstance(form.encoding, EVEX) or not form.mask_role
    destroyed = {form.name for form in ALL_FORMS if form.mask_role == "rw"}
    assert all("gather" in name or "scatter" in name for name in destroyed)
    assert {f.name for f in ALL_FORMS if not f.merges} == {
        "vblendmps", "vblendmpd", "vpblendmb", "vpblendmw", "vpblendmd", "vpblendmq",
    }  # fmt: skip


def test_registers_above_15_are_evex_only():
    for form in ALL_FORMS:
        for operand in form.operands:
            if operand.bank == "vec" or operand.kinds[0].startswith("vm"):
                assert operand.limit == (31 if isinstance(form.encoding, EVEX) else 15), signature(form)


def test_gathers_write_early():
    for form in ALL_FORMS:
        if "gather" in form.name:
            assert form.operands[0].early, signature(form)


LATENCIES = [  # name, kinds, least and most cycles that public tables give for recent cores
    ("add", ("r64", "r64"), 1, 1),
    ("imul", ("r64", "r64"), 3, 3),
    ("idiv", ("r64",), 10, 18),
    ("mov", ("r64", "m64"), 4, 5),
    ("vmovups", ("zmm", "m512"), 7, 9),
    ("vaddps", ("zmm", "zmm", "zmm"), 3, 4),
    ("vmulps", ("ymm", "ymm", "ymm"), 3, 4),
    ("vfmadd231ps", ("zmm", "zmm", "zmm"), 4, 4),
    ("vdivps", ("ymm", "ymm", "ymm"), 10, 13),
    ("vsqrtps", ("ymm", "ymm"), 12, 20),
    ("vpaddd", ("zmm", "zmm", "zmm"), 1, 1),
    ("vpmulld", ("ymm", "ymm", "ymm"), 3, 10),
    ("vpermps", ("ymm", "ymm", "ymm"), 3, 5),
    ("vcvtdq2ps", ("ymm", "ymm"), 3, 4),
    ("vxorps", ("ymm", "ymm", "ymm"), 1, 1),
]


@pytest.mark.parametrize("name, kinds, least, most", LATENCIES, ids=[row[0] for row in LATENCIES])
def test_latency_is_plausible(name, kinds, least, most):
    from_table = next(f for f in FORMS[name] if _kinds_fit(f, kinds)).latency
    assert least <= from_table <= most


def _kinds_fit(form, kinds):
    written = [o for o in form.operands if not o.implicit]
    return len(written) == len(kinds) and all(k in o.kinds for k, o in zip(kinds, written, strict=True))


def test_unknown_kinds_are_refused():
    with pytest.raises(AssertionError, match="no kinds"):
        parse_operand("a:xnn=r", 15)
    with pytest.raises(AssertionError, match="no kinds"):
        list(expand(row("bad", "a:imm=r", LEGACY(0x90))))


def test_a_row_becomes_a_form_a_length():
    made = list(expand(row("v", "dst:V=w, src:V/M/b32=r", EVEX_ROW("128/256/512", "", "0F", 0x51, w=0))))
    assert [f.operands[1].kinds for f in made] == [
        ("xmm", "m128", "m32bcst"),
        ("ymm", "m256", "m32bcst"),
        ("zmm", "m512", "m32bcst"),
    ]
    assert [sorted(f.needs) for f in made] == [["avx512f", "avx512vl"], ["avx512f", "avx512vl"], ["avx512f"]]
