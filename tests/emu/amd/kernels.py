"""The compiled kernels of tests/vectors/triton, by name and chip."""

from __future__ import annotations

import functools
import tarfile
from pathlib import Path

from baregrad.isa.amd import code_object

PACKED = Path(__file__).parents[2] / "vectors" / "triton" / "code_objects.tar.xz"


@functools.cache
def files() -> dict[str, bytes]:
    """All files by name."""
    with tarfile.open(PACKED) as packed:
        return {one.name: packed.extractfile(one).read() for one in packed if one.name.endswith(".hsaco")}  # type: ignore[union-attr]  # files are there


def kernel(name: str, chip: str) -> code_object.CodeObject:
    """A code object."""
    return code_object.read(files()[f"{name}.{chip}.hsaco"], name)
