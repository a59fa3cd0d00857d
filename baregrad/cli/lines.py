"""Line filters: a line in, a line out, in batches: a call of echo costs more than most lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice

import click

BATCH = 4096


def filtered(lines: Iterable[str], change: Callable[[str], str]) -> None:
    """Print what each line becomes."""
    rest = iter(lines)
    while batch := [change(line) for line in islice(rest, BATCH)]:
        click.echo("\n".join(batch))
