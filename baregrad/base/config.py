"""Every switch of baregrad, in one frozen record; the only file that looks at the environment.

A switch is one field of Config: its default, its BG_ name, a sentence, and whether it is part of the key of
the kernel cache. The environment is read once, when baregrad is imported; afterwards `override` changes
switches for a block of code. The current Config lives in a context variable: a new thread starts with the one
that the environment gave.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import Any

from baregrad.base.errors import ConfigError

PREFIX = "BG_"
WORDS = {
    "1": True,
    "true": True,
    "on": True,
    "yes": True,
    "0": False,
    "false": False,
    "off": False,
    "no": False,
}


@dataclass(frozen=True, slots=True)
class Knob:
    """What is known of one switch beside its value."""

    name: str
    default: bool | int | str
    env: str
    sentence: str
    in_cache_key: bool
    choices: tuple[bool | int | str, ...]


# Any: like dataclasses.field, it stands where a value of the field's own type is expected.
def knob(
    default: bool | int | str,
    env: str,
    sentence: str,
    *,
    in_cache_key: bool = False,
    choices: tuple[bool | int | str, ...] = (),
) -> Any:
    """Declare one switch as a field of Config."""
    facts = {
        "default": default,
        "env": env,
        "sentence": sentence,
        "in_cache_key": in_cache_key,
        "choices": choices,
    }
    return field(default=default, metadata=facts)


@dataclass(frozen=True, slots=True)
class Config:
    """Every switch of baregrad; each environment name is read once, at import.

    >>> config().contract
    False
    >>> with override(contract=True):
    ...     config().contract
    True
    """

    debug: int = knob(
        0, "BG_DEBUG", "0 silent, 1 kernels, 2 times, 3 IR per pass, 4 assembly", choices=(0, 1, 2, 3, 4)
    )
    check: bool = knob(False, "BG_CHECK", "verify the IR after every pass")
    check_bounds: bool = knob(
        False,
        "BG_CHECK_BOUNDS",
        "look at indices that are tensors: the next read-back raises for one out of range; jit runs eagerly",
        in_cache_key=True,
    )
    contract: bool = knob(False, "BG_CONTRACT", "fuse scalar a*b+c into FMA", in_cache_key=True)
    device: str = knob("", "BG_DEVICE", "the device of new tensors; empty is the best one here")
    threads: int = knob(0, "BG_THREADS", "threads of the CPU device; 0 is all cores", in_cache_key=True)
    cache: bool = knob(True, "BG_CACHE", "keep compiled kernels on disk")
    cache_dir: str = knob("~/.cache/baregrad", "BG_CACHE_DIR", "where compiled kernels are kept")
    features: str = knob(
        "", "BG_FEATURES", "CPU features to use, as avx2,fma; empty asks the CPU", in_cache_key=True
    )
    listeners: tuple[Callable[..., None], ...] = field(default=(), compare=False)  # events.py; not a switch

    def __post_init__(self) -> None:
        """Refuse values of a wrong type or outside the choices."""
        for row in knobs():
            _check_value(row, getattr(self, row.name), row.name)


@cache
def knobs() -> tuple[Knob, ...]:
    """All switches in order: what the configuration page and `baregrad config` list."""
    rows = [f for f in fields(Config) if f.metadata]
    return tuple(Knob(name=f.name, **f.metadata) for f in rows)


def _check_value(row: Knob, value: object, shown: str) -> None:
    if type(value) is not type(row.default):
        kind = type(row.default).__name__
        raise ConfigError(
            f"{shown}={value!r} is not {kind}", why=row.sentence, mend=f"give it a value of type {kind}"
        )
    if row.choices and value not in row.choices:
        raise ConfigError(
            f"{shown}={value!r} is not one of {', '.join(map(str, row.choices))}",
            why=row.sentence,
            mend=f"leave {row.env} out to have {row.default!r}",
        )
    if isinstance(value, int) and value < 0:
        raise ConfigError(f"{shown}={value!r} is negative", why=row.sentence, mend="give it 0 or more")


def parse_value(row: Knob, text: str) -> bool | int | str:
    """The value of a switch written as text, as in the environment."""
    if isinstance(row.default, bool):
        if text.lower() not in WORDS:
            raise ConfigError(
                f"{row.env}={text!r} is not bool", why=row.sentence, mend=f"use {', '.join(WORDS)}"
            )
        return WORDS[text.lower()]
    if isinstance(row.default, int):
        try:
            value = int(text)
        except ValueError:
            mend = f"give it a number, or leave it out to have {row.default}"
            raise ConfigError(f"{row.env}={text!r} is not int", why=row.sentence, mend=mend) from None
        _check_value(row, value, row.env)
        return value
    _check_value(row, text, row.env)
    return text


def from_environment(environment: Mapping[str, str]) -> Config:
    """The Config that an environment asks for.

    Errors: ConfigError for a BG_ name that is no switch, and for a bad value.

    >>> from_environment({"BG_DEBUG": "2"}).debug
    2
    """
    rows = {row.env: row for row in knobs()}
    values: dict[str, Any] = {}  # Any: each field has its own type, which parse_value has checked
    if environment.get("XDG_CACHE_HOME"):
        values["cache_dir"] = os.path.join(environment["XDG_CACHE_HOME"], "baregrad")
    for name, text in environment.items():
        if not name.startswith(PREFIX):
            continue
        if name not in rows:
            why, mend = "a misspelt switch would do nothing, silently", "the switches are " + ", ".join(rows)
            raise ConfigError(f"{name} is no switch of baregrad", why=why, mend=mend)
        values[rows[name].name] = parse_value(rows[name], text)
    return Config(**values)


# Config is frozen, so one default for all contexts is no trap.
_current = ContextVar("baregrad_config", default=from_environment(os.environ))  # noqa: B039


def config() -> Config:
    """The switches that hold here. Read it once, at the top of an operation."""
    return _current.get()


@contextmanager
def override(**changes: Any) -> Iterator[Config]:  # Any: each field has its own type, which Config checks
    """Change switches for a block of code; in this thread only.

    Errors: ConfigError for an unknown switch or a bad value.

    >>> with override(debug=0, threads=1) as inside:
    ...     inside.threads
    1
    """
    good = [f.name for f in fields(Config)]
    for name in changes:
        if name not in good:
            mend = "the switches are " + ", ".join(row.name for row in knobs())
            raise ConfigError(
                f"{name} is no switch of baregrad", why="override takes fields of Config", mend=mend
            )
    token = _current.set(replace(_current.get(), **changes))
    try:
        yield _current.get()
    finally:
        _current.reset(token)


def cache_key_fields(of: Config | None = None) -> tuple[tuple[str, bool | int | str], ...]:
    """The switches that change code or results, with their values: a part of every key of the kernel cache.

    >>> dict(cache_key_fields())["contract"]
    False
    """
    chosen = config() if of is None else of
    return tuple((row.name, getattr(chosen, row.name)) for row in knobs() if row.in_cache_key)
