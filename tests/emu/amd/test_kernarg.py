"""Arguments of a kernel as bytes, and the dispatch packet."""

from __future__ import annotations

import struct
from array import array

import pytest

from baregrad.base.errors import ConfigError
from baregrad.emu.amd import Memory
from baregrad.emu.amd.kernarg import Row, filled, packet

ROWS = [
    Row(0, 8, "global_buffer"),
    Row(8, 4, "by_value"),
    Row(12, 4, "by_value"),
    Row(16, 4, "hidden_block_count_x"),
    Row(20, 4, "hidden_block_count_y"),
    Row(24, 2, "hidden_group_size_x"),
    Row(26, 2, "hidden_group_size_z"),
    Row(28, 2, "hidden_grid_dims"),
    Row(30, 2, "hidden_remainder_x"),
]
GRID, BLOCK = (5, 2, 1), (64, 4, 1)


def test_arguments_and_hidden_ones() -> None:
    memory, data = Memory(1 << 16), array("f", [1.0, 2.0])
    out, buffers = filled(memory, ROWS, [data, -2, 1.5], 32, GRID, BLOCK)
    assert struct.unpack("<QifIIHHHH", out) == (buffers[0].address, -2, 1.5, 5, 2, 64, 1, 2, 0)
    assert memory.view(buffers[0].address, 8).cast("f").tolist() == [1.0, 2.0]
    # A number is an address already, and what is not given is 0.
    assert filled(memory, ROWS, [4096], 32, GRID, BLOCK)[0][:16] == struct.pack("<QQ", 4096, 0)


@pytest.mark.parametrize("given", [[b"", 1, 2, 3], [0, b"123", 1]])
def test_arguments_that_do_not_fit(given: list[int | bytes]) -> None:
    with pytest.raises(ConfigError):
        filled(Memory(1 << 16), ROWS, given, 32, GRID, BLOCK)


def test_the_packet_says_threads() -> None:
    data = packet(GRID, BLOCK, 1024, 16, 0x1000, 0x2000)
    assert len(data) == 64
    assert struct.unpack_from("<HHH", data, 4) == BLOCK
    assert struct.unpack_from("<IIIII", data, 12) == (320, 8, 1, 16, 1024)
    assert struct.unpack_from("<QQ", data, 32) == (0x1000, 0x2000)
