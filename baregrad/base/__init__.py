"""What every floor uses: errors, configuration, events, small integers, memo, lazy loading, system calls.

Nothing here knows tensors, graphs or machines. Read errors.py and config.py first.
"""

from baregrad.base.cache import memo
from baregrad.base.config import Config, cache_key_fields, config, override
from baregrad.base.events import Event, emit, listen, listening
from baregrad.base.integers import (
    align_up,
    ceil_div,
    is_power_of_two,
    prod,
    wrap_signed,
    wrap_unsigned,
)
from baregrad.base.intern import WeakTable
from baregrad.base.lazy import load, optional
from baregrad.base.system import cache_directory, check, libc, write_aside

__all__ = [
    "Config",
    "Event",
    "WeakTable",
    "align_up",
    "cache_directory",
    "cache_key_fields",
    "ceil_div",
    "check",
    "config",
    "emit",
    "is_power_of_two",
    "libc",
    "listen",
    "listening",
    "load",
    "memo",
    "optional",
    "override",
    "prod",
    "wrap_signed",
    "wrap_unsigned",
    "write_aside",
]
