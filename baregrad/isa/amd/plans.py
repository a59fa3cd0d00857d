"""Lines read fast: for each form a plan, whose operands and modifiers are looked up by their text.

What a text means for a slot is found once by assembler.py and make.py and then remembered, so a line costs a
lookup for each of its words. A plan says nothing of errors: where none fits, assembler.py reads the line
again, slowly, and says why (or takes it: a plan knows only lines that are spaced as they are printed).
"""

from __future__ import annotations

from baregrad.base import memo
from baregrad.base.errors import EncodingError
from baregrad.isa.amd.archs import arch as arch_of
from baregrad.isa.amd.doubts import doubt
from baregrad.isa.amd.forms import by_name
from baregrad.isa.amd.immediates import SYNTAX
from baregrad.isa.amd.inst import Inst
from baregrad.isa.amd.layout import Form, Modifier, Sizes, Slot, put, sized, take, width
from baregrad.isa.amd.make import LANES, overlapping, place, read_given, rules
from baregrad.isa.amd.operands import Operand, family
from baregrad.isa.amd.reading import slow
from baregrad.isa.amd.words import ONE, RANGE, WHOLE, names, operand, value

# How many texts of a slot or a modifier are remembered, and how long those of operands are.
MOST, MOST_MODIFIERS = 4096, 512
LONG = 12
ALONE = ("flag", "flag1", "number")
BY_TEXT = ("omod", "dpp")


# What a text is in a slot: a code; with bits above it for what changes the operand, for a literal (it is
# above them) and for an operand that the code does not say (a label, 65535 for -1); or -1 if it is not taken.
NEG, ABS, SEXT, HALF, LITERAL, SAID, ABOVE = 32, 33, 34, 35, 36, 37, 64
REFUSED = -1
CODE = (1 << NEG) - 1

# Plain tuples: taken apart in a third of the time that a named one takes.
Chosen = tuple[int, int, int]
"""A modifier's text: the bits that it clears (-1 where there is no such modifier) and sets, and which of the
form's modifiers it is, as a bit.
"""
UNKNOWN: Chosen = (-1, 0, 0)


class Words(dict[str, int]):
    """What each text means in a slot that is the lowest bits."""

    __slots__ = ("fam", "immediate", "signs", "slot")

    def __init__(self, fam: str, slot: Slot) -> None:
        super().__init__()
        self.fam, self.slot, self.immediate = fam, slot, slot.kind in SYNTAX
        self.signs = sum(1 << bit for bit in (slot.neg, slot.abs, slot.sext) if bit >= 0)

    def __missing__(self, text: str) -> int:
        inner, flags = unsigned(text)
        if flags and flags & ~self.signs == 0 and not self.immediate:
            code = self[inner]
            return code | flags if code >> LITERAL == 0 else REFUSED
        try:
            if not self.immediate:
                text, _ = meanings(self.fam)[text]  # the same string for all slots
            code, literal, said = placed(self.fam, self.slot, text)
        except EncodingError:
            code, literal, said = REFUSED, -1, 0
        if literal >= 0:
            return code | 1 << LITERAL | literal << ABOVE
        if self.immediate and code >= 0 and said != slow(self.slot, code, self.fam):
            code |= 1 << SAID
        if len(self) < MOST:
            self[text] = code
        return code


def unsigned(text: str) -> tuple[str, int]:
    """A register without what is written around it, and the bits that this is; no bits for all else."""
    inner, flags = text, 0
    if inner[:1] == "-":
        inner, flags = inner[1:], 1 << NEG
    if inner[:1] == "|" and inner[-1:] == "|":
        inner, flags = inner[1:-1], flags | 1 << ABS
    elif inner[:5] == "sext(" and inner[-1:] == ")":
        inner, flags = inner[5:-1], flags | 1 << SEXT
    return inner, flags if ONE.fullmatch(inner) or RANGE.fullmatch(inner) else 0


def placed(fam: str, slot: Slot, text: str) -> tuple[int, int, Operand]:
    """The bits of a text in a slot, its literal (-1 for none), its operand. Errors: EncodingError."""
    return place(fam, slot, operand(text, slot, fam) if slot.kind in SYNTAX else meanings(fam)[text][1])


class Meanings(dict[str, tuple[str, Operand]]):
    """What each text of a register or a constant means, once for all slots: with the text itself, so that
    they all keep the same one (less memory is faster).
    """

    __slots__ = ("fam",)

    def __init__(self, fam: str) -> None:
        super().__init__()
        self.fam = fam

    def __missing__(self, text: str) -> tuple[str, Operand]:
        found = text, value(text, self.fam)
        if len(text) < LONG:
            self[text] = found
        return found


@memo
def meanings(fam: str) -> Meanings:
    """The texts of registers and constants."""
    return Meanings(fam)


class Choices(dict[str, Chosen]):
    """What each text means among the modifiers of a form."""

    __slots__ = ("fam", "names")

    def __init__(self, known: tuple[Modifier, ...], fam: str) -> None:
        super().__init__()
        self.fam = fam
        self.names = {
            name: (one, put(one.where, -1), 1 << known.index(one)) for name, one in names(known).items()
        }

    def __missing__(self, text: str) -> Chosen:
        if text.partition(":")[0] not in self.names:
            return UNKNOWN
        found = self.found(text)
        if len(self) < MOST_MODIFIERS:
            self[text] = found
        return found

    def found(self, text: str) -> Chosen:
        """What a text means."""
        name, colon, rest = text.partition(":")
        one, clear, which = self.names[name]
        style = one.style
        if style in BY_TEXT:
            rest = text
        elif (style == "flag") is bool(colon):
            return UNKNOWN
        try:
            bits = put(one.where, read_given(one, rest if style != "flag" else True, self.fam))
        except EncodingError:
            return UNKNOWN
        return clear, bits, which


Field = tuple[Words, int, int, Slot]
"""A slot: what texts mean in it, its lowest bit, what is above all codes that are put there as they are."""


@memo
def field(fam: str, slot: Slot) -> Field:
    """A slot; what texts mean in it is the same for all that differ only in where their bits are."""
    low, size = slot.where[0] if slot.where else (0, 0)
    plain = slot._replace(role="", read=True, written=False, where=((0, width(slot.where)),) if size else ())
    plain = plain._replace(
        neg=NEG if slot.neg >= 0 else -1,
        abs=ABS if slot.abs >= 0 else -1,
        sext=SEXT if slot.sext >= 0 else -1,
        half=HALF if slot.half >= 0 else -1,
    )
    return words(fam, plain), low, 1 << (size if len(slot.where) > 1 else NEG), slot


@memo
def fields(fam: str, slots: tuple[Slot, ...]) -> tuple[Field, ...]:
    """Slots; the same object for equal ones: less memory is faster."""
    return tuple(field(fam, slot) for slot in slots)


@memo
def words(fam: str, slot: Slot) -> Words:
    """What texts mean in a slot."""
    return Words(fam, slot)


def scattered(slot: Slot, code: int) -> int:
    """The bits of a code whose field lies apart, and of what changes its operand."""
    bits = put(slot.where, code)
    if not code >> NEG:
        return bits
    for flag, at in ((NEG, slot.neg), (ABS, slot.abs), (SEXT, slot.sext), (HALF, slot.half)):
        if code >> flag & 1:
            bits |= 1 << at
    return bits


@memo
def choices(known: tuple[Modifier, ...], fam: str) -> Choices:
    """What texts mean among these modifiers."""
    return Choices(known, fam)


class Plan:
    """A form with all that reading a line needs: `base` are the bits that no word of the line changes,
    `wanted` the modifiers that must be written.
    """

    __slots__ = ("bare", "base", "choices", "doubt", "form", "literal", "mask", "overlaps", "size", "slots",
                 "value", "wanted")  # fmt: skip

    def __init__(self, form: Form) -> None:
        fam, base, wanted = family(form.arch), form.value | form.also, 0
        for at, one in enumerate(form.modifiers):
            base |= put(one.where, one.default)
            must = one.name == "dim" or one.style in LANES
            if must or (one.style in ALONE and form.mask & form.value & put(one.where, -1)):
                wanted |= 1 << at
        self.form, self.base, self.wanted = form, base, wanted
        self.mask = form.mask & sum(put(one.where, -1) for one in form.modifiers)
        self.value, self.size, self.literal = form.value & self.mask, form.size, form.literal
        self.slots = fields(fam, tuple(slot._replace(read=True, written=False) for slot in form.slots))
        self.choices, self.doubt = choices(form.modifiers, fam), doubt(form)
        self.overlaps = tuple((at, where) for at, where, _ in overlapping(form))
        self.bare = self.modified([])

    def read(self, pieces: list[str], given: list[str]) -> Inst | None:
        """The instruction of the form with these words, None where it does not take them."""
        word = self.modified(given) if given else self.bare
        if word < 0:
            return None
        above_codes = 0
        for (known, low, above, slot), piece in zip(self.slots, pieces, strict=True):
            code = known[piece]
            if 0 <= code < above:
                word |= code << low
            elif code < 0:
                return None
            else:
                word |= scattered(slot, code)
                above_codes |= code >> LITERAL
        if (self.overlaps or (self.doubt is not None and self.doubt(word))) and self.broken(pieces, word):
            return None
        if above_codes or self.literal == "always":
            return self.completed(pieces, word)
        return Inst(self.form, word, self.size)

    def completed(self, pieces: list[str], word: int) -> Inst | None:
        """The instruction with its literal and operands that its bits do not say."""
        literal, said, size = -1, False, self.size
        for (known, _, _, _), piece in zip(self.slots, pieces, strict=True):
            code = known[piece]
            if code >> LITERAL & 1:
                if literal not in (-1, code >> ABOVE) or not self.literal:
                    return None
                literal = code >> ABOVE
            said = said or bool(code >> SAID & 1)
        if literal >= 0:
            word |= literal << 8 * size
            size += 4
        elif self.literal == "always":
            return None
        return Inst(self.form, word, size, self.operands(pieces) if said else None)

    def operands(self, pieces: list[str]) -> tuple[Operand, ...]:
        """The operands of words that the form takes."""
        fam = family(self.form.arch)
        return tuple(placed(fam, slot, piece)[2] for slot, piece in zip(self.form.slots, pieces, strict=True))

    def broken(self, pieces: list[str], word: int) -> bool:
        """Is a rule of the form broken? Where bits lie that two operands share, both must have put theirs."""
        if self.doubt is None or not self.doubt(word):
            slots = self.slots
            if all(take(where, word) == slots[at][0][pieces[at]] & CODE for at, where in self.overlaps):
                return False
        form, operands = self.form, list(self.operands(pieces))
        try:
            for rule in rules(form):
                rule(form, family(form.arch), operands, word)
        except EncodingError:
            return True
        return False

    def modified(self, given: list[str]) -> int:
        """The bits of the form with modifiers, -1 where it does not take them."""
        word, seen, known = self.base, 0, self.choices
        for piece in given:
            clear, bits, which = known[piece]
            if clear < 0 or seen & which:
                return -1
            word = word & ~clear | bits
            seen |= which
        return word if seen & self.wanted == self.wanted and word & self.mask == self.value else -1


class ImagePlan:
    """A form whose slots follow from its modifiers (image.py), with the plans of those that were met."""

    __slots__ = ("apart", "made", "plan", "sizes")

    def __init__(self, form: Form, sizes: Sizes) -> None:
        self.plan, self.sizes, self.apart = Plan(form), sizes, form.encoding == "MIMG+NSA"
        self.made: dict[int, Plan] = {}

    def read(self, pieces: list[str], given: list[str]) -> Inst | None:
        """The instruction of the form with these words, None where it does not take them."""
        word = self.plan.modified(given)
        if word < 0:
            return None
        try:
            self.sizes.refuse(word)
        except EncodingError:
            return None
        key = self.sizes.key(word)
        if key < 0:
            return None
        found = self.made.get(key) or self.made.setdefault(key, Plan(sized(self.sizes, key)))
        return found.read(pieces, given) if len(pieces) == len(found.slots) else None


def read_image(known: tuple[ImagePlan, ...], rest: str) -> Inst | None:
    """The instruction of an image's line, whose addresses may be a list."""
    before, _, inner = rest.partition(" [")
    inner, closing, after = inner.partition("]], " if "]], " in inner else "], ")
    pieces, given = cut(f"{before} {inner}{closing[:-3]}, {after}" if closing else rest)
    for one in known:
        inst = one.read(pieces, given) if one.apart == bool(closing) else None
        if inst is not None:
            return inst
    return None


def cut(rest: str) -> tuple[list[str], list[str]]:
    """The operands and the modifiers of a line that is spaced as it is printed."""
    pieces = rest.split(", ")
    if " " not in pieces[-1]:
        return pieces, []
    pieces[-1], *given = pieces[-1].split()
    return pieces, given


CUT = 7  # letters of a modifier that are enough to choose a form by: "row_mas", "cbsz:2", "fi:1"
Row = tuple[tuple[Modifier, ...], str, int, int, int]
"""What decides whether a form is tried: its modifiers, their family, those that must be written; the bits of
modifiers that are fixed, and what these are.
"""


class Chooser(dict[tuple[str, ...], tuple[int, ...]]):
    """Which of some forms may take modifiers with these beginnings: their numbers, in order."""

    __slots__ = ("rows",)

    def __init__(self, rows: tuple[Row, ...]) -> None:
        super().__init__()
        self.rows = rows

    def __missing__(self, begins: tuple[str, ...]) -> tuple[int, ...]:
        found = tuple(at for at, row in enumerate(self.rows) if fits(row, begins))
        if len(self) < MOST:
            self[begins] = found
        return found


def fits(row: Row, begins: tuple[str, ...]) -> bool:
    """May a form take modifiers with these beginnings? What is shorter than CUT is all of a modifier."""
    known, fam, wanted, mask, value = row
    seen = 0
    for begin in begins:
        name, colon, _ = begin.partition(":")
        whole = colon or len(begin) < CUT
        those = {
            one for word, one in names(known).items() if (word == name if whole else word.startswith(name))
        }
        if not those:
            return False
        seen |= sum(1 << known.index(one) for one in those)
        if len(begin) < CUT:
            clear, bits, _ = choices(known, fam)[begin]
            if clear < 0 or (bits ^ value) & mask & clear:
                return False
    return seen & wanted == wanted


@memo
def chooser(rows: tuple[Row, ...]) -> Chooser:
    """What chooses among forms: the same for all names whose forms have the same modifiers."""
    return Chooser(rows)


Group = tuple[tuple[Plan, ...], Chooser | None]
"""Plans of a name with as many operands, and what chooses among several."""
NONE: Group = (), None
Known = tuple[int, tuple[Plan, ...], Chooser | None, dict[int, Group], tuple[ImagePlan, ...]]
"""Plans of a name: a number of operands (-1: seldom) with its plans and what chooses; plans by the operands'
number (-1: it is the whole rest of the line), and those of images.
"""


def group(each: list[Plan]) -> Group:
    """Plans with what chooses among them."""
    if len(each) == 1:
        return tuple(each), None
    rows = []
    for one in each:
        rows.append((one.form.modifiers, family(one.form.arch), one.wanted, one.mask, one.value))
    return tuple(each), chooser(tuple(rows))


class Plans(dict[str, Known]):
    """Plans by name."""

    __slots__ = ("forms",)

    def __init__(self, forms: dict[str, tuple[Form, ...]]) -> None:
        super().__init__()
        self.forms = forms

    def __missing__(self, name: str) -> Known:
        found: dict[int, list[Plan]] = {}
        images = []
        for form in self.forms.get(name, ()):
            if form.sizes is not None:
                images.append(ImagePlan(form, form.sizes))
                continue
            whole = len(form.slots) == 1 and form.slots[0].kind in WHOLE
            found.setdefault(-1 if whole else len(form.slots), []).append(Plan(form))
        groups = {count: group(each) for count, each in found.items()}
        count = -1 if images or not groups or min(groups) < 1 else next(iter(groups))
        made = count, *groups.get(count, NONE), groups, tuple(images)
        if found or images:
            self[name] = made
        return made


@memo
def plans(arch: str, wave: int) -> Plans:
    """The plans of an architecture."""
    row = arch_of(arch)
    return Plans(by_name(row.name, wave or row.lanes[0]))


def read(known: Known, rest: str) -> Inst | None:
    """The instruction of the first form that takes the rest of a line, None where no plan fits."""
    count, tried, choose, groups, images = known
    if images:
        return read_image(images, rest)
    pieces, given = rest.split(", "), []
    if count < 0:
        if len(groups) != 1:
            return None
        (whole, (tried, choose)), pieces = *groups.items(), [rest]
        if not whole:
            pieces, given = [], rest.split()
    else:
        if " " in pieces[-1]:
            pieces[-1], *given = pieces[-1].split()
        if len(pieces) != count:
            tried, choose = groups.get(len(pieces), NONE)
    if choose is not None:
        tried = tuple([tried[at] for at in choose[tuple([word[:CUT] for word in given])]])
    for one in tried:
        inst = one.read(pieces, given)
        if inst is not None:
            return inst
    return None
