"""The command line: `baregrad VERB`, one file a verb, loaded when the verb is called.

A verb is a row of VERBS and a module with a click command named `command`.
"""

from __future__ import annotations

import sys

import click

from baregrad import __version__
from baregrad.base import load
from baregrad.base.errors import BaregradError

# fmt: off
VERBS = {
    "asm":     ("baregrad.cli.asm",     "assemble AMD's assembly into a code object"),
    "config":  ("baregrad.cli.config",  "list the switches and what they are set to"),
    "demo":    ("baregrad.cli.demo",    "train on handwritten digits, and show what it became"),
    "devices": ("baregrad.cli.devices", "list the devices of this machine"),
    "disasm":  ("baregrad.cli.disasm",  "show machine code: of a cached kernel, a file, or bytes"),
    "doctor":  ("baregrad.cli.doctor",  "say what this machine can do, and whether it works here"),
    "emulate": ("baregrad.cli.emulate", "run a kernel of an AMD code object without its chip"),
    "help":    ("baregrad.cli.help",    "explain a verb"),
    "isa":     ("baregrad.cli.isa",     "extract an instruction set from its manual"),
    "passes":  ("baregrad.cli.passes",  "run a program and show its kernels after each pass, down to bytes"),
}
# fmt: on


class Verbs(click.Group):
    """The verbs of the table; only the one that is called is imported."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a verb."""
        row = VERBS.get(cmd_name)
        if row is None:
            return None
        command = load(row[0]).command
        assert isinstance(command, click.Command), f"{row[0]}.command is a click command"
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table's sentences, without importing any verb."""
        with formatter.section("Verbs"):
            formatter.write_dl([(name, sentence) for name, (_, sentence) in VERBS.items()])


@click.command(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def group() -> None:
    """A deep-learning stack that owns every layer from Tensor to machine code."""


def main(arguments: list[str] | None = None) -> None:
    """Run a verb; wrong arguments end with status 2, errors of ours with 1 and without a traceback."""
    try:
        group.main(args=arguments, prog_name="baregrad")
    except BaregradError as error:
        click.echo(f"{type(error).__name__}: {error}", err=True)
        sys.exit(1)
