"""Everything that is known of an instruction, for people: encoding, operands, effects, latency, meaning.

What is not here: where any of it comes from (layout.py, effects.py, latency.py, meaning/).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from baregrad.base.errors import EncodingError
from baregrad.isa.amd.archs import arch, tables
from baregrad.isa.amd.effects import Effects, effects
from baregrad.isa.amd.forms import by_name
from baregrad.isa.amd.latency import latency_class, passes
from baregrad.isa.amd.layout import Form, Slot, parts, take
from baregrad.isa.amd.meaning import explained
from baregrad.isa.meaning import listing


def explain(name: str, chip: str, wave: int = 0) -> str:
    """What is known of the forms of that name, with or without a suffix (v_add_f32, v_add_f32_dpp).

    Errors: EncodingError for a name that the chip has not.
    """
    found = by_name(chip, wave).get(name.lower())
    if found is None:
        near = difflib.get_close_matches(name.lower(), by_name(chip, wave), 3)
        raise EncodingError(
            f"no {name} on {chip}",
            why=f"{arch(chip).manual} has no such instruction",
            mend=f"ask for {' or '.join(near)}" if near else "write it as an assembler does",
        )
    blocks = ["\n".join(lines_of(form)) for form in found]
    meanings: dict[str, list[str]] = {}
    for form in found:
        meanings.setdefault(meaning_lines(form), []).append(f"{form.name} ({form.encoding})")
    for text, names in meanings.items():
        blocks.append(f"meaning of {', '.join(dict.fromkeys(names))}:\n{text}")
    return "\n\n".join(blocks)


def lines_of(form: Form) -> Iterator[str]:
    """A form: its bits, operands, modifiers, effects, class."""
    row = arch(form.arch)
    literal = {"may": ", a literal of 4 may follow", "must": ", a literal of 4 follows"}.get(form.literal, "")
    yield f"{form.name}: {row.chip}, {form.encoding}, opcode {form.entry.opcode}, {form.size} bytes{literal}"
    yield f"  encoding  {pattern(form)}"
    for field in fixed_fields(form):
        yield f"            {field}"
    for slot in form.slots:
        yield f"  operand   {operand(slot)}"
    for one in form.modifiers:
        yield f"  modifier  {one.name} in {bits(one.where)}, {one.default} when it is not written"
    for line in effect_lines(effects(form)):
        yield f"  effect    {line}"
    kind = latency_class(form.entry.format, form.entry.name)
    count = passes(form.arch, form.entry.name)
    yield f"  class     {kind.name}: {kind.meaning}" + (f"; {count} passes" if count else "")


def pattern(form: Form) -> str:
    """The words of a form, highest bit first: 0 and 1 where they are fixed, a point where an operand lies."""
    marks = [
        str(form.value >> at & 1) if form.mask >> at & 1 else "." for at in reversed(range(8 * form.size))
    ]
    words = ["".join(marks[at : at + 32]) for at in range(0, len(marks), 32)]
    return " ".join(words)


def fixed_fields(form: Form) -> Iterator[str]:
    """The fields of the manual's format that a form gives a value, with it."""
    found = tables(form.arch).formats.get(form.encoding.partition("+")[0])
    for name, field in () if found is None else found.fields.items():
        where = parts(field)
        if all(form.mask >> low & (1 << size) - 1 == (1 << size) - 1 for low, size in where):
            yield f"{name} {bits(where)} = {take(where, form.value):#x}"


def operand(slot: Slot) -> str:
    """An operand: role, kind, size, what becomes of it."""
    used = " and ".join(["read"] * slot.read + ["written"] * slot.written)
    where = f", always {slot.fixed!r}" if slot.kind == "fixed" else f" in {bits(slot.where)}"
    marks = [name for name in ("neg", "abs", "sext", "half") if getattr(slot, name) >= 0]
    changes = f", may have {' '.join(marks)}" if marks else ""
    return f"{slot.role.lower()}: {slot.kind}, {slot.type}{slot.bits}, {used}{where}{changes}"


def signature(form: Form) -> str:
    """The operands of a form on one line.

    >>> signature(by_name("gfx1100", 32)["v_add_f32_e32"][0])
    'd0:vgpr32, s0:src32, s1:vgpr32'
    """
    return ", ".join(f"{one.role.lower()}:{one.kind}{one.bits}" for one in form.slots if one.kind != "fixed")


def bits(where: tuple[tuple[int, int], ...]) -> str:
    """Places of bits as a manual writes them, the high piece first."""
    return (
        " ".join(f"[{low + size - 1}:{low}]" if size > 1 else f"[{low}]" for low, size in reversed(where))
        or "no bits"
    )


def effect_lines(found: Effects) -> Iterator[str]:
    """What an instruction does besides its operands."""
    memory = found.memory
    if memory is not None:
        size = f" of {memory.bytes} bytes" if memory.bytes else ""
        back = ", the old value comes back" if memory.returns else ", to local memory" if memory.lds else ""
        yield f"{memory.space} {memory.kind}{size}{back}"
    for word, names in (("reads", found.reads), ("writes", found.writes), ("raises", found.counters),
                        ("waits for", found.waits)):  # fmt: skip
        if names:
            yield f"{word} {', '.join(names)}"
    if found.control:
        yield found.control
    if found.keeps:
        yield "a part of the result stays as it was"
    if found.indirect:
        yield "M0 is added to the number of a register"


def meaning_lines(form: Form) -> str:
    """The meaning of a form, or why there is none."""
    found = explained(form)
    if isinstance(found, str):
        return f"    none: {found}"
    when = {"lane": "for each lane of EXEC", "wave": "once, over whole registers", "scalar": "once"}[
        found.scope
    ]
    lines = [
        f"{when}, over {', '.join(f'{name} of {n} bits' for name, n in found.variables.items()) or 'nothing'}"
    ]
    if found.tree:
        lines += listing(found.tree).split("\n")
    if found.action:
        lines.append(f"then the machine does: {found.action}")
    return "\n".join("    " + line for line in lines)
