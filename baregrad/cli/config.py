"""`baregrad config`: every switch, its value, and where it comes from."""

from __future__ import annotations

import click

from baregrad.base import config
from baregrad.base.config import knobs


@click.command(name="config")
def command() -> None:
    """List the switches and what they are set to."""
    now = config()
    for row in knobs():
        value = getattr(now, row.name)
        changed = "" if value == row.default else f" (default {row.default!r})"
        key = ", in the key of the kernel cache" if row.in_cache_key else ""
        click.echo(f"{row.env:<14} {value!r}{changed}\n{'':<14} {row.sentence}{key}")
