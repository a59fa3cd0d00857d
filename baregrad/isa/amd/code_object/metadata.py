"""The metadata of a code object: what a runtime must know of its kernels, in the note NT_AMDGPU_METADATA.

The note is MessagePack (through the package msgpack, extra "isa"); `.amdgpu_metadata` in assembly is the same
as YAML, of which this reads and writes the part that LLVM writes. What the keys mean is not checked here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from baregrad.base.errors import BadFile, EncodingError
from baregrad.base.lazy import optional

Value: TypeAlias = "str | int | bool | list[Value] | dict[str, Value] | None"

OWNER, KIND = "AMDGPU", 32
DEEP = 16  # maps and lists inside each other: LLVM writes 5


def read(data: bytes, source: str = "metadata") -> dict[str, Value]:
    """The map that a note holds.

    Errors: BadFile for bytes that are no map of strings, integers, truth values, lists and maps; ConfigError
    without msgpack.
    """
    msgpack = optional("msgpack", wanted_for="the metadata of code objects", extra="isa")
    try:
        found = msgpack.unpackb(data, raw=False, strict_map_key=True)
    except (ValueError, TypeError, msgpack.UnpackException) as problem:
        raise _bad(source, f"no MessagePack: {str(problem) or type(problem).__name__}") from None
    if not isinstance(found, dict):
        raise _bad(source, f"{type(found).__name__} where a map belongs")
    _check(found, source)
    return found


def write(metadata: Mapping[str, Value]) -> bytes:
    """The note of a map: keys sorted, each number in the fewest bytes, as LLVM writes it.

    Errors: EncodingError for values that a note does not hold; ConfigError without msgpack.
    """
    msgpack = optional("msgpack", wanted_for="the metadata of code objects", extra="isa")
    try:
        _check(metadata, "metadata")
        packed: bytes = msgpack.packb(_sorted(dict(metadata)), use_bin_type=True)
    except (BadFile, OverflowError) as problem:
        raise EncodingError(str(problem), why="a note does not hold it", mend="leave it out") from None
    return packed


def _sorted(value: Value) -> Value:
    """The value with the keys of its maps in order."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(one) for one in value] if isinstance(value, list) else value


def _check(value: object, source: str, deep: int = 0) -> None:
    """Refuse what the value of a note can't be."""
    if deep > DEEP:
        raise _bad(source, f"more than {DEEP} maps and lists inside each other")
    if isinstance(value, Mapping):
        for key, one in value.items():
            if not isinstance(key, str):
                raise _bad(source, f"the key {key!r} is no string")
            _check(one, source, deep + 1)
    elif isinstance(value, list):
        for one in value:
            _check(one, source, deep + 1)
    elif not isinstance(value, str | int | None):
        raise _bad(source, f"a value of type {type(value).__name__}")


def _bad(source: str, what: str) -> BadFile:
    """The error for a note that can't be read."""
    return BadFile(
        f"{source}: {what}",
        why="the note is a map of strings, integers, truth values, lists and maps",
        mend="the file is corrupt, or of a version before 3: build or fetch it again",
    )


def text(metadata: Mapping[str, Value]) -> str:
    """The map as LLVM writes it in assembly, from "---" to "...".

    >>> print(text({"amdhsa.version": [1, 2], "amdhsa.kernels": [{".name": "f", ".size": 8}]}), end="")
    ---
    amdhsa.kernels:
      - .name:           f
        .size:           8
    amdhsa.version:
      - 1
      - 2
    ...
    """
    lines = _lines(dict(metadata), 0) if metadata else ("{}",)
    return "\n".join(("---", *lines, "...")) + "\n"


def _lines(value: Value, indent: int) -> Iterator[str]:
    """The lines of a map or list that begins in column `indent`."""
    space = " " * indent
    if isinstance(value, dict):
        for key in sorted(value):
            one, name = value[key], _scalar(key) + ":"
            if isinstance(one, dict | list) and one:
                yield space + name
                yield from _lines(one, indent + 2)
            else:
                yield f"{space}{name:<16} {_scalar(one)}"
    elif isinstance(value, list):
        for one in value:
            if not isinstance(one, dict | list) or not one:
                yield f"{space}- {_scalar(one)}"
                continue
            for number, line in enumerate(_lines(one, indent + 2)):
                yield f"{space}- {line[indent + 2 :]}" if not number else line


def _scalar(value: Value) -> str:
    """One value; a string stands in quotes where it would be read as something else."""
    if isinstance(value, str):
        if PLAIN.fullmatch(value) and _parsed(value) == value:
            return value
        if value.isprintable():
            return "'" + value.replace("'", "''") + "'"
        return json.dumps(value)
    if value is None or isinstance(value, bool):
        return next(word for word, constant in CONSTANTS.items() if constant is value)
    return str(value) if isinstance(value, int) else "[]" if isinstance(value, list) else "{}"


def _parsed(word: str) -> Value:
    """The value of a word, or of a list or map on one line. Errors: ValueError for what is no whole one."""
    if word in CONSTANTS:
        return CONSTANTS[word]
    if word[0] == "'":
        if not QUOTED.fullmatch(word):
            raise ValueError("a string in quotes ends with one, and has two for one inside")
        return word[1:-1].replace("''", "'")
    if word[0] == '"':
        text: str = json.loads(word)
        return text
    if word[0] in "[{":
        return _Flow(word).whole()
    return int(word, 0) if NUMBER.fullmatch(word) else word


CONSTANTS: dict[str, Value] = {"true": True, "false": False, "null": None, "~": None}
NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,19}|0x[0-9a-fA-F]{1,16})")
PLAIN = re.compile(r"[\w.$/(+][\w.$/()+*<>@-]*( [\w.$/()+*<>@-]+)*", re.A)
QUOTED = re.compile(r"'(?:[^']|'')*'")
KEY = re.compile(r"""('(?:[^']|'')*'|"(?:[^"\\]|\\.)*"|[^'":\s{[][^:]*):(?:\s+(.*))?""", re.S)


FLOW = re.compile(
    r"""\s*('(?:[^']|'')*'|"(?:[^"\\]|\\.)*"|[\[\]{},]|:(?=\s|$)|(?:[^\s,:\[\]{}'"]|:(?=\S))+)\s*"""
)


class _Flow:
    """A list or map that is written on one line, [1, 2] or {.size: 8}, and how far it is read."""

    __slots__ = ("at", "words")

    def __init__(self, text: str) -> None:
        self.words, self.at, end = list[str](), 0, 0
        while end < len(text):
            match = FLOW.match(text, end)
            if match is None:
                raise ValueError(f"{text[end:]!r} begins no value")
            self.words.append(match[1])
            end = match.end()

    def whole(self) -> Value:
        """The value of all words."""
        found = self.value(0)
        if self.at < len(self.words):
            raise ValueError(f"{self.words[self.at]!r} stands behind the end of a value")
        return found

    def next(self) -> str:
        """The next word, "" at the end."""
        self.at += 1
        return self.words[self.at - 1] if self.at <= len(self.words) else ""

    def value(self, deep: int) -> Value:
        """The value that begins with the next word."""
        word = self.next()
        if word not in ("[", "{"):
            if not word or word in "]},:":
                raise ValueError(f"{word or 'the end'!r} stands where a value begins")
            return _parsed(word)
        if deep > DEEP:
            raise ValueError("too many values stand inside each other")
        items, pairs = list[Value](), dict[str, Value]()
        end = "]" if word == "[" else "}"
        while self.words[self.at : self.at + 1] != [end]:
            one = self.value(deep + 1)
            if word == "{":
                if not isinstance(one, str) or one in pairs or self.next() != ":":
                    raise ValueError("a key, which is not there yet, and a colon stand before each value")
                pairs[one] = self.value(deep + 1)
            else:
                items.append(one)
            if self.words[self.at : self.at + 1] != [end] and self.next() != ",":
                raise ValueError(f"a comma or {end} follows each value")
        self.at += 1
        return items if word == "[" else pairs


def parse(text: str) -> dict[str, Value]:
    """The map of its text, between "---" and "..." if they are there. Errors: EncodingError with the line."""
    rows = []
    for number, line in enumerate(text.split("\n"), 1):
        words = line.strip()
        if words and words not in ("---", "...") and not words.startswith("#"):
            rows.append((number, len(line) - len(line.lstrip()), words))
    if [words for _, _, words in rows] == ["{}"]:
        return {}
    reader = _Reader(rows)
    value = reader.block(0)
    if not isinstance(value, dict) or reader.at < len(rows):
        raise reader.wrong("a map of keys begins here")
    return value


class _Reader:
    """The lines of metadata as (number, column, words), and how far they are read."""

    __slots__ = ("at", "rows")

    def __init__(self, rows: list[tuple[int, int, str]]) -> None:
        self.rows, self.at = rows, 0

    def wrong(self, why: str) -> EncodingError:
        """The error for the line where the reader stands."""
        number, _, words = self.rows[min(self.at, len(self.rows) - 1)] if self.rows else (1, 0, "")
        return EncodingError(
            f"metadata, line {number}: {words[:80]!r}", why=why, mend='write "key: value" or "- value"'
        )

    def block(self, deep: int) -> Value:
        """The list or map whose first line is next."""
        if self.at >= len(self.rows) or deep > 2 * DEEP:
            raise self.wrong("a value is missing, or too many stand inside each other")
        column = self.rows[self.at][1]
        if self.rows[self.at][2].startswith("- "):
            return self._list(column, deep)
        return self._map(column, deep)

    def _list(self, column: int, deep: int) -> Value:
        """The items that begin with "- " in a column."""
        found: list[Value] = []
        while self._next(column) and self.rows[self.at][2].startswith("- "):
            number, _, words = self.rows[self.at]
            rest = words[2:].lstrip()
            if rest.startswith("- ") or KEY.fullmatch(rest):
                self.rows[self.at] = (number, column + len(words) - len(rest), rest)
                found.append(self.block(deep + 1))
            else:
                found.append(self._word(rest))
                self.at += 1
        return found

    def _map(self, column: int, deep: int) -> Value:
        """The keys in a column, with what stands behind each or deeper below it."""
        found: dict[str, Value] = {}
        while self._next(column) and not self.rows[self.at][2].startswith("- "):
            match = KEY.fullmatch(self.rows[self.at][2])
            word = self._word(match[1]) if match else None
            key = word if isinstance(word, str) else match[1] if match else ""
            if not match or key in found:
                raise self.wrong("a key, which is not there yet, and a colon begin a line")
            value = self._word(match[2]) if match[2] else None
            self.at += 1
            found[key] = value if match[2] else self.block(deep + 1)
        return found

    def _word(self, word: str) -> Value:
        """The value of a word in the line that is next."""
        try:
            return _parsed(word)
        except ValueError as problem:
            raise self.wrong(str(problem)) from None

    def _next(self, column: int) -> bool:
        """True if a line of this column is next. Errors: EncodingError for one that is deeper."""
        if self.at >= len(self.rows) or self.rows[self.at][1] < column:
            return False
        if self.rows[self.at][1] > column:
            raise self.wrong(f"what belongs together begins in one column, here {column}")
        return True
