"""Bytes: labels, branches that grow, loops aligned, constants kept once behind the code."""

from __future__ import annotations

import pytest

from baregrad.base.errors import CompileError
from baregrad.isa.form import Inst, Mem, Reg
from baregrad.render.machine import Pool, assemble, label

from . import toy

MACHINE = toy.target()
R = Reg("int", 1)


def fill(count: int) -> list[Inst]:
    """So many times three bytes."""
    return [toy.make("mov", R, R)] * count


@pytest.mark.parametrize(
    "body, short", [(1, True), (41, True), (42, False), (200, False)], ids=["1", "reach", "beyond", "200"]
)
def test_loops_take_the_short_branch_when_it_reaches(body: int, short: bool) -> None:
    made = assemble([label("head"), *fill(body), toy.make("brnz", R, "head")], MACHINE)
    assert made.places[-1][1].form.name == ("brnz.short" if short else "brnz")
    size = 1 if short else 4
    assert int.from_bytes(made.data[-size:], "little", signed=True) == -len(made.data)


def test_one_branch_that_grows_makes_another_grow() -> None:
    # The inner branch is at the limit of its reach; the outer one inside it grows by three bytes.
    insts = [
        toy.make("brnz", R, "end"),
        *fill(41),
        toy.make("jump", "far"),
        label("end"),
        *fill(50),
        label("far"),
    ]
    made = assemble([*insts, toy.make("out", R)], MACHINE)
    names = [inst.form.name for _, inst in made.places]
    assert (names[0], names[42]) == ("brnz", "jump")
    assert int.from_bytes(made.data[2:6], "little", signed=True) == made.labels["end"] - 6


def test_pool_is_behind_the_code_aligned_and_kept_once() -> None:
    pool = Pool()
    four, wide, again = pool.add(b"\1\2\3\4"), pool.add(bytes(64)), pool.add(b"\1\2\3\4")
    assert four is again
    insts = [toy.make("ld", R, Mem(label=four)), toy.make("ld", R, Mem(label=wide, disp=8)), toy.make("ret")]
    made = assemble(insts, MACHINE, pool)
    assert made.labels[wide.name] % 64 == 0
    assert made.data[made.labels[four.name] :][:4] == b"\1\2\3\4"
    assert len(made.data) == 64 + 64 + 4
    assert int.from_bytes(made.data[2:6], "little") == made.labels[four.name] - 6
    assert int.from_bytes(made.data[8:12], "little") == made.labels[wide.name] + 8 - 12


def test_loop_heads_are_aligned() -> None:
    made = assemble([*fill(1), label("head"), *fill(2), toy.make("brnz", R, "head")], MACHINE, align_loops=16)
    assert made.labels["head"] == 16
    assert made.data[3:16] == b"\x90" * 13


def test_a_jump_to_the_next_place_and_a_branch_around_a_jump_go() -> None:
    insts = [
        toy.make("brz", R, "a"),
        toy.make("jump", "b"),
        label("a"),
        *fill(1),
        toy.make("jump", "b"),
        label("b"),
    ]
    made = assemble(insts, MACHINE)
    assert [inst.form.name for _, inst in made.places] == ["brnz.short", "mov"]
    assert made.data[2] == 3


@pytest.mark.parametrize(
    "insts", [[toy.make("jump", "gone")], [label("a"), label("a")]], ids=["missing", "twice"]
)
def test_labels_must_be_one_place(insts: list[Inst]) -> None:
    with pytest.raises(CompileError, match=r"label"):
        assemble(insts, MACHINE)
