"""Layouts: offsets that are checked when the table is built, and records read and written through them."""

from __future__ import annotations

import pytest

from baregrad.base.errors import DeviceError
from baregrad.runtime.layout import Field, Layout

BAD = [  # name          size  fields                                            why
    ("double name", 16, [Field("x", 0, "Q"), Field("x", 8, "Q")], "another field has this name"),
    ("overlap", 16, [Field("x", 0, "Q"), Field("y", 4, "I")], "it overlaps x, which ends at 8"),
    ("unaligned", 16, [Field("x", 4, "Q")], "it is not aligned to 8 bytes"),
    ("too long", 8, [Field("x", 0, "I"), Field("y", 8, "I")], "it ends at 12, behind the struct's 8 bytes"),
]


@pytest.mark.parametrize("name, size, fields, why", BAD, ids=[r[0] for r in BAD])
def test_bad_tables_are_refused(name: str, size: int, fields: list[Field], why: str) -> None:
    with pytest.raises(DeviceError) as caught:
        Layout("demo", size, fields)
    assert caught.value.why == why
    assert "layout demo: bad field" in caught.value.what


def test_records_side_by_side() -> None:
    pair = Layout("pair", 16, [Field("low", 0, "i"), Field("high", 8, "Q")])
    memory = bytearray(48)
    pair.write(memory, 16, low=-2, high=1 << 63)
    assert memory == bytes(16) + b"\xfe\xff\xff\xff" + bytes(4) + bytes(7) + b"\x80" + bytes(16)
    assert (pair.read(memory, "low", 16), pair.read(memory, "high", 16)) == (-2, 1 << 63)
    assert (pair.offset("high"), pair.bits("low"), pair.bits("high"), pair.names) == (
        8,
        32,
        64,
        ("low", "high"),
    )
