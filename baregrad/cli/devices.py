"""`baregrad devices`: what can be opened on this machine, and what each device is."""

from __future__ import annotations

import click

from baregrad.base.errors import BaregradError
from baregrad.tensor import Device


@click.command(name="devices")
def command() -> None:
    """List the devices of this machine; the one of new tensors has a star."""
    for name in Device.names():
        star = "*" if name == Device.default() else " "
        try:
            device = Device(name)
        except BaregradError as error:
            click.echo(f"{star} {name:<10} not here: {error.what}")
            continue
        click.echo(f"{star} {name:<10} {device.sentence}")
        facts = device.facts
        caches = ", ".join(f"{cache} {size // 1024} KiB" for cache, size in facts.caches.items())
        rows = (
            ("processor", facts.model),
            ("cores", str(facts.cores) if facts.arch == "x86-64" else ""),
            ("caches", caches),
            ("features", " ".join(sorted(facts.features))),
        )
        for title, value in rows:
            if value:
                click.echo(f"    {title:<10} {value}")
