# ruff: noqa: E501 - one bad file is one line
"""Weights go to a file and back; whatever is wrong with a file is a BadFile that says what, why and the mend."""

from __future__ import annotations

import contextlib
import json
import random

import pytest
import safetensors

from baregrad import dtype as dt
from baregrad import nn
from baregrad.base.errors import BadFile, BaregradError
from baregrad.formats import load_safetensors, save_safetensors
from baregrad.tensor import Tensor


def test_every_dtype_goes_round(device, tmp_path):
    path = tmp_path / "a.safetensors"
    saved = {d.name: Tensor([0, 1, 3, 2, 1, 0], dtype=d).reshape(2, 3) for d in dt.ALL if d is not dt.void}
    save_safetensors(path, saved)
    loaded = load_safetensors(path)
    assert loaded.keys() == saved.keys()
    for name, tensor in saved.items():
        assert loaded[name].dtype is tensor.dtype
        assert loaded[name].tolist() == tensor.tolist()


def test_shapes_and_views_go_round(device, tmp_path):
    path = tmp_path / "a.safetensors"
    x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    saved = {
        "0d": Tensor(5.0),
        "empty": Tensor.zeros(0, 3),
        "view": x.T,
        "lazy": x + 1,
        "nan": Tensor([float("nan")]),
    }
    save_safetensors(path, saved, {"made": "here"})
    loaded = load_safetensors(path)
    assert {name: (t.shape, str(t.tolist())) for name, t in loaded.items()} == {
        name: (t.shape, str(t.tolist())) for name, t in saved.items()
    }
    assert b'"made":"here"' in path.read_bytes()


def test_nothing_goes_round(device, tmp_path):
    save_safetensors(tmp_path / "a", {})
    assert load_safetensors(tmp_path / "a") == {}


def test_the_library_reads_what_we_write(device, tmp_path):
    path = tmp_path / "a.safetensors"
    save_safetensors(path, {"w": Tensor([1.0, -2.0])})
    ((name, facts),) = safetensors.deserialize(path.read_bytes())
    assert (name, facts["dtype"], facts["shape"]) == ("w", "F32", [2])
    assert bytes(facts["data"]) == dt.pack(dt.float32, [1.0, -2.0])


def test_a_network_goes_round(device, tmp_path):
    one, two = nn.Linear(3, 2), nn.Linear(3, 2)
    save_safetensors(tmp_path / "w", one.state_dict())
    two.load_state_dict(load_safetensors(tmp_path / "w"))
    assert two.weight.tolist() == one.weight.tolist()
    assert two.weight.requires_grad


def test_a_failed_save_leaves_the_old_file(device, tmp_path):
    path = tmp_path / "a"
    save_safetensors(path, {"w": Tensor([1.0])})
    before = path.read_bytes()
    lazy = Tensor([1.0], device="reference")
    with pytest.raises(BaregradError):
        save_safetensors(path, {"w": lazy.reshape(1) + Tensor([1.0], device="cpu")})
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def made(header, data=b"12345678"):
    """A file of any header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def entry(**changes):
    """A good entry, changed."""
    return {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **changes}}


# fmt: off
BAD = [  # name, contents
    ("empty",              b""),
    ("seven bytes",        b"1234567"),
    ("header too long",    (1 << 40).to_bytes(8, "little") + b"{}"),
    ("header of all ones", b"\xff" * 8 + b"{}"),
    ("no json",            made(b"x" * 16)),
    ("no utf-8",           made(b'{"\xff": 1}    ')),
    ("a list",             made([])),
    ("an entry of 3",      made({"a": 3})),
    ("no dtype",           made({"a": {"shape": [2], "data_offsets": [0, 8]}})),
    ("unknown dtype",      made(entry(dtype="F33"))),
    ("foreign dtype",      made(entry(dtype="F8_E8M0", shape=[8]))),
    ("complex",            made(entry(dtype="C64", shape=[1]))),
    ("four bits",          made(entry(dtype="F4", shape=[16]))),
    ("negative size",      made(entry(shape=[-2]))),
    ("size of float",      made(entry(shape=[2.0]))),
    ("shape is a number",  made(entry(shape=2))),
    ("huge shape",         made(entry(shape=[1 << 63, 1 << 63]))),
    ("larger shape",       made(entry(shape=[3]))),
    ("smaller shape",      made(entry(shape=[1]))),
    ("other dtype",        made(entry(dtype="F64"))),
    ("backward offsets",   made(entry(data_offsets=[8, 0]))),
    ("offsets outside",    made(entry(data_offsets=[8, 16]))),
    ("one offset",         made(entry(data_offsets=[8]))),
    ("overlap",            made({**entry(), "b": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}})),
    ("half overlap",       made({**entry(), "b": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}}, b"123456781234")),
    ("hole",               made({**entry(), "b": {"dtype": "F32", "shape": [1], "data_offsets": [12, 16]}}, b"1234567812345678")),
    ("too many bytes",     made(entry(), b"123456789")),
    ("too few bytes",      made(entry(), b"1234567")),
    ("metadata of numbers", made({"__metadata__": {"a": 1}, **entry()})),
    ("bool of 7",          made({"a": {"dtype": "BOOL", "shape": [2], "data_offsets": [0, 2]}}, b"\x01\x07")),
]
# fmt: on


def refused(path, contents):
    """The error for some contents."""
    path.write_bytes(contents)
    with pytest.raises(BadFile) as caught:
        load_safetensors(path)
    assert str(path) in caught.value.what
    assert caught.value.why
    assert caught.value.mend


@pytest.mark.parametrize("name, contents", BAD, ids=[row[0] for row in BAD])
def test_bad_files(tmp_path, name, contents):
    refused(tmp_path / "a", contents)


def test_every_truncated_file(tmp_path):
    whole = made({**entry(), "b": {"dtype": "U8", "shape": [3], "data_offsets": [8, 11]}}, b"12345678abc")
    for length in range(len(whole)):
        refused(tmp_path / "a", whole[:length])


def test_mutated_files_load_or_are_refused(tmp_path, rng: random.Random):
    whole = made(
        {**entry(), "b": {"dtype": "BOOL", "shape": [3], "data_offsets": [8, 11]}}, b"12345678\0\1\1"
    )
    path = tmp_path / "a"
    for _ in range(300):
        contents = bytearray(whole)
        for _ in range(rng.randrange(1, 4)):
            contents[rng.randrange(len(contents))] = rng.randrange(256)
        path.write_bytes(contents)
        with contextlib.suppress(BadFile):
            for tensor in load_safetensors(path, device="reference").values():
                assert all(isinstance(size, int) and size >= 0 for size in tensor.shape)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_safetensors(tmp_path / "nothing")
