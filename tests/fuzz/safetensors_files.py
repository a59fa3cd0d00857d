"""Corrupt and hostile safetensors files: each loads or is a BadFile, soon and in little memory.

`python -m tests.fuzz.safetensors_files COUNT SEED` runs in a process of its own and prints figures as JSON.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from baregrad.base.errors import BadFile
from baregrad.formats import load_safetensors

SECONDS, MEGABYTES = 1.0, 256
DTYPES = (
    "BOOL",
    "U8",
    "I8",
    "I16",
    "U16",
    "F16",
    "BF16",
    "I32",
    "F32",
    "I64",
    "F64",
    "F8_E4M3",
    "C64",
    "F4",
    "x",
)
NUMBERS = (0, 1, 2, -1, 7, 8, 1 << 31, 1 << 62, 1 << 63, 1 << 64, 10**30, 1.0, 1e308, True, None, "1", [], {})
SIZE = {"BOOL": 1, "U8": 1, "I16": 2, "BF16": 2, "F32": 4, "I64": 8}


def good(rng: random.Random) -> tuple[dict, bytes]:
    """A whole file's header and data."""
    header, data = {}, b""
    for number in range(rng.randrange(4)):
        dtype = rng.choice(list(SIZE))
        shape = [rng.randrange(4) for _ in range(rng.randrange(3))]
        count = SIZE[dtype]
        for size in shape:
            count *= size
        part = bytes(rng.randrange(2) for _ in range(count))
        header[f"t{number}"] = {
            "dtype": dtype,
            "shape": shape,
            "data_offsets": [len(data), len(data) + count],
        }
        data += part
    if rng.random() < 0.3:
        header["__metadata__"] = {"made": "here"}
    return header, data


def changed(rng: random.Random, value: object, depth: int = 0) -> object:
    """A JSON value with something else somewhere."""
    if depth > 3 or rng.random() < 0.2:
        return rng.choice((*NUMBERS, *DTYPES, [rng.choice(NUMBERS)] * rng.randrange(70)))
    if isinstance(value, dict) and value:
        key = rng.choice(list(value))
        kind = rng.randrange(4)
        if kind == 0:
            return {k: v for k, v in value.items() if k != key}
        if kind == 1:
            return {
                **value,
                rng.choice(("dtype", "", "\ud800", "__metadata__", "t0", "x")): rng.choice(NUMBERS),
            }
        return {**value, key: changed(rng, value[key], depth + 1)}
    if isinstance(value, list) and value:
        place = rng.randrange(len(value))
        return [changed(rng, v, depth + 1) if i == place else v for i, v in enumerate(value)]
    return rng.choice((*NUMBERS, *DTYPES))


def nested(rng: random.Random) -> bytes:
    """A header that costs a careless reader much: deep, long, or of very many parts."""
    count = rng.choice((10, 1000, 100_000))
    part = rng.choice(
        (b"[", b'{"a":', b"[1,", b'{"a":{},', b'"' + b"a" * 50 + b'":1,', b"9" * 40, b" ", b"\\u0000")
    )
    return rng.choice((b"", b"{", b'{"a":')) + part * count + rng.choice((b"", b"]" * count, b"}"))


def mutated(rng: random.Random) -> tuple[bytes, int]:
    """A file's bytes, and how long it is made (0: as long as they are)."""
    header, data = good(rng)
    kind = rng.randrange(8)
    text = json.dumps(header).encode()
    if kind == 0:
        text = nested(rng)
    elif kind <= 3:
        for _ in range(rng.randrange(1, 3)):
            header = changed(rng, header)
        text = json.dumps(header).encode()
    length = len(text)
    if kind == 4:
        length = rng.choice((0, 1, length - 1, length + 1, 1 << 20, 1 << 32, 1 << 63, (1 << 64) - 1))
    whole = bytearray(length.to_bytes(8, "little") + text + data)
    if kind == 5:
        for _ in range(rng.randrange(1, 5)):
            whole[rng.randrange(len(whole))] = rng.randrange(256)
    if kind == 6:
        whole = whole[: rng.randrange(len(whole) + 1)] + bytes(rng.randrange(3))
    far = rng.choice((1 << 30, 1 << 40)) if kind == 7 else 0
    return bytes(whole), far


def peak_mb() -> int:
    """The most memory that this process had; Linux has the parent's in ru_maxrss as well."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    return int(next(line for line in status.read_text().splitlines() if "VmHWM" in line).split()[1]) >> 10


def run(count: int, seed: int, *, alone: bool = False) -> dict[str, object]:
    """Figures of many files; `alone` in this process, the peak of memory is theirs."""
    rng = random.Random(seed)
    loaded, worst, failures = 0, 0.0, []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a")
        for number in range(count):
            contents, far = mutated(rng)
            path.write_bytes(contents)
            if far:
                with open(path, "r+b") as file:
                    file.truncate(far)
            started = perf_counter()
            try:
                tensors = load_safetensors(path, device="reference")
                loaded += 1
                ok = all(type(size) is int and size >= 0 for t in tensors.values() for size in t.shape)
                if not ok or far:
                    failures.append(f"file {number} of seed {seed} loads: {contents[:200]!r}")
            except BadFile:
                pass
            except BaseException as error:  # the failure that is looked for
                failures.append(
                    f"file {number} of seed {seed}: {type(error).__name__}: {error}: {contents[:200]!r}"
                )
            worst = max(worst, perf_counter() - started)
    peak = peak_mb()
    if worst > SECONDS:
        failures.append(f"{worst:.2f} s for one file")
    if alone and peak > MEGABYTES:
        failures.append(f"{peak} MB")
    return {
        "files": count,
        "loaded": loaded,
        "worst_seconds": worst,
        "peak_mb": peak,
        "failures": failures[:5],
    }


if __name__ == "__main__":
    print(json.dumps(run(int(sys.argv[1]), int(sys.argv[2]), alone=True)))
