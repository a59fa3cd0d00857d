"""Objects of several kernels for chips of each family, assembled and linked by Triton 3.9.0's LLVM.

`python many_kernels.py` writes many_kernels.tar.xz: for each chip and number of kernels the relocatable
object (.o) and what lld makes of it (.hsaco). No test imports this file or needs Triton.
"""

from __future__ import annotations

import io
import lzma
import random
import tarfile
import tempfile
from pathlib import Path

from triton._C.libtriton import amd
from triton.backends.amd.compiler import assemble_amdgcn

# Chip, what is needed beside register counts, and the padding behind the last kernel as llc writes it.
ACCUM = (".amdhsa_accum_offset 8",)
NOPS, ENDS, MORE_ENDS = ("6, 0xbf800000", 256), ("6, 0xbf9f0000", 48), ("7, 0xbf9f0000", 96)
CHIPS = (
    ("gfx900", (), None),
    ("gfx90a", ACCUM, NOPS),
    ("gfx942", ACCUM, NOPS),
    ("gfx950", ACCUM, NOPS),
    ("gfx1030", (), ENDS),
    ("gfx1100", (), MORE_ENDS),
    ("gfx1200", (), MORE_ENDS),
)
KERNELS = (1, 5, 17)


def assembly(chip: str, more: tuple[str, ...], padding: tuple[str, int] | None, count: int) -> str:
    """The text of an object with `count` kernels of different sizes."""
    rng = random.Random(count)
    lines = [f'.amdgcn_target "amdgcn-amd-amdhsa--{chip}"', ".amdhsa_code_object_version 5"]
    for number in range(count):
        name = f"kernel_{rng.randrange(1000)}_{number}"
        lines += [".text", f".globl {name}", ".p2align 8", f".type {name},@function", f"{name}:"]
        lines += ["s_nop 1"] * rng.randrange(200) + [
            "s_endpgm",
            f".Lend{number}:",
            f".size {name}, .Lend{number}-{name}",
        ]
        lines += ['.section .rodata,"a",@progbits', ".p2align 6", f".amdhsa_kernel {name}"]
        lines += [".amdhsa_next_free_vgpr 9", ".amdhsa_next_free_sgpr 20", *more, ".end_amdhsa_kernel"]
    if padding:
        align, words = padding
        lines += [".text", f".p2alignl {align}", f".fill {words}, 4, {align.split()[1]}"]
    lines += [".amdgpu_metadata", "---", "amdhsa.kernels: []", "amdhsa.version:", "  - 1", "  - 2", "..."]
    return "\n".join((*lines, ".end_amdgpu_metadata", ""))


def main() -> None:
    """Assemble, link and pack."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as out, tempfile.TemporaryDirectory() as scratch:
        before, after = Path(scratch) / "in.o", Path(scratch) / "out.hsaco"
        for chip, more, padding in CHIPS:
            for count in KERNELS:
                before.write_bytes(assemble_amdgcn(assembly(chip, more, padding, count), chip, ""))
                amd.link_hsaco(str(before), str(after))
                for path in (before, after):
                    info = tarfile.TarInfo(f"{chip}.{count}{path.suffix}")
                    info.size = path.stat().st_size
                    out.addfile(info, io.BytesIO(path.read_bytes()))
    (Path(__file__).parent / "many_kernels.tar.xz").write_bytes(lzma.compress(packed.getvalue(), preset=9))


if __name__ == "__main__":
    main()
