"""Lines on stdin to a JSON list of bytes in hex, by the triton wheel's assembler; exit 3 without it."""

from __future__ import annotations

import json
import struct
import sys
from itertools import pairwise

try:
    from triton.backends.amd.compiler import assemble_amdgcn
except ImportError:
    sys.exit(3)


def parts(elf: bytes) -> tuple[bytes, dict[str, int]]:
    """The code of an object file, and where its symbols are."""
    table, size, count, names = (
        *struct.unpack_from("<Q", elf, 0x28), *struct.unpack_from("<HHH", elf, 0x3A),
    )  # fmt: skip
    heads = [struct.unpack_from("<IIQQQQIIQQ", elf, table + at * size) for at in range(count)]
    named = {name(elf, heads[names][4] + head[0]): head for head in heads}
    text, symbols, strings = named[".text"], named[".symtab"], named[".strtab"]
    found = {}
    for at in range(symbols[4], symbols[4] + symbols[5], 24):
        label, _, _, _, value, _ = struct.unpack_from("<IBBHQQ", elf, at)
        found[name(elf, strings[4] + label)] = value
    return elf[text[4] : text[4] + text[5]], found


def name(elf: bytes, at: int) -> str:
    """The string at an offset."""
    return elf[at : elf.index(0, at)].decode()


def main() -> None:
    """Read, assemble with a label at each line, write."""
    chip, lines = sys.argv[1], sys.stdin.read().splitlines()
    body = "".join(f"i{at}:\n{line}\n" for at, line in enumerate(lines))
    source = f'.amdgcn_target "amdgcn-amd-amdhsa--{chip}"\n.text\n{body}i{len(lines)}:\n'
    code, at = parts(assemble_amdgcn(source, chip, ""))
    places = [at[f"i{number}"] for number in range(len(lines) + 1)]
    json.dump([code[low:high].hex() for low, high in pairwise(places)], sys.stdout)


main()
