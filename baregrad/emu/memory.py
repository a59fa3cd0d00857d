"""Memory of an emulated machine: pieces at addresses, with nothing in between."""

from __future__ import annotations

from baregrad.base.errors import Fault


class Memory:
    """Pieces of bytes at addresses. What lies in no piece faults."""

    __slots__ = ("pieces",)

    def __init__(self) -> None:
        self.pieces: list[tuple[int, bytearray]] = []

    def map(self, address: int, content: bytes | bytearray) -> bytearray:
        """Put a piece at an address; gives its bytes, which change as programs store to them."""
        piece = bytearray(content)
        for begin, other in self.pieces:
            assert address + len(piece) <= begin or begin + len(other) <= address, f"{address:#x} is taken"
        self.pieces.append((address, piece))
        return piece

    def find(self, address: int, count: int, what: str) -> tuple[bytearray, int]:
        """The piece and the offset of some bytes."""
        for begin, piece in self.pieces:
            if begin <= address and address + count <= begin + len(piece):
                return piece, address - begin
        raise Fault(
            f"{what} of {count} bytes at {address:#x}",
            why="no memory is there",
            mend="map it, or mend the address",
        )

    def read(self, address: int, bits: int) -> int:
        """Little-endian bits at an address."""
        piece, at = self.find(address, bits // 8, "a load")
        return int.from_bytes(piece[at : at + bits // 8], "little")

    def write(self, address: int, bits: int, value: int) -> None:
        """Store bits."""
        piece, at = self.find(address, bits // 8, "a store")
        piece[at : at + bits // 8] = value.to_bytes(bits // 8, "little")
