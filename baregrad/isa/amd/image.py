"""Forms of images (MIMG of RDNA3): loads, stores, atomics, samples, gathers, rays; what sizes follow from.

How many registers the data and the addresses take follows from bits (DMASK, D16, TFE; DIM, A16). An entry has
one form for addresses in a row and one for separate ones (NSA), each with `Sizes`: the form of given sizes is
made when it is first met. What is not here: buffers (memory.py), RDNA4's VIMAGE and VSAMPLE.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from baregrad.base import memo
from baregrad.base.errors import EncodingError
from baregrad.isa.amd.archs import Field, Instruction
from baregrad.isa.amd.layout import Form, Modifier, Parts, Slot, parts, put, sized, take
from baregrad.isa.amd.modifiers import DIMS
from baregrad.isa.amd.world import World

FLAGS = ("UNRM", "GLC", "SLC", "DLC", "R128", "A16", "TFE", "LWE", "D16")
NAMES = {"UNRM": "unorm"}
# The bits that say how many registers there are; GLC says whether an atomic gives its result.
SIZING = ("DIM", "A16", "DMASK", "D16", "TFE", "GLC")
MSAA = (6, 7)
# Separate addresses: one each, the fifth has all the rest. Source: RDNA3 ISA 10.1.5; the table of fields ends
# with ADDR2, the places of the others are LLVM's.
MORE: tuple[Parts, ...] = (((80, 8),), ((88, 8),))
MOST = 5


class Kind(NamedTuple):
    """What an entry's name says: `extra` are offset, bias and reference, `level` a mip, LOD or clamp."""

    group: str
    coordinates: bool
    extra: int
    level: int
    gradients: bool
    g16: bool
    sampler: bool
    d16: bool


@memo
def kind(name: str) -> Kind:
    """What a name says.

    >>> kind("IMAGE_SAMPLE_C_D_CL_O")[:5]
    ('sample', True, 2, 1, True)
    """
    words = name.split("_")
    rest = set(words[2:])
    group = next(
        one for one in ("ATOMIC", "STORE", "GATHER4", "MSAA", "BVH", "SAMPLE", "LOAD", "GET") if one in name
    )
    return Kind(
        group.lower(),
        "RESINFO" not in rest,
        len(rest & {"O", "B", "C"}),
        len(rest & {"L", "CL", "MIP", "RESINFO"}),
        "D" in rest,
        "G16" in rest,
        group in ("SAMPLE", "GATHER4") or "LOD" in rest,
        group not in ("ATOMIC", "BVH", "GET") and "PCK" not in rest,
    )


def address_size(one: Kind, dim: int, a16: int) -> int:
    """How many registers have addresses. Source: RDNA3 ISA 10.1.3, 10.1.4, 10.2, 10.3"""
    coordinates, gradients = DIMS[dim][1:] if one.coordinates else (0, 0)
    parts_ = coordinates + one.level
    count = one.extra + ((parts_ + 1) // 2 if a16 else parts_)
    if one.gradients:
        # Each of the two directions begins a register.
        count += 2 * ((gradients // 2 + 1) // 2) if one.g16 else gradients
    return count


@memo
def most(one: Kind) -> int:
    """The most registers of addresses without MSAA, whose images have neither levels nor a sampler.

    Source: RDNA3 ISA 10.2, 10.3; LLVM refuses only what takes more registers.
    """
    return max(address_size(one, dim, 0) for dim in range(MSAA[0]))


def data_size(one: Kind, name: str, dmask: int, d16: int, tfe: int) -> int:
    """How many registers have data: the components that are chosen, two in one as D16, and a state (TFE)."""
    count = 4 if one.group in ("gather4", "msaa") else max(1, dmask.bit_count())
    if name.endswith("CMPSWAP"):
        count = max(2, count)
    return (count + 1) // 2 + tfe if d16 else count + tfe


class Sizes:
    """How sizes follow from bits, for one entry and one way to give addresses."""

    __slots__ = ("apart", "bits", "entry", "fields", "form", "keys", "kind", "where")

    def __init__(self, entry: Instruction, fields: dict[str, Field], form: Form, apart: bool) -> None:
        self.entry, self.fields, self.form, self.apart = entry, fields, form, apart
        self.kind, self.where = kind(entry.name), tuple(parts(fields[key]) for key in SIZING)
        self.bits, self.keys = sum(put(where, -1) for where in self.where), dict[int, int]()

    def key(self, word: int) -> int:
        """A number for the sizes that an instruction's bits want, -1 for none: one address is never apart."""
        word &= self.bits
        found = self.keys.get(word)
        if found is None:
            found = self.keys[word] = self.computed(word)
        return found

    def computed(self, word: int) -> int:
        """The key of these bits."""
        dim, a16, dmask, d16, tfe, glc = (take(where, word) for where in self.where)
        returned = glc if self.kind.group == "atomic" else 0
        addresses = address_size(self.kind, dim, a16)
        if self.apart and addresses < 2:
            return -1
        return addresses << 4 | data_size(self.kind, self.entry.name, dmask, d16, tfe) << 1 | returned

    def of(self, key: int) -> Form:
        """The form of a key."""
        data = 32 * (key >> 1 & 7)
        slots = image_slots(self.kind, self.fields, data, key >> 4, self.apart, bool(key & 1))
        return self.form._replace(slots=slots)

    def every(self) -> Iterator[Form]:
        """The forms of all sizes that instructions are made with."""
        keys = set()
        for values in product(range(8), (0, 1), (1, 3, 7, 15), (0, int(self.kind.d16)), (0, 1), (0, 1)):
            word = sum(put(where, value) for where, value in zip(self.where, values, strict=True))
            try:
                self.refuse(word)
            except EncodingError:
                continue
            keys.add(self.key(word))
        for key in sorted(keys - {-1}):
            yield sized(self, key)

    def refuse(self, word: int) -> None:
        """Refuse bits that no instruction is made with. Errors: EncodingError."""
        dim, a16, dmask, *_ = (take(where, word) for where in self.where)
        allowed: tuple[int, ...] = ()
        if self.kind.group in ("gather4", "msaa"):
            allowed = (1, 2, 4, 8)
        elif self.kind.group == "atomic":
            allowed = (3, 15) if self.entry.name.endswith("CMPSWAP") else (1, 3)
        if allowed and dmask not in allowed:
            raise EncodingError(
                f"dmask:{dmask:#x}", why=f"{self.form.name} takes {', '.join(map(hex, allowed))}"
            )
        if self.kind.group == "msaa" and dim not in MSAA:
            raise EncodingError(
                f"dim:{DIMS[dim][0]}", why=f"{self.form.name} takes 2D_MSAA and 2D_MSAA_ARRAY"
            )
        if (self.kind.sampler or self.kind.level) and address_size(self.kind, dim, a16) > most(self.kind):
            raise EncodingError(f"dim:{DIMS[dim][0]}", why="it has no levels and no sampler")


class RaySizes(Sizes):
    """A ray's: A16 packs its directions."""

    __slots__ = ()

    def computed(self, word: int) -> int:
        """A16."""
        return take(self.where[1], word)

    def of(self, key: int) -> Form:
        """The form with or without A16."""
        return self.form._replace(slots=ray_slots(self.entry.name, self.fields, bool(key), self.apart))

    def refuse(self, word: int) -> None:
        """Nothing: all else is fixed."""


def places(fields: dict[str, Field]) -> tuple[Parts, ...]:
    """Where separate addresses are."""
    return (*(parts(fields[key]) for key in ("VADDR", "ADDR1", "ADDR2")), *MORE)


def address_slots(fields: dict[str, Field], sizes: tuple[int, ...], apart: bool) -> list[Slot]:
    """The addresses: of these many registers each where they are apart, else in a row."""
    if not apart:
        return [Slot("VADDR", "vgpr", parts(fields["VADDR"]), 32 * sum(sizes))]
    rows = zip(places(fields), sizes, strict=False)
    return [Slot(f"VADDR{at}", "vgpr", where, 32 * size) for at, (where, size) in enumerate(rows)]


@memo
def separate(count: int) -> tuple[int, ...]:
    """How many registers each of the separate addresses has."""
    return (1,) * count if count <= MOST else (*(1,) * (MOST - 1), count - MOST + 1)


def image_slots(
    one: Kind, fields: dict[str, Field], data: int, addresses: int, apart: bool, returned: bool
) -> tuple[Slot, ...]:
    """Data, addresses, the image's resource, its sampler."""
    reads = one.group in ("store", "atomic")
    slots = [Slot("VDATA", "vgpr", parts(fields["VDATA"]), data, "b", reads, not reads or returned)]
    slots += address_slots(fields, separate(addresses), apart)
    slots.append(Slot("SRSRC", "srsrc", parts(fields["SRSRC"]), 256))
    if one.sampler:
        slots.append(Slot("SSAMP", "srsrc", parts(fields["SSAMP"]), 128))
    return tuple(slots)


def ray_slots(name: str, fields: dict[str, Field], a16: bool, apart: bool) -> tuple[Slot, ...]:
    """Node, extent, origin, direction, its inverse (one group of three as A16). Source: RDNA3 ISA 10.9.2"""
    sizes = (2 if "BVH64" in name else 1, 1, 3, 3, *(() if a16 else (3,)))
    data = Slot("VDATA", "vgpr", parts(fields["VDATA"]), 128, "b", False, True)
    resource = Slot("SRSRC", "srsrc", parts(fields["SRSRC"]), 128)
    return (data, *address_slots(fields, sizes, apart), resource)


def images(world: World, entry: Instruction) -> Iterator[Form]:
    """MIMG: addresses in a row, and apart."""
    fields, one, name = world.tables.formats["MIMG"].fields, kind(entry.name), entry.name.lower()
    ray = one.group == "bvh"
    flags = [key for key in FLAGS if key != "D16" or one.d16]
    found = [Modifier(NAMES.get(key, key.lower()), "flag", parts(fields[key])) for key in flags]
    head = [Modifier("dmask", "hex", parts(fields["DMASK"])), Modifier("dim", "dim", parts(fields["DIM"]))]
    fixed = mask = 0
    if ray:
        head, found = [], [Modifier("a16", "flag", parts(fields["A16"]))]
        fixed = (
            put(parts(fields["UNRM"]), 1) | put(parts(fields["R128"]), 1) | put(parts(fields["DMASK"]), -1)
        )
        mask = put(parts(fields["DIM"]), -1) | put(parts(fields["DMASK"]), -1)
        mask |= sum(put(parts(fields[key]), -1) for key in FLAGS if key != "A16")
    mask |= 0 if one.sampler else put(parts(fields["SSAMP"]), -1)
    mask |= 0 if one.d16 else put(parts(fields["D16"]), -1)
    nsa = parts(fields["NSA"])
    for apart in (False, True):
        if apart and not ray and not any(address_size(one, dim, 0) > 1 for dim in range(len(DIMS))):
            continue
        encoding = "MIMG+NSA" if apart else "MIMG"
        form = world.form(entry, name, encoding, 12 if apart else 8, (), [*head, *found],
                          fixed=fixed | put(nsa, int(apart)), mask=mask | put(nsa, 1))  # fmt: skip
        yield form._replace(sizes=(RaySizes if ray else Sizes)(entry, fields, form, apart))


BUILDERS = {"MIMG": images}
