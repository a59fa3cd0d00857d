"""Lines read fast: for each form a plan, whose operands and modifiers are looked up by their text.

What a text means for a slot is found once by assembler.py and make.py and then remembered, so a line costs a
lookup for each of its words. A plan says nothing of errors: where none fits, assembler.py reads the line
again, slowly, and says why (or takes it: a plan knows only lines that are spaced as they are printed).
"""

from __future__ import annotations

from baregrad.base import memo
from baregrad.base.errors import EncodingError
from baregrad.isa.amd.archs import arch as arch_of
from baregrad.isa.amd.forms import by_name
from baregrad.isa.amd.immediates import SYNTAX
from baregrad.isa.amd.inst import Inst
from baregrad.isa.amd.layout import Form, Modifier, Sizes, Slot, put, sized
from baregrad.isa.amd.make import LANES, completed, place, read_given, rules
from baregrad.isa.amd.operands import Operand, family
from baregrad.isa.amd.words import WHOLE, names, operand, value

# How many texts of a slot or a modifier are remembered, and how long those of operands are.
MOST, MOST_MODIFIERS = 4096, 512
LONG = 12
ALONE = ("flag", "flag1", "number")
BY_TEXT = ("omod", "dpp")


# Plain tuples: taken apart in a third of the time that a named one takes.
Placed = tuple[int, int, Operand]
"""A text in a slot: its bits (-1 where the slot does not take it), its literal (-1 for none), its operand."""
Chosen = tuple[int, int, int]
"""A modifier's text: the bits that it clears (-1 where there is no such modifier) and sets, and which of the
form's modifiers it is, as a bit.
"""
REFUSED: Placed = (-1, -1, 0)
UNKNOWN: Chosen = (-1, 0, 0)


class Words(dict[str, Placed]):
    """What each text means in a slot."""

    __slots__ = ("fam", "slot")

    def __init__(self, fam: str, slot: Slot) -> None:
        super().__init__()
        self.fam, self.slot = fam, slot

    def __missing__(self, text: str) -> Placed:
        try:
            if self.slot.kind in SYNTAX:
                one = operand(text, self.slot, self.fam)
            else:
                text, one = meanings(self.fam)[text]
            found = place(self.fam, self.slot, one)
        except EncodingError:
            found = REFUSED
        if found[1] < 0 and len(self) < MOST:
            self[text] = found
        return found


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
        if len(self) > MOST_MODIFIERS:
            self.clear()
        found = self[text] = self.found(text)
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


@memo
def words(fam: str, slot: Slot) -> Words:
    """What texts mean in a slot: the same for all slots that differ only in what is done with the operand."""
    plain = slot._replace(role="", read=True, written=False)
    return words(fam, plain) if plain != slot else Words(fam, slot)


@memo
def choices(known: tuple[Modifier, ...], fam: str) -> Choices:
    """What texts mean among these modifiers."""
    return Choices(known, fam)


class Plan:
    """A form with all that reading a line needs: `base` are the bits that no word of the line changes,
    `wanted` the modifiers that must be written.
    """

    __slots__ = ("base", "choices", "form", "mask", "plain", "rules", "slots", "value", "wanted")

    def __init__(self, form: Form) -> None:
        fam, base, wanted = family(form.arch), form.value | form.also, 0
        for at, one in enumerate(form.modifiers):
            base |= put(one.where, one.default)
            must = one.name == "dim" or one.style in LANES
            if must or (one.style in ALONE and form.mask & form.value & put(one.where, -1)):
                wanted |= 1 << at
        self.form, self.base, self.wanted = form, base, wanted
        self.mask, self.value = form.mask, form.value
        self.slots = tuple(words(fam, slot) for slot in form.slots)
        self.choices, self.rules = choices(form.modifiers, fam), rules(form)
        self.plain = not self.rules and form.literal != "always"

    def read(self, pieces: list[str], given: list[str]) -> Inst | None:
        """The instruction of the form with these words, None where it does not take them."""
        word = self.modified(given) if given or self.wanted else self.base
        if word & self.mask != self.value:
            return None
        literal, operands = -1, []
        for slot, piece in zip(self.slots, pieces, strict=True):
            bits, extra, one = slot[piece]
            if bits < 0:
                return None
            if extra >= 0:
                if literal not in (-1, extra) or not self.form.literal:
                    return None
                literal = extra
            word |= bits
            operands.append(one)
        if self.plain and literal < 0:
            return Inst(self.form, word, self.form.size, tuple(operands))
        try:
            return completed(self.form, self.rules, operands, word, literal)
        except EncodingError:
            return None

    def modified(self, given: list[str]) -> int:
        """The bits of the form with modifiers; where it does not take them, some that are not of the form."""
        word, seen, known = self.base, 0, self.choices
        for piece in given:
            clear, bits, which = known[piece]
            if clear < 0 or seen & which:
                return ~self.value
            word = word & ~clear | bits
            seen |= which
        return word if seen & self.wanted == self.wanted else ~self.value


class ImagePlan:
    """A form whose slots follow from its modifiers (image.py), with the plans of those that were met."""

    __slots__ = ("apart", "made", "plan", "sizes")

    def __init__(self, form: Form, sizes: Sizes) -> None:
        self.plan, self.sizes, self.apart = Plan(form), sizes, form.encoding == "MIMG+NSA"
        self.made: dict[int, Plan] = {}

    def read(self, pieces: list[str], given: list[str]) -> Inst | None:
        """The instruction of the form with these words, None where it does not take them."""
        word = self.plan.modified(given)
        if word & self.plan.mask != self.plan.value:
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


Known = tuple[dict[int, tuple[Plan, ...]], tuple[ImagePlan, ...]]
"""Plans of a name: by their operands' number (-1: it is the whole rest of the line), and those of images."""


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
        made = {count: tuple(each) for count, each in found.items()}, tuple(images)
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
    found, images = known
    if images:
        return read_image(images, rest)
    given: list[str] = []
    if -1 in found:
        tried, pieces = found[-1], [rest]
    elif 0 in found:
        tried, pieces, given = found[0], [], rest.split()
    else:
        pieces, given = cut(rest)
        tried = found.get(len(pieces), ())
    if len(found) > 1 and (0 in found or -1 in found):
        return None
    for one in tried:
        inst = one.read(pieces, given)
        if inst is not None:
            return inst
    return None
