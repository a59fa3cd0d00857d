"""Which chip a code object is for: the numbers of e_flags, and what the chips of a family share.

Rows only, and the two forms of a target: e_flags and text ("gfx950:sramecc+:xnack-"). Source of the numbers:
AMDGPUUsage of LLVM, "ELF header", checked against what llvm-mc 19 writes for each chip that it knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from baregrad.base.errors import BadFile, ConfigError

MACHINE = 224  # EM_AMDGPU
HSA = 64  # ELFOSABI_AMDGPU_HSA
ABI_VERSIONS = {4: 2, 5: 3, 6: 4}  # a code object's version, and what stands for it in e_ident


class Family(NamedTuple):
    """What chips share that one kernel descriptor describes.

    `vgprs` are the registers of a granule in a wave of 64 and of 32 lanes, `sgprs` of a granule (0: each wave
    has all), `most` how many of both an instruction can name, `scratch` is "buffer" where a kernel sets up
    flat scratch itself, else "architected".
    Behind its end the chip reads ahead: code is padded with `pad` to `pad_align` bytes, then by `pads` more.
    """

    name: str
    vgprs: tuple[int, int]
    sgprs: int
    most: tuple[int, int]
    scratch: str
    pad: int
    pad_align: int
    pads: int


# fmt: off
S_NOP, S_CODE_END = 0xBF800000, 0xBF9F0000
FAMILIES = {row.name: row for row in (
    #      name      vgprs   sgprs most    scratch        pad         align pads
    Family("gfx9",   (4, 4), 8, (256, 102), "buffer",      S_NOP,      4,    0),
    Family("gfx90a", (8, 8), 8, (512, 102), "buffer",      S_NOP,      64,   256),
    Family("gfx940", (8, 8), 8, (512, 102), "architected", S_NOP,      64,   256),
    Family("gfx10",  (4, 8), 0, (256, 106), "buffer",      S_CODE_END, 64,   48),
    Family("gfx11",  (4, 8), 0, (256, 106), "architected", S_CODE_END, 128,  96),
    Family("gfx12",  (4, 8), 0, (256, 106), "architected", S_CODE_END, 128,  96),
)}


class Chip(NamedTuple):
    """A chip: its number in e_flags, its family, and which of xnack and sramecc it can be built for."""

    name: str
    number: int
    family: str
    features: str = ""


CHIPS = (
    Chip("gfx900",  0x2C, "gfx9", "xnack"),   Chip("gfx902",  0x2D, "gfx9", "xnack"),
    Chip("gfx904",  0x2E, "gfx9", "xnack"),   Chip("gfx906",  0x2F, "gfx9", "xnack sramecc"),
    Chip("gfx908",  0x30, "gfx9", "xnack sramecc"), Chip("gfx909", 0x31, "gfx9", "xnack"),
    Chip("gfx90c",  0x32, "gfx9", "xnack"),   Chip("gfx9-generic", 0x51, "gfx9", "xnack"),
    Chip("gfx90a",  0x3F, "gfx90a", "xnack sramecc"),
    Chip("gfx940",  0x40, "gfx940", "xnack sramecc"), Chip("gfx941", 0x4B, "gfx940", "xnack sramecc"),
    Chip("gfx942",  0x4C, "gfx940", "xnack sramecc"), Chip("gfx950", 0x4F, "gfx940", "xnack sramecc"),
    Chip("gfx9-4-generic", 0x5F, "gfx940", "xnack sramecc"),
    Chip("gfx1010", 0x33, "gfx10", "xnack"),  Chip("gfx1011", 0x34, "gfx10", "xnack"),
    Chip("gfx1012", 0x35, "gfx10", "xnack"),  Chip("gfx1013", 0x42, "gfx10", "xnack"),
    Chip("gfx1030", 0x36, "gfx10"),           Chip("gfx1031", 0x37, "gfx10"),
    Chip("gfx1032", 0x38, "gfx10"),           Chip("gfx1033", 0x39, "gfx10"),
    Chip("gfx1034", 0x3E, "gfx10"),           Chip("gfx1035", 0x3D, "gfx10"),
    Chip("gfx1036", 0x45, "gfx10"),           Chip("gfx10-1-generic", 0x52, "gfx10", "xnack"),
    Chip("gfx10-3-generic", 0x53, "gfx10"),
    Chip("gfx1100", 0x41, "gfx11"),           Chip("gfx1101", 0x46, "gfx11"),
    Chip("gfx1102", 0x47, "gfx11"),           Chip("gfx1103", 0x44, "gfx11"),
    Chip("gfx1150", 0x43, "gfx11"),           Chip("gfx1151", 0x4A, "gfx11"),
    Chip("gfx1152", 0x55, "gfx11"),           Chip("gfx1153", 0x58, "gfx11"),
    Chip("gfx11-generic", 0x54, "gfx11"),
    Chip("gfx1200", 0x48, "gfx12"),           Chip("gfx1201", 0x4E, "gfx12"),
    Chip("gfx12-generic", 0x59, "gfx12"),
)

# Where e_flags has a feature's state, and the states in the order of their numbers.
FEATURES = {"xnack": 8, "sramecc": 10}
STATES = ("unsupported", "any", "off", "on")
SIGNS = {"-": "off", "+": "on"}
GENERIC_VERSION = 24  # the bit of e_flags from which on a generic target's version stands
# fmt: on


@dataclass(frozen=True, slots=True)
class Target:
    """What a code object was built for; `xnack` and `sramecc` are of STATES.

    >>> target = Target.parse("gfx950:sramecc+")
    >>> hex(target.flags), target.sramecc, target.xnack, str(target)
    ('0xd4f', 'on', 'any', 'gfx950:sramecc+')
    """

    chip: Chip
    xnack: str = "unsupported"
    sramecc: str = "unsupported"
    generic: int = 0

    @property
    def family(self) -> Family:
        """What its chip shares with others."""
        return FAMILIES[self.chip.family]

    @property
    def flags(self) -> int:
        """The e_flags of its code objects."""
        states = (
            STATES.index(self.xnack) << FEATURES["xnack"],
            STATES.index(self.sramecc) << FEATURES["sramecc"],
        )
        return self.chip.number | states[0] | states[1] | self.generic << GENERIC_VERSION

    @staticmethod
    def of_flags(flags: int, source: str = "code object") -> Target:
        """The target of e_flags. Errors: BadFile for a chip that is not in the table, or unknown bits."""
        chip = next((row for row in CHIPS if row.number == flags & 0xFF), None)
        if chip is None or flags & 0x00FFF000:
            raise BadFile(
                f"{source}: no chip has the flags {flags:#x}",
                why=f"the chips are {', '.join(row.name for row in CHIPS)}",
                mend="build it for one of these; the file may also be corrupt",
            )
        xnack, sramecc = (STATES[flags >> FEATURES[name] & 3] for name in ("xnack", "sramecc"))
        return Target(chip, xnack, sramecc, flags >> GENERIC_VERSION)

    @staticmethod
    def parse(text: str) -> Target:
        """The target of text: a chip's name, then settings as ":xnack+". Errors: ConfigError."""
        name, *settings = text.split(":")
        chip = next((row for row in CHIPS if row.name == name), None)
        if chip is None:
            raise ConfigError(
                f"no chip {name!r}",
                why=f"there are {', '.join(row.name for row in CHIPS)}",
                mend="give one of these",
            )
        states = dict.fromkeys(chip.features.split(), "any")
        for setting in settings:
            feature, sign = setting[:-1], setting[-1:]
            if feature not in states or sign not in SIGNS or states[feature] != "any":
                raise ConfigError(
                    f"{text}: {setting!r} is no setting of {name}",
                    why=f"it has {chip.features or 'none'}, each once, with + or -",
                    mend="write it as gfx950:sramecc+:xnack-",
                )
            states[feature] = SIGNS[sign]
        return Target(chip, generic=int("generic" in name), **states)

    def __str__(self) -> str:
        signs = {state: sign for sign, state in SIGNS.items()}
        set_ = (("sramecc", self.sramecc), ("xnack", self.xnack))
        return self.chip.name + "".join(f":{name}{signs[state]}" for name, state in set_ if state in signs)
