"""Every public operation does what its record says, on the reference device and on the CPU.

Tests are made of baregrad/tensor/records: values against formulas in numpy, dtypes of results, calls that
must raise. The suite takes float32 and one more dtype of each record; `make slow` takes all of them.
"""

from __future__ import annotations

import builtins
from zlib import crc32

import pytest

from baregrad import dtype as dt
from baregrad.base import errors
from baregrad.base.config import override
from baregrad.tensor import Tensor
from baregrad.tensor.records import WITHOUT_RECORD, Record, records
from tests.tensor.from_records import (
    ALL,
    VALUED,
    array_of,
    cases,
    compare,
    expected,
    given,
    ours,
    result_dtype,
    shown,
    tensor,
)

WITHOUT_RECORD_YET: list[str] = []


def test_every_public_operation_has_a_record():
    public = {name for name in dir(Tensor) if not name.startswith("_")}
    known = set(records()) | set(" ".join(WITHOUT_RECORD.values()).split()) | set(WITHOUT_RECORD_YET)
    assert not public - known, "add a row to baregrad/tensor/records/table_*.py"
    assert not {name for name in known if name[0] != "_"} - public, "these are gone"
    assert not set(WITHOUT_RECORD_YET) & set(records())


by_name = {"ids": lambda record: record.name}


def check_values(record: Record, dtype: dt.DType, device: str, most: int = 99) -> None:
    """Samples of a dtype in one realize: at most so many from the first on, and as many from the last."""
    with override(device=device):
        rows = []
        every = list(cases(record, dtype))
        for what, sample in every if len(every) <= 2 * most else every[:most] + every[-most:]:
            call = given(record, sample, dtype, tensor(device))
            found = ours(record, call)
            for place, part in enumerate(found):
                assert part.dtype is result_dtype(record, sample, call, dtype, place), f"{what}: dtype"
            rows.append((what, sample, found))
        flat = [part for _, _, found in rows for part in found]
        if not flat:
            return
        flat[0].realize(*flat[1:])
        for what, sample, found in rows:
            wanted = expected(record, sample, dtype)
            assert len(found) == len(wanted), f"{what}: {len(found)} results"
            for one, other in zip(found, wanted, strict=True):
                if record.random:
                    assert one.shape == other.shape, f"{what}: shape"
                else:
                    compare(array_of(one), other, one.dtype, record.tolerance, what)


@pytest.mark.parametrize("record", ALL, **by_name)
def test_values(record):
    check_values(record, dt.float32, "reference", 3)
    others = [dtype for dtype in VALUED if dtype is not dt.float32 and record.takes(dtype)]
    if others:
        check_values(record, others[crc32(record.name.encode()) % len(others)], "reference", 1)


@pytest.mark.slow
@pytest.mark.parametrize("record", ALL, **by_name)
@pytest.mark.parametrize("device", ["reference", "cpu"])
def test_all_values(record, device):
    for dtype in VALUED:
        check_values(record, dtype, device)


def test_unsupported_dtypes_raise():
    for record in ALL:
        for dtype in VALUED:
            if record.dtypes and not record.takes(dtype):
                call = given(record, record.samples[0], dtype, tensor("reference"))
                with pytest.raises(errors.DTypeError):
                    raise AssertionError(f"{record.name} of {dtype} gives {ours(record, call)[0].dtype}")


@pytest.mark.parametrize("record", [r for r in ALL if r.errors], **by_name)
def test_refused(record):
    for refusal in record.errors:
        call = given(record, refusal, dt.float32, tensor("reference"))
        kind = getattr(errors, refusal.kind, None) or getattr(builtins, refusal.kind)
        with override(device="reference"), pytest.raises(kind, match=refusal.words or None) as caught:
            raise AssertionError(f"{record.name}({shown(refusal)}) gives {ours(record, call)}")
        if issubclass(kind, errors.BaregradError):
            assert caught.value.why, "it says why"
            assert caught.value.mend, "it says the mend"
