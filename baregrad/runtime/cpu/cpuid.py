"""Asking the processor that we run on: CPUID, the time stamp counter, and how many cores we may use.

The functions that ask are made of our own instructions; what the answers mean is in isa/x86/features.py.
What is not here: which features a target wants (rows in `render`), and overriding them (device.py).
"""

from __future__ import annotations

import ctypes
import os

from baregrad.base.integers import ceil_div
from baregrad.isa.x86 import CPUID_BYTES, assemble, cpuid_code, inst
from baregrad.runtime.cpu.code import CodeMemory

CPU_QUOTA = "/sys/fs/cgroup/cpu.max"  # "quota period" in µs, or "max period" (Linux: cgroup-v2)


class Processor:
    """The processor that we run on, asked through functions that are put into `code`."""

    __slots__ = ("_code", "cpuid", "ticks")

    def __init__(self, code: CodeMemory) -> None:
        self._code = code  # which would be unmapped if nobody kept it
        filled = ctypes.create_string_buffer(CPUID_BYTES)
        kernel = code.load(cpuid_code(), "cpuid")
        ctypes.CFUNCTYPE(None, ctypes.c_void_p)(kernel.entry)(ctypes.addressof(filled))
        code.free(kernel)
        self.cpuid = filled.raw
        """What CPUID and XGETBV say, in the form that isa/x86 reads."""
        ticks = [inst("rdtsc"), inst("shl", "rdx", 32), inst("or", "rax", "rdx"), inst("ret")]
        self.ticks = ctypes.CFUNCTYPE(ctypes.c_uint64)(code.load(assemble(ticks), "ticks").entry)
        """Reads the time stamp counter."""


def cores(quota_file: str = CPU_QUOTA) -> int:
    """How many cores this process may use: those it may run on, as far as its control group pays."""
    may_run = len(os.sched_getaffinity(0))
    try:
        with open(quota_file, encoding="ascii") as file:
            quota, period = file.read().split()
    except OSError:  # no control group: no quota
        return may_run
    if quota == "max":
        return may_run
    return max(1, min(may_run, ceil_div(int(quota), int(period))))
