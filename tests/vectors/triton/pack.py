"""Packs what kernels.py wrote into code_objects.tar.xz: `python pack.py DIRECTORY`.

The .hsaco files are as Triton wrote them, but that paths in their debug information are replaced by others of
the same length. Of the assembly text, what describes debug information is left out.
"""

from __future__ import annotations

import io
import lzma
import re
import sys
import tarfile
from pathlib import Path

DEBUG = re.compile(r"^\t\.section\t\.debug_.*?(?=^\t\.section\t\"\.note)", re.M | re.S)
LINES = re.compile(r"^(\t\.(loc|file|cfi_\w+)\b.*|\.L(tmp|func_begin)\d+:)\n", re.M)


def stripped(text: str) -> str:
    """Assembly without debug information; labels that mark its lines go too."""
    text = text[: text.index("\t.end_amdgpu_metadata")] + "\t.end_amdgpu_metadata\n"
    return LINES.sub("", DEBUG.sub("", text))


def anonymous(data: bytes) -> bytes:
    """The file with other paths of the same length."""
    return re.sub(rb"/[\w./-]{9,}(?=\0)", lambda found: b"/" + b"t" * (len(found[0]) - 1), data)


def main() -> None:
    """Pack all files of a directory."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as out:
        for path in sorted(Path(sys.argv[1]).iterdir()):
            data = path.read_bytes()
            data = stripped(data.decode()).encode() if path.suffix == ".s" else anonymous(data)
            info = tarfile.TarInfo(path.name)
            info.size = len(data)
            out.addfile(info, io.BytesIO(data))
    (Path(__file__).parent / "code_objects.tar.xz").write_bytes(lzma.compress(packed.getvalue(), preset=9))


if __name__ == "__main__":
    main()
