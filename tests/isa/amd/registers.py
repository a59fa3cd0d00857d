"""A world for trees over whole registers: variables are arrays of bytes, so that elements are quick."""

from __future__ import annotations

from baregrad.emu.memory import Memory
from baregrad.emu.places import Spot
from baregrad.emu.plain import Plain, known
from baregrad.emu.source import compiled
from baregrad.isa.meaning import Tree, Type, run, walk
from tests.emu.trees import Cells


class Registers(Plain):
    """Plain, with variables of more than 64 bits as bytes in `files`."""

    __slots__ = ("files",)

    def __init__(self, tree: Tree, variables: dict[str, int]) -> None:
        super().__init__(Memory())
        widths = {node.arg: node.t.bits for node in walk(tree) if node.op == "var"}
        self.widths = widths
        self.files = {name: bytearray(bits // 8) for name, bits in widths.items() if bits > 64}
        self.values.update(dict.fromkeys(variables, 0))

    def read(self, name: str, type: Type, scale: int, place: int | None) -> int | None:
        file = self.files.get(name)
        if file is None:
            return super().read(name, type, scale, place)
        low = known(place, name) * scale
        return int.from_bytes(file[low >> 3 : low + type.bits + 7 >> 3], "little") >> (low & 7) & (
            (1 << type.bits) - 1
        )

    def write(self, name: str, type: Type, scale: int, place: int | None, value: int | None) -> None:
        file = self.files.get(name)
        if file is None:
            super().write(name, type, scale, place, value)
            return
        if type.bits == self.widths[name]:
            file[:] = known(value, name).to_bytes(len(file), "little")
            return
        low = known(place, name) * scale
        begin, end = low >> 3, low + type.bits + 7 >> 3
        assert end <= len(file), f"{name} has no place {place}"
        kept = int.from_bytes(file[begin:end], "little") & ~(((1 << type.bits) - 1) << (low & 7))
        file[begin:end] = (kept | known(value, name) << (low & 7)).to_bytes(end - begin, "little")

    def cell(self, number: int, lane: int, lanes: int, file: str = "VGPR") -> int:
        """A register of a lane."""
        at = 4 * (number * lanes + lane)
        return int.from_bytes(self.files[file][at : at + 4], "little")

    def put(self, number: int, lane: int, lanes: int, value: int, file: str = "VGPR") -> None:
        """Set a register of a lane."""
        at = 4 * (number * lanes + lane)
        self.files[file][at : at + 4] = value.to_bytes(4, "little")

    def bits(self, low: int, width: int, number: int, lane: int, lanes: int) -> int:
        """Bits of a lane's registers from a number up."""
        count = (low + width + 31) // 32
        value = sum(self.cell(number + at, lane, lanes) << 32 * at for at in range(count))
        return value >> low & ((1 << width) - 1)

    def put_bits(self, low: int, width: int, number: int, lane: int, lanes: int, value: int) -> None:
        """Set bits of a lane's registers from a number up."""
        for at in range(low // 32, (low + width + 31) // 32):
            old = self.cell(number + at, lane, lanes)
            shift = low - 32 * at
            mask = (1 << width) - 1
            mask, put = (mask << shift, value << shift) if shift >= 0 else (mask >> -shift, value >> -shift)
            mask, put = mask & 0xFFFFFFFF, put & 0xFFFFFFFF
            self.put(number + at, lane, lanes, old & ~mask & 0xFFFFFFFF | put & mask)

    def go(self, tree: Tree) -> None:
        """Do a tree."""
        run(tree, self)

    def go_compiled(self, tree: Tree, lanes: int) -> None:
        """Do a tree over VGPR that reads numbers of registers and nothing else, as Python source: 30 times
        as fast.
        """
        at, file = 128, self.files["VGPR"]
        spots = {name: Spot("constant", 32) for name in self.values if name.endswith("_NUMBER")}
        spots["VGPR"] = Spot("file", 8 * len(file), at)
        made = compiled(tree, "wave", spots, lanes)
        wave = Cells(at + len(file) // 4)
        wave.data[4 * at :] = file
        made.function(wave, *(self.values[name] for name in made.parameters))
        file[:] = wave.data[4 * at :]
