"""What the emitted loops share: the layouts they read, and the pieces of code that both are made of.

The control block is how a running list and the workers talk. Its fields stand on cache lines by who writes
them.

`tickets` counts down the items of the job that nobody has taken yet. Who takes one (lock xadd of -1) and gets
a value above 0 has the item grid - value of the *present* job: the job cannot end before that item is
finished, so `code`, `block` and `grid`, read afterwards, are that job's. A worker that comes late finds 0 or
less, and can neither run a stale item nor run one twice; there is no other check, and no generation number.
`pending` counts the items that are not finished; at 0 the next entry of the list may begin.

A worker that finds nothing for `spin` ticks of the time stamp counter reads `sequence`, sets `asleep`, looks
once more, and waits (futex) while `sequence` is what it read. A publisher writes `tickets`, then looks at
`asleep`; if it is set, it clears it, and only then changes `sequence` and wakes everybody. Each side does a
locked write before it reads, so one of them sees the other; and a worker whose mark is cleared has read the
old `sequence`, so that it does not sleep on unnoticed.

Read runner.py (who publishes) and workers.py (who waits) next.
"""

from __future__ import annotations

from baregrad.isa.form import Inst, Label, Mem
from baregrad.isa.x86 import SizedMem, inst, mem
from baregrad.runtime.layout import Field, Layout

# fmt: off
CONTROL = Layout("control", 320, [
    Field("tickets",  0,   "q"),
    Field("pending",  64,  "q"),
    Field("code",     128, "Q"),
    Field("block",    136, "Q"),
    Field("grid",     144, "Q"),
    Field("busy",     192, "Q"),  # 1 while a list has a job published
    Field("sequence", 256, "I"),
    Field("asleep",   260, "I"),
    Field("stop",     264, "I"),
    Field("spin",     272, "Q"),
])
FRAME = Layout("frame", 32, [
    Field("entries",  0,   "Q"),  # address of the first ENTRY
    Field("end",      8,   "Q"),  # address behind the last one
    Field("control",  16,  "Q"),  # address of the CONTROL, 0 without workers
    Field("stamps",   24,  "Q"),  # address of one u64 more than there are entries, 0 for none
])
ENTRY = Layout("entry", 24, [
    Field("code",     0,   "Q"),
    Field("block",    8,   "Q"),
    Field("grid",     16,  "Q"),
])
# fmt: on

SAVED = ("rbp", "rbx", "r12", "r13", "r14", "r15")  # System V: what a function gives back as it was
MXCSR = 0x1F80  # all exceptions masked, round to nearest, denormals kept: what kernels rely on
SYS_SCHED_YIELD, SYS_FUTEX = 24, 202
FUTEX_WAIT, FUTEX_WAKE, FUTEX_PRIVATE = 0, 1, 128
EVERYBODY = 0x7FFFFFFF

# How often to look before giving the core away for a moment: 2 to 10 µs. The thread that is waited for may
# need this very core: a woken worker often begins on its waker's, and would spin while that one stands still.
LOOKS = 100

Code = list[Inst | Label | bytes]


def field(base: str, layout: Layout, name: str) -> Mem | SizedMem:
    """The memory of a record's field; `base` is the register that holds the record's address."""
    return mem(base, disp=layout.offset(name), bits=layout.bits(name))


def enter() -> Code:
    """Begin a function that calls kernels: keep what the caller owns, align the stack to 16, set MXCSR.

    A library may have set flush-to-zero in this thread; kernels begin with the default, the caller gets its
    own back.
    """
    return [
        *(inst("push", name) for name in SAVED),
        inst("sub", "rsp", 8),
        inst("stmxcsr", mem("rsp")),
        inst("mov", mem("rsp", disp=4, bits=32), MXCSR),
        inst("ldmxcsr", mem("rsp", disp=4)),
    ]


def leave() -> Code:
    """End a function that began with `enter`."""
    return [
        inst("ldmxcsr", mem("rsp")),
        inst("add", "rsp", 8),
        *(inst("pop", name) for name in reversed(SAVED)),
        inst("ret"),
    ]


def take_items(done: Label) -> Code:
    """Run items of the present job until none is left, then go to `done`. r13 is the control block."""
    again = Label(f"{done.name}.take")
    return [
        again,
        inst("mov", "rax", -1),
        inst("lock_xadd", field("r13", CONTROL, "tickets"), "rax"),
        inst("test", "rax", "rax"),
        inst("jle", done),
        inst("mov", "rsi", field("r13", CONTROL, "grid")),
        inst("sub", "rsi", "rax"),
        inst("mov", "rdi", field("r13", CONTROL, "block")),
        inst("call", field("r13", CONTROL, "code")),
        inst("lock_dec", field("r13", CONTROL, "pending")),
        inst("jmp", again),
    ]


def wake() -> Code:
    """Wake every worker that waits. The control block is in r13; rax, rcx, rdx, rsi, rdi, r8-r11 are lost."""
    return [
        inst("lea", "rdi", mem("r13", disp=CONTROL.offset("sequence"))),
        inst("mov", "esi", FUTEX_WAKE | FUTEX_PRIVATE),
        inst("mov", "edx", EVERYBODY),
        inst("mov", "eax", SYS_FUTEX),
        inst("syscall"),
    ]


def give_way() -> Code:
    """Let another thread have the core, if one wants it; rax, rcx, r11 are lost. Cost: 0.2 µs."""
    return [inst("mov", "eax", SYS_SCHED_YIELD), inst("syscall")]


def read_ticks() -> Code:
    """The time stamp counter into rax; rdx is lost."""
    return [inst("rdtsc"), inst("shl", "rdx", 32), inst("or", "rax", "rdx")]
