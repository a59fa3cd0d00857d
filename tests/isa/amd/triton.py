"""The code objects that Triton made (tests/vectors/triton), by their names."""

from __future__ import annotations

import tarfile
from functools import cache
from pathlib import Path

PACKED = Path(__file__).parents[2] / "vectors" / "triton" / "code_objects.tar.xz"


@cache
def files() -> dict[str, bytes]:
    """All files: 20 kernels for two chips, each a code object and its assembly."""
    with tarfile.open(PACKED) as packed:
        found = {one.name: packed.extractfile(one) for one in packed}
        return {name: file.read() for name, file in found.items() if file}


def objects() -> dict[str, bytes]:
    """The code objects by kernel and chip."""
    return {name.removesuffix(".hsaco"): data for name, data in files().items() if name.endswith(".hsaco")}


def text(name: str) -> str:
    """The assembly of a code object."""
    return files()[f"{name}.s"].decode()
