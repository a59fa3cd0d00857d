"""The integer instructions: one form per line, as in the manual; nothing but rows.

The syntax is explained in encoding.py. Order matters in one way: `inst` takes the first row that fits, so
short immediates stand before long ones. A register source is always encoded with the load's opcode (8B, 03,
…): the store's opcode takes memory only, so that no bytes have two rows. Moves between registers (is_move)
and loads are rows of their own, for only the first are copies.

Source of encodings: Intel SDM volume 2. Of latencies and costs: as in table_avx.py.
"""

from __future__ import annotations

from baregrad.isa.x86.encoding import LEGACY, VEX, Row, row

CONDITIONS = ("o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g")
"""The conditions of jcc, setcc and cmovcc, by number (SDM volume 1, appendix B)."""

ALL = "8/16/32/64"
WORDS = "32/64"

# name, /digit; the opcode block of each is 8 * digit
_ARITHMETIC = (("add", 0), ("or", 1), ("and", 4), ("sub", 5), ("xor", 6), ("adc", 2), ("sbb", 3))
_SHIFTS = (("rol", 0), ("ror", 1), ("shl", 4), ("shr", 5), ("sar", 7))


def _arithmetic(name: str, digit: int) -> tuple[Row, ...]:
    flags = "rw" if name in ("adc", "sbb") else "w"
    return (
        row(name, "dst:R=rw, src:R/M=r", LEGACY(8 * digit + 3, size=ALL), flags=flags),
        row(name, "dst:M=rw, src:R=r", LEGACY(8 * digit + 1, size=ALL), flags=flags, latency=6),
        row(name, "dst:R/M=rw, imm:imm8", LEGACY(0x83, digit=digit, imm="ibs", size="16/32/64"), flags=flags),
        row(name, "dst:R/M=rw, imm:I", LEGACY(0x81, digit=digit, imm="iz", size=ALL), flags=flags),
    )


def _shift(name: str, digit: int) -> tuple[Row, ...]:
    return (
        row(name, "dst:R/M=rw, count:imm8", LEGACY(0xC1, digit=digit, imm="ib", size=WORDS), flags="w"),
        row(
            name,
            "dst:R/M=rw, count:cl=r",
            LEGACY(0xD3, digit=digit, size=WORDS),
            flags="rw",
            latency=2,
            cost=1,
        ),
    )


# fmt: off
SCALAR: tuple[Row, ...] = (
    # Moves
    row("mov",    "dst:R=w, src:R=r",           LEGACY(0x8B, size=ALL), is_move=True),
    row("mov",    "dst:R=w, src:M=r",           LEGACY(0x8B, size=ALL), latency=5),
    row("mov",    "dst:M=w, src:R=r",           LEGACY(0x89, size=ALL), cost=1),
    row("mov",    "dst:r32=w, imm:imm32",       LEGACY(0xB8, plus_r=True, imm="id")),
    row("mov",    "dst:r64=w, imm:imm32",       LEGACY(0xC7, digit=0, imm="ids", w=1)),
    row("mov",    "dst:r64=w, imm:imm64",       LEGACY(0xB8, plus_r=True, imm="iq", w=1)),
    row("mov",    "dst:M=w, imm:I",             LEGACY(0xC7, digit=0, imm="iz", size=ALL), cost=1),
    row("movzx",  "dst:r32=w, src:r8/m8=r",     LEGACY(0xB6, map="0F")),
    row("movzx",  "dst:r64=w, src:r8/m8=r",     LEGACY(0xB6, map="0F", w=1)),
    row("movzx",  "dst:r32=w, src:r16/m16=r",   LEGACY(0xB7, map="0F")),
    row("movzx",  "dst:r64=w, src:r16/m16=r",   LEGACY(0xB7, map="0F", w=1)),
    row("movsx",  "dst:r32=w, src:r8/m8=r",     LEGACY(0xBE, map="0F")),
    row("movsx",  "dst:r64=w, src:r8/m8=r",     LEGACY(0xBE, map="0F", w=1)),
    row("movsx",  "dst:r32=w, src:r16/m16=r",   LEGACY(0xBF, map="0F")),
    row("movsx",  "dst:r64=w, src:r16/m16=r",   LEGACY(0xBF, map="0F", w=1)),
    row("movsxd", "dst:r64=w, src:r32/m32=r",   LEGACY(0x63, w=1)),
    row("lea",    "dst:R=w, src:m=r",           LEGACY(0x8D, size=WORDS)),
    row("xchg",   "a:R=rw, b:R=rw",             LEGACY(0x87, size=WORDS, slots="MR"), latency=2, cost=1),
    row("xchg",   "a:M=rw, b:R=rw",             LEGACY(0x87, size=ALL), latency=18, cost=18),
    row("bswap",  "dst:R=rw",                   LEGACY(0xC8, map="0F", plus_r=True, size=WORDS)),

    # Arithmetic and logic
    *(line for name, digit in _ARITHMETIC for line in _arithmetic(name, digit)),
    row("cmp",    "a:R=r, b:R/M=r",             LEGACY(0x3B, size=ALL), flags="w"),
    row("cmp",    "a:M=r, b:R=r",               LEGACY(0x39, size=ALL), flags="w"),
    row("cmp",    "a:R/M=r, imm:imm8",          LEGACY(0x83, digit=7, imm="ibs", size="16/32/64"), flags="w"),
    row("cmp",    "a:R/M=r, imm:I",             LEGACY(0x81, digit=7, imm="iz", size=ALL), flags="w"),
    row("test",   "a:R/M=r, b:R=r",             LEGACY(0x85, size=ALL), flags="w"),
    row("test",   "a:R/M=r, imm:I",             LEGACY(0xF7, digit=0, imm="iz", size=ALL), flags="w"),
    row("imul",   "dst:R=rw, src:R/M=r",        LEGACY(0xAF, map="0F", size=WORDS), flags="w", latency=3, cost=1),
    row("imul",   "dst:R=w, src:R/M=r, imm:imm8", LEGACY(0x6B, imm="ibs", size=WORDS), flags="w", latency=3, cost=1),
    row("imul",   "dst:R=w, src:R/M=r, imm:I",  LEGACY(0x69, imm="iz", size=WORDS), flags="w", latency=3, cost=1),
    row("mul",    "lo:eax=rw, hi:edx=w, by:r32/m32=r",  LEGACY(0xF7, digit=4), flags="w", latency=4, cost=1),
    row("mul",    "lo:rax=rw, hi:rdx=w, by:r64/m64=r",  LEGACY(0xF7, digit=4, w=1), flags="w", latency=4, cost=1),
    row("imul",   "lo:eax=rw, hi:edx=w, by:r32/m32=r",  LEGACY(0xF7, digit=5), flags="w", latency=4, cost=1),
    row("imul",   "lo:rax=rw, hi:rdx=w, by:r64/m64=r",  LEGACY(0xF7, digit=5, w=1), flags="w", latency=4, cost=1),
    row("div",    "lo:eax=rw, hi:edx=rw, by:r32/m32=r", LEGACY(0xF7, digit=6), flags="w", latency=12, cost=6),
    row("div",    "lo:rax=rw, hi:rdx=rw, by:r64/m64=r", LEGACY(0xF7, digit=6, w=1), flags="w", latency=18, cost=10),
    row("idiv",   "lo:eax=rw, hi:edx=rw, by:r32/m32=r", LEGACY(0xF7, digit=7), flags="w", latency=12, cost=6),
    row("idiv",   "lo:rax=rw, hi:rdx=rw, by:r64/m64=r", LEGACY(0xF7, digit=7, w=1), flags="w", latency=18, cost=10),
    row("cdq",    "lo:eax=r, hi:edx=w",         LEGACY(0x99)),
    row("cqo",    "lo:rax=r, hi:rdx=w",         LEGACY(0x99, w=1)),
    row("cdqe",   "acc:rax=rw",                 LEGACY(0x98, w=1)),
    row("not",    "dst:R/M=rw",                 LEGACY(0xF7, digit=2, size=ALL)),
    row("neg",    "dst:R/M=rw",                 LEGACY(0xF7, digit=3, size=ALL), flags="w"),
    row("inc",    "dst:R/M=rw",                 LEGACY(0xFF, digit=0, size=ALL), flags="rw"),
    row("dec",    "dst:R/M=rw",                 LEGACY(0xFF, digit=1, size=ALL), flags="rw"),

    # Shifts and bits
    *(line for name, digit in _SHIFTS for line in _shift(name, digit)),
    row("shld",   "dst:R/M=rw, src:R=r, count:imm8", LEGACY(0xA4, map="0F", imm="ib", size=WORDS), flags="w", latency=3),
    row("shrd",   "dst:R/M=rw, src:R=r, count:imm8", LEGACY(0xAC, map="0F", imm="ib", size=WORDS), flags="w", latency=3),
    row("shlx",   "dst:R=w, src:R/MR=r, count:R=r", VEX(128, "66", "0F38", 0xF7, size=WORDS, slots="RMV"), needs="bmi2"),
    row("shrx",   "dst:R=w, src:R/MR=r, count:R=r", VEX(128, "F2", "0F38", 0xF7, size=WORDS, slots="RMV"), needs="bmi2"),
    row("sarx",   "dst:R=w, src:R/MR=r, count:R=r", VEX(128, "F3", "0F38", 0xF7, size=WORDS, slots="RMV"), needs="bmi2"),
    row("rorx",   "dst:R=w, src:R/MR=r, count:imm8", VEX(128, "F2", "0F3A", 0xF0, size=WORDS, imm="ib"), needs="bmi2"),
    row("andn",   "dst:R=w, a:R=r, b:R/MR=r",   VEX(128, "", "0F38", 0xF2, size=WORDS), flags="w", needs="bmi1"),
    row("bzhi",   "dst:R=w, src:R/MR=r, count:R=r", VEX(128, "", "0F38", 0xF5, size=WORDS, slots="RMV"), flags="w", needs="bmi2"),
    row("blsr",   "dst:R=w, src:R/MR=r",        VEX(128, "", "0F38", 0xF3, digit=1, size=WORDS), flags="w", needs="bmi1"),
    row("pext",   "dst:R=w, a:R=r, b:R/MR=r",   VEX(128, "F3", "0F38", 0xF5, size=WORDS), latency=3, cost=1, needs="bmi2"),
    row("pdep",   "dst:R=w, a:R=r, b:R/MR=r",   VEX(128, "F2", "0F38", 0xF5, size=WORDS), latency=3, cost=1, needs="bmi2"),
    row("mulx",   "hi:R=w, lo:R=w, by:R/MR=r, in:rdx=r", VEX(128, "F2", "0F38", 0xF6, size="64"), latency=4, cost=1, needs="bmi2"),
    row("bt",     "a:R/M=r, bit:imm8",          LEGACY(0xBA, map="0F", digit=4, imm="ib", size=WORDS), flags="w"),
    row("bt",     "a:R=r, bit:R=r",             LEGACY(0xA3, map="0F", size=WORDS, slots="MR"), flags="w"),
    row("bsf",    "dst:R=rw, src:R/M=r",        LEGACY(0xBC, map="0F", size=WORDS), flags="w", latency=4, cost=4),
    row("bsr",    "dst:R=rw, src:R/M=r",        LEGACY(0xBD, map="0F", size=WORDS), flags="w", latency=4, cost=4),
    row("tzcnt",  "dst:R=w, src:R/M=r",         LEGACY(0xBC, "F3", "0F", size=WORDS), flags="w", latency=3, needs="bmi1"),
    row("lzcnt",  "dst:R=w, src:R/M=r",         LEGACY(0xBD, "F3", "0F", size=WORDS), flags="w", latency=3, needs="lzcnt"),
    row("popcnt", "dst:R=w, src:R/M=r",         LEGACY(0xB8, "F3", "0F", size=WORDS), flags="w", latency=3, needs="popcnt"),

    # Conditions and control
    *(row(f"set{cc}",  "dst:r8/m8=w",          LEGACY(0x90 + n, map="0F", digit=0), flags="r") for n, cc in enumerate(CONDITIONS)),
    *(row(f"cmov{cc}", "dst:R=rw, src:R/M=r",  LEGACY(0x40 + n, map="0F", size=WORDS), flags="r") for n, cc in enumerate(CONDITIONS)),
    *(row(f"j{cc}",    "to:rel32",             LEGACY(0x80 + n, map="0F", imm="rel32"), flags="r", control="branch") for n, cc in enumerate(CONDITIONS)),
    *(row(f"j{cc}",    "to:rel8",              LEGACY(0x70 + n, imm="rel8"), flags="r", control="branch") for n, cc in enumerate(CONDITIONS)),
    row("jmp",    "to:rel32",                   LEGACY(0xE9, imm="rel32"), control="jump"),
    row("jmp",    "to:rel8",                    LEGACY(0xEB, imm="rel8"), control="jump"),
    row("jmp",    "to:r64/m64=r",               LEGACY(0xFF, digit=4), control="jump"),
    row("call",   "to:rel32",                   LEGACY(0xE8, imm="rel32"), control="call", memory="w"),
    row("call",   "to:r64/m64=r",               LEGACY(0xFF, digit=2), control="call", memory="rw"),
    row("ret",    "",                           LEGACY(0xC3), control="ret", memory="r"),
    row("push",   "src:r64=r, sp:rsp=rw",       LEGACY(0x50, plus_r=True), memory="w", cost=1),
    row("push",   "src:m64=r, sp:rsp=rw",       LEGACY(0xFF, digit=6), memory="rw", cost=1),
    row("push",   "imm:imm8, sp:rsp=rw",        LEGACY(0x6A, imm="ibs"), memory="w", cost=1),
    row("push",   "imm:imm32, sp:rsp=rw",       LEGACY(0x68, imm="ids"), memory="w", cost=1),
    row("pop",    "dst:r64=w, sp:rsp=rw",       LEGACY(0x58, plus_r=True), memory="r", latency=5),

    # Threads and memory order: a lock prefix is part of the row's name
    row("lock_xadd",    "dst:M=rw, src:R=rw",   LEGACY(0xC1, map="0F", size=ALL, lock=True), flags="w", latency=18, cost=18),
    row("lock_cmpxchg", "dst:m32=rw, src:r32=r, acc:eax=rw", LEGACY(0xB1, map="0F", lock=True), flags="w", latency=18, cost=18),
    row("lock_cmpxchg", "dst:m64=rw, src:r64=r, acc:rax=rw", LEGACY(0xB1, map="0F", lock=True, w=1), flags="w", latency=18, cost=18),
    row("lock_add",     "dst:M=rw, src:R=r",    LEGACY(0x01, size=ALL, lock=True), flags="w", latency=18, cost=18),
    row("lock_add",     "dst:M=rw, imm:imm8",   LEGACY(0x83, digit=0, imm="ibs", size=WORDS, lock=True), flags="w", latency=18, cost=18),
    row("lock_add",     "dst:M=rw, imm:I",      LEGACY(0x81, digit=0, imm="iz", size=WORDS, lock=True), flags="w", latency=18, cost=18),
    row("lock_sub",     "dst:M=rw, src:R=r",    LEGACY(0x29, size=ALL, lock=True), flags="w", latency=18, cost=18),
    row("lock_or",      "dst:M=rw, src:R=r",    LEGACY(0x09, size=ALL, lock=True), flags="w", latency=18, cost=18),
    row("lock_or",      "dst:M=rw, imm:imm8",   LEGACY(0x83, digit=1, imm="ibs", size=WORDS, lock=True), flags="w", latency=18, cost=18),
    row("lock_and",     "dst:M=rw, src:R=r",    LEGACY(0x21, size=ALL, lock=True), flags="w", latency=18, cost=18),
    row("lock_inc",     "dst:M=rw",             LEGACY(0xFF, digit=0, size=ALL, lock=True), flags="w", latency=18, cost=18),
    row("lock_dec",     "dst:M=rw",             LEGACY(0xFF, digit=1, size=ALL, lock=True), flags="w", latency=18, cost=18),
    row("mfence", "",                           LEGACY(0xAE, map="0F", modrm=0xF0), memory="rw", latency=33, cost=33),
    row("lfence", "",                           LEGACY(0xAE, map="0F", modrm=0xE8), memory="rw", latency=4, cost=4),
    row("sfence", "",                           LEGACY(0xAE, map="0F", modrm=0xF8), memory="rw", latency=6, cost=6),
    row("pause",  "",                           LEGACY(0x90, "F3"), latency=40, cost=40),

    # System and the rest
    row("syscall", "number:rax=rw",             LEGACY(0x05, map="0F"), clobbers=(1, 11), flags="w", memory="rw", latency=100, cost=100),
    row("cpuid",  "leaf:eax=rw, subleaf:ecx=rw, b:ebx=w, d:edx=w", LEGACY(0xA2, map="0F"), latency=100, cost=100),
    row("xgetbv", "which:ecx=r, lo:eax=w, hi:edx=w", LEGACY(0x01, map="0F", modrm=0xD0), latency=10, cost=10),
    row("rdtsc",  "lo:eax=w, hi:edx=w",         LEGACY(0x31, map="0F"), latency=25, cost=25),
    row("rdtscp", "lo:eax=w, hi:edx=w, id:ecx=w", LEGACY(0x01, map="0F", modrm=0xF9), latency=30, cost=30),
    row("ldmxcsr", "src:m32=r",                 LEGACY(0xAE, map="0F", digit=2), memory="r", latency=5, cost=1),
    row("stmxcsr", "dst:m32=w",                 LEGACY(0xAE, map="0F", digit=3), memory="w", latency=5, cost=1),
    row("nop",    "",                           LEGACY(0x90)),
    row("nop",    "pad:m16=r",                  LEGACY(0x1F, "66", "0F", digit=0), memory=""),
    row("nop",    "pad:m32=r",                  LEGACY(0x1F, map="0F", digit=0), memory=""),
    row("ud2",    "",                           LEGACY(0x0B, map="0F"), control="ret"),
    row("int3",   "",                           LEGACY(0xCC)),
    row("endbr64", "",                          LEGACY(0x1E, "F3", "0F", modrm=0xFA)),
    row("prefetcht0", "at:m=r",                 LEGACY(0x18, map="0F", digit=1)),
    row("prefetcht1", "at:m=r",                 LEGACY(0x18, map="0F", digit=2)),
    row("prefetchnta", "at:m=r",                LEGACY(0x18, map="0F", digit=0)),
    row("prefetchw", "at:m=r",                  LEGACY(0x0D, map="0F", digit=1)),
    row("rep_movsb", "dst:rdi=rw, src:rsi=rw, count:rcx=rw", LEGACY(0xA4, "F3"), memory="rw", latency=30, cost=30),
    row("rep_stosb", "dst:rdi=rw, value:al=r, count:rcx=rw", LEGACY(0xAA, "F3"), memory="w", latency=30, cost=30),
)
# fmt: on
