"""Kernel descriptors and relocatable code objects against LLVM's assembler: `pytest -m llvm`.

For each chip, random directives go through llvm-mc and through from_directives; the descriptors are the same
bytes, and what one refuses the other does. LLVM 19 knows no gfx950: Triton's files are the witness there.
"""

from __future__ import annotations

import random
import shutil
import subprocess

import pytest

from baregrad.base.errors import EncodingError
from baregrad.isa.amd import code_object as co
from baregrad.isa.amd.code_object.descriptor import rows

ASSEMBLER = next(filter(None, map(shutil.which, ("llvm-mc-19", "llvm-mc"))), None)
CHIPS = ("gfx900", "gfx906:sramecc-:xnack+", "gfx90a", "gfx90a:xnack-", "gfx942", "gfx1010", "gfx1030",
         "gfx1100", "gfx1151", "gfx1200")  # fmt: skip
KERNELS = 150

pytestmark = [pytest.mark.llvm, pytest.mark.skipif(not ASSEMBLER, reason="there is no llvm-mc")]


def assemble(target: str, kernels: dict[str, list[tuple[str, int]]], version: int = 5) -> tuple[bytes, str]:
    """The relocatable object of empty kernels with these directives, or what LLVM says against them."""
    lines = [f'.amdgcn_target "amdgcn-amd-amdhsa--{target}"', f".amdhsa_code_object_version {version}"]
    for name, pairs in kernels.items():
        lines += [".text", f".globl {name}", ".p2align 8", f".type {name},@function", f"{name}:", "s_endpgm",
                  f".size {name}, .-{name}", ".rodata", f".amdhsa_kernel {name}",
                  *(f".amdhsa_{key} {value}" for key, value in pairs), ".end_amdhsa_kernel"]  # fmt: skip
    chip, *settings = target.split(":")
    features = ",".join(setting[-1] + setting[:-1] for setting in settings)
    command = [ASSEMBLER, "-triple=amdgcn-amd-amdhsa", f"-mcpu={chip}", f"-mattr={features}", "-filetype=obj"]
    done = subprocess.run(command, input="\n".join(lines).encode() + b"\n", capture_output=True, check=False)
    return (b"" if done.returncode else done.stdout), done.stderr.decode()


def random_directives(target: co.Target, rng: random.Random) -> list[tuple[str, int]]:
    """Directives of a kernel, those that must be there and some others, with values that mostly fit."""
    vgprs = rng.randrange(1, 257)
    found = {"next_free_vgpr": vgprs, "next_free_sgpr": rng.randrange(0, 95)}
    known = rows(target.family.name)
    if "accum_offset" in known:
        found["accum_offset"] = rng.randrange(1, -(-vgprs // 4) + 1) * 4
    for row in known.values():
        if not row.directive or row.name in (*FIXED, NEWER) or rng.random() < 0.5:
            continue
        if row.name == "reserve_xnack_mask":
            continue  # LLVM takes only what the target says
        most = (1 << row.width) - 1 if row.width else 1
        found[row.directive] = rng.randrange(most + 1) if rng.random() < 0.97 else most + 1
    pairs = list(found.items())
    rng.shuffle(pairs)
    return pairs


NEWER = "inst_pref_size"  # LLVM 19 has no directive for it

# Values that depend on each other in LLVM: they have cases of their own.
FIXED = ("vgpr_granules", "sgpr_granules", "accum_offset", "user_sgpr_count", "kernarg_preload_length",
         "kernarg_preload_offset")  # fmt: skip


@pytest.mark.parametrize("chip", CHIPS)
def test_random_directives_give_llvms_descriptor(chip: str, rng: random.Random) -> None:
    target = co.Target.parse(chip)
    good, refused = {}, []
    while len(good) < KERNELS:
        pairs = random_directives(target, rng)
        try:
            good[f"k{len(good)}"] = (pairs, co.from_directives(pairs, target))
        except EncodingError as problem:
            refused.append((pairs, problem))
    data, problem = assemble(chip, {name: pairs for name, (pairs, _) in good.items()})
    assert not problem, problem[:1000]
    found = co.read(data, chip)
    assert (str(found.target), len(found.kernels), found.metadata) == (chip, KERNELS, {})
    for kernel in found.kernels:
        pairs, mine = good[kernel.name]
        differs = {k: (v, kernel.descriptor[k]) for k, v in mine.fields.items() if v != kernel.descriptor[k]}
        assert mine == kernel.descriptor, f"{chip} {pairs}: {differs}"
        assert len(kernel.code) == 4
    for pairs, mine in refused[:5]:
        assert not assemble(chip, {"k": pairs})[0], f"LLVM takes {pairs}, refused with {mine}"


@pytest.mark.parametrize("chip", CHIPS)
def test_directives_of_a_descriptor_give_it_through_llvm(chip: str, rng: random.Random) -> None:
    target = co.Target.parse(chip)
    made, given = {}, {}
    while len(made) < KERNELS:
        name = f"k{len(made)}"
        try:
            one = co.from_directives(random_directives(target, rng), target)
            given[name] = [pair for pair in co.directives(one, target) if pair[0] != NEWER]
        except EncodingError:
            continue
        made[name] = one
    data, problem = assemble(chip, given)
    assert not problem, problem[:1000]
    for kernel in co.read(data, chip).kernels:
        assert kernel.descriptor == made[kernel.name], co.directives(made[kernel.name], target)


@pytest.mark.parametrize("chip", ["gfx90a", "gfx942"])
def test_preloaded_arguments_count_as_user_sgprs(chip: str) -> None:
    target = co.Target.parse(chip)
    base = [("next_free_vgpr", 8), ("next_free_sgpr", 16), ("accum_offset", 4), ("kernarg_size", 64)]
    base += [("user_sgpr_kernarg_segment_ptr", 1)]
    for length, offset in ((0, 0), (1, 0), (5, 3), (14, 0)):
        pairs = base + [
            ("user_sgpr_kernarg_preload_length", length),
            ("user_sgpr_kernarg_preload_offset", offset),
        ]
        data, problem = assemble(chip, {"k": pairs})
        assert not problem, problem
        assert co.read(data).kernels[0].descriptor == co.from_directives(pairs, target), (length, offset)


def test_flags_of_every_chip_that_llvm_knows() -> None:
    known = []
    for chip in (row.name for row in co.CHIPS):
        version = 6 if "generic" in chip else 5
        data, _ = assemble(chip, {}, version=version)
        if data:
            known.append(chip)
            assert str(co.read(data, chip).target) == chip
            assert co.read(data, chip).target == co.Target.parse(chip)
    assert len(known) >= 30, known
