"""The code objects that Triton made (tests/vectors/triton), by their names."""

from __future__ import annotations

import tarfile
from functools import cache
from pathlib import Path

from baregrad.isa.amd import code_object

THREADS = {"gfx1100": 128, "gfx950": 256}  # of a workgroup: four waves
VECTORS = Path(__file__).parents[2] / "vectors" / "triton"


@cache
def files(name: str = "code_objects") -> dict[str, bytes]:
    """All files of an archive.

    "code_objects": 22 kernels for two chips (one for gfx950 alone), each a code object and its assembly;
    "many_kernels": objects of several kernels before (.o) and after linking (.hsaco).
    """
    with tarfile.open(VECTORS / f"{name}.tar.xz") as packed:
        found = {one.name: packed.extractfile(one) for one in packed}
        return {name: file.read() for name, file in found.items() if file}


@cache
def objects() -> dict[str, bytes]:
    """The code objects by kernel and chip."""
    return {name.removesuffix(".hsaco"): data for name, data in files().items() if name.endswith(".hsaco")}


def kernel(name: str, chip: str) -> code_object.CodeObject:
    """A code object, read."""
    return code_object.read(objects()[f"{name}.{chip}"], name)


def text(name: str) -> str:
    """The assembly of a code object."""
    return files()[f"{name}.s"].decode()
