"""`baregrad help [VERB]`."""

from __future__ import annotations

import click


@click.command(name="help")
@click.argument("verb", required=False)
@click.pass_context
def command(ctx: click.Context, verb: str | None) -> None:
    """Explain a verb, or list them all."""
    parent = ctx.parent
    assert parent is not None, "help is a verb of the group"
    group = parent.command
    assert isinstance(group, click.Group), "the parent of a verb is the group"
    if verb is None:
        click.echo(group.get_help(parent))
        return
    found = group.get_command(parent, verb)
    if found is None:
        raise click.UsageError(
            f"no such verb: {verb}; there are {', '.join(group.list_commands(parent))}", parent
        )
    click.echo(found.get_help(click.Context(found, info_name=verb, parent=parent)))
