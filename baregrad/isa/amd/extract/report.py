"""What an extraction found, and what it did not: text for whoever reads a new manual."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from baregrad.isa.amd.extract.tables import Manual
from baregrad.isa.pseudocode import walk


def report(manual: Manual) -> str:
    """The report of an extraction, as Markdown.

    Chapters with their entries and bodies, formats, entries without a body by name, bodies that could not be
    read, errata with their evidence, what readings differ in, and the constructs of the pseudocode.
    """
    return "\n".join(_lines(manual)) + "\n"


def _lines(manual: Manual) -> Iterator[str]:
    entries = [one for _, one in manual.instructions]
    with_body = [one for one in entries if one.tree is not None]
    yield f"# {manual.arch}: {len(entries)} entries, {len(with_body)} with a body"
    yield ""
    yield "| chapter | entries | with a body |"
    yield "|---|---|---|"
    chapters = Counter(one.section for one in entries)
    bodies = Counter(one.section for one in with_body)
    for chapter, count in chapters.items():
        yield f"| {chapter} | {count} | {bodies[chapter]} |"
    yield ""
    yield f"## {len(manual.formats)} formats, {sum(len(table.fields) for table in manual.formats)} fields"
    yield ""
    for table in manual.formats:
        fields = ", ".join(f"{one.name} {_bits(one.parts)}" for one in table.fields)
        yield f"- {table.name} ({table.encoding or '-'}; {len(table.opcodes)} opcodes): {fields}"
    for title, rows in _lists(manual):
        yield ""
        yield f"## {len(rows)} {title}"
        yield ""
        yield from (f"- {row}" for row in rows)


def _lists(manual: Manual) -> Iterator[tuple[str, list[str]]]:
    none = [
        f"{one.name} ({name})" for name, one in manual.instructions if one.tree is None and not one.unread
    ]
    yield "entries without a body", none
    yield (
        "bodies that could not be read",
        [f"{one.name}: {one.unread}" for _, one in manual.instructions if one.unread],
    )
    yield "errata", [f"{row.kind} {row.place}: {row.right or '-'} ({row.evidence})" for row in manual.applied]
    yield "remarks", manual.notes
    kinds: Counter[str] = Counter()
    calls: Counter[str] = Counter()
    for _, one in manual.instructions:
        for node in walk(one.tree) if one.tree is not None else ():
            kinds[str(node[0])] += 1
            if node[0] == "call" and isinstance(node[1], str):
                calls[node[1]] += 1
    yield "constructs", [f"`{kind}` {count}" for kind, count in sorted(kinds.items())]
    yield "functions", [f"`{name}` {count}" for name, count in sorted(calls.items())]


def _bits(parts: tuple[tuple[int, int], ...]) -> str:
    return "+".join(f"[{high}:{low}]" if high != low else f"[{high}]" for high, low in parts)
