"""`baregrad demo`: a network learns handwritten digits; then what it became is shown.

What is trained is in digits.py; what is shown is heard of by viz/profile.py.
"""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from time import perf_counter
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from baregrad.base import override
from baregrad.cli.digits import BATCH, Trainer, load_digits, split
from baregrad.formats import load_safetensors, save_safetensors
from baregrad.tensor import Device
from baregrad.viz import KernelUse, Profile, hot_loop
from baregrad.viz.figures import microseconds

SHOWN = 48  # lines of the hottest loop
Facts = dict[str, Any]  # Any: what JSON can hold


@click.command(name="demo")
@click.option("--device", type=click.Choice(Device.names()), default=None, help="Where to run it.")
@click.option("--epochs", type=click.IntRange(min=0), default=12, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--save", type=click.Path(dir_okay=False, path_type=Path), help="Write the weights here at the end."
)
@click.option(
    "--load",
    "weights",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Begin with these weights; --epochs 0 only looks at them.",
)
@click.option("--json", "as_json", is_flag=True, help="All figures as one JSON object on the last line.")
def command(
    device: str | None, epochs: int, seed: int, save: Path | None, weights: Path | None, as_json: bool
) -> None:
    """Train on handwritten digits, and show what it became."""
    console, profile = Console(highlight=False), Profile()
    with override(device=device or Device.default()), profile.compiling():
        state = None if weights is None else load_safetensors(weights)
        training, held_out = split(load_digits())
        trainer = Trainer(training, held_out, seed, epochs)
        if state is not None:
            trainer.network.load_state_dict(state)
        console.print(
            f"{len(training)} digits to learn from, {len(held_out)} held out; batches of {BATCH} on"
            f" {Device.default()}"
        )
        before, started = profile.compile_seconds, perf_counter()
        history = train(console, trainer, epochs, profile)
        seconds = perf_counter() - started + before  # kernels of the first weights are compiled before
        facts = {
            "device": Device.default(),
            "seed": seed,
            "epochs": epochs,
            "batch": BATCH,
            "history": history,
        }
        facts["accuracy"] = history[-1]["accuracy"] if history else trainer.accuracy()
        facts |= timing(profile, seconds)
        if save is not None:
            save_safetensors(save, trainer.network.state_dict())
    report(console, facts, profile)
    if as_json:
        click.echo(json.dumps(facts))


def train(console: Console, trainer: Trainer, epochs: int, profile: Profile) -> list[Facts]:
    """All epochs; the loss and the accuracy after each. The launches of the last one are timed."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    history: list[Facts] = []
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("steps", total=epochs * trainer.steps)
        for number in range(epochs):
            losses = []
            with profile.launches() if number == epochs - 1 else nullcontext():
                for loss in trainer.epoch(number):
                    losses.append(loss)
                    progress.advance(bar)
            mean = sum(float(loss) for loss in losses) / max(len(losses), 1)
            history.append({"epoch": number + 1, "loss": mean, "accuracy": trainer.accuracy()})
            progress.update(bar, description=f"loss {mean:.4f}, held out {history[-1]['accuracy']:.2%}")
    for row in history:
        console.print(
            f"epoch {row['epoch']:>3}: loss {row['loss']:.4f}, held-out accuracy {row['accuracy']:.2%}"
        )
    return history


def timing(profile: Profile, seconds: float) -> Facts:
    """Where the time went."""
    return {
        "seconds": seconds,
        "compile_seconds": profile.compile_seconds,
        "run_seconds": seconds - profile.compile_seconds,
        "kernels_compiled": profile.compiled,
        "kernels_cached": profile.cached,
        "kernels": [kernel_facts(use, profile.seconds) for use in profile.hottest()],
    }


def kernel_facts(use: KernelUse, total: float) -> Facts:
    """One kernel's row."""
    flops, nbytes = use.figures
    return {
        "name": use.name,
        "launches": use.launches,
        "seconds": use.seconds,
        "share": use.seconds / total if total else 0.0,
        "flops": flops,
        "bytes": nbytes,
        "gflops": flops * use.launches / use.seconds * 1e-9 if use.seconds else 0.0,
        "gbytes": nbytes * use.launches / use.seconds * 1e-9 if use.seconds else 0.0,
        "code_bytes": len(use.code),
    }


def report(console: Console, facts: Facts, profile: Profile) -> None:
    """What a reader wants to see at the end."""
    console.print(
        f"\nheld-out accuracy {facts['accuracy']:.2%} after {facts['seconds']:.1f} s:"
        f" {facts['compile_seconds']:.1f} s compiling {facts['kernels_compiled']} kernels"
        f" ({facts['kernels_cached']} were in the cache), {facts['run_seconds']:.1f} s running"
    )
    if not facts["kernels"]:
        return
    table = Table(title="kernels of a training step")
    table.add_column("kernel", no_wrap=True)
    for title in ("share", "a launch", "GFLOP/s", "GB/s", "bytes of code"):
        table.add_column(title, justify="right")
    for row in facts["kernels"]:
        table.add_row(
            row["name"],
            f"{row['share']:.1%}",
            microseconds(row["seconds"] / row["launches"]),
            f"{row['gflops']:.2f}",
            f"{row['gbytes']:.2f}",
            str(row["code_bytes"]),
        )
    console.print(table)
    hottest = profile.hottest()[0]
    if hottest.code:
        lines = hot_loop(hottest.code)
        console.print(f"the innermost loop of {hottest.name}: {hottest.rates}\n")
        click.echo("\n".join(lines[:SHOWN]))
        if len(lines) > SHOWN:
            click.echo(f"          ... {len(lines) - SHOWN} lines more: baregrad disasm {hottest.name}")
