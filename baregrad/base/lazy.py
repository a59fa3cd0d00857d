"""Loading a module when it is first needed: the one lazy helper.

Tables, renderers and devices are found by name here, so that importing baregrad loads none of them;
third-party packages that a feature wants come through `optional`, with an error that says how to get them.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from baregrad.base.errors import ConfigError


def load(name: str) -> ModuleType:
    """A module of baregrad by its full name.

    >>> load("baregrad.base.integers").ceil_div(7, 4)
    2
    """
    assert name.startswith("baregrad."), f"{name} is not ours: third-party packages come through optional()"
    return import_module(name)


def optional(package: str, *, wanted_for: str, extra: str) -> ModuleType:
    """A third-party package that only one feature needs.

    Errors: ConfigError if it is not installed.
    """
    if find_spec(package.partition(".")[0]) is None:
        raise ConfigError(
            f"the package {package} is not installed",
            why=f"it is needed for {wanted_for}, and for nothing else",
            mend=f"pip install 'baregrad[{extra}]'",
        )
    return import_module(package)
