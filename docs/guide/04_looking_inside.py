"""04: what a line becomes, level by level, down to bytes.

Run it: python docs/guide/04_looking_inside.py
The same without a line of code: BG_DEBUG=4 python FILE, or python -m baregrad passes FILE.
"""

import baregrad as bg
from baregrad.base import Event, listen
from baregrad.ir import KERNEL, LINEAR, parse, verify
from baregrad.isa.x86 import disassemble

heard: dict[str, Event] = {}


def hear(event: Event) -> None:
    """Keep what each pass made."""
    heard[event.facts["name"] if event.kind == "pass" else event.kind] = event


# Compiled kernels are kept on disk; a kernel that is found there goes through no pass, so look without the
# cache.
x = bg.Tensor([float(n % 3) for n in range(1024)])
with bg.override(cache=False), listen(hear, "pass", "compiled"):
    assert (x * x).sum().item() == 1705.0
print(*heard, sep="\n")

# Every level is a graph or list of the same nodes, and has the same text. schedule: loops as values, and an
# explicit order of loads and stores.
scheduled = heard["schedule"].facts["text"]()
print(scheduled)
assert "reduce float32" in scheduled

# kernel.optimize splits loops and says what each part is: lanes of a vector, instances side by side, a
# loop.
print(heard["kernel.optimize"].facts["text"]())
assert "reduce_vector" in heard["kernel.optimize"].facts["text"]()

# lower makes a list: what is loaded, computed and stored in which order, in vectors that the CPU has. Loops
# carry values: `carry` is what the last iteration, or the lines before the loop, gave.
lowered = heard["lower"].facts["text"]()
print(lowered)
assert "fma float32" in lowered
assert "carry float32" in lowered

# Texts are read back as the very same nodes, and each level has rules that can be checked.
assert parse(scheduled)[-1] is heard["schedule"].facts["graph"]
verify(heard["schedule"].facts["graph"], KERNEL)
verify(heard["lower"].facts["graph"], LINEAR)

# render gives the program: machine code, with its constants behind it. The bytes are read back by the
# decoder that works from the same rows as the encoder.
program = heard["compiled"].facts["program"]
lines = [line.text for line in disassemble(program.code)]
print("\n".join(lines[:12]))
assert any(line.startswith("vfmadd") for line in lines)
assert "ret" in lines
