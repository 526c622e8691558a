"""The operator's entry point: ``espace <service> <act>``.

A service's commands are loaded when they are asked for: ``espace avis envois`` never loads grpc,
and a service that is not installed on this machine costs nothing.
"""

from __future__ import annotations

import importlib
import os

import click

from deploy import SERVICES


class Services(click.Group):
    """The command groups of the services, each found in its own ``commandes.py``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name them in the order of the suite, then our own."""
        return [*SERVICES, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one."""
        if cmd_name not in SERVICES:
            return super().get_command(ctx, cmd_name)
        commands = importlib.import_module(f"services.{cmd_name}.commandes")
        group: click.Command = getattr(commands, cmd_name)
        return group


@click.group(cls=Services)
def espace() -> None:
    """Act on the suite. Settings come from the environment (``. var/demo/espace.env``)."""


@espace.group()
def evenements() -> None:
    """Events between the services."""


@evenements.command()
@click.argument("consommateur", type=click.Choice(SERVICES))
@click.option(
    "--limite", type=click.IntRange(min=1), default=1000, show_default=True, help="Messages."
)
def rejouer(consommateur: str, limite: int) -> None:
    """Give a consumer's dead letters back to its queues, oldest first.

    A handler that has seen an event before ignores it, so a second replay does no harm.
    """
    from chassis import topology  # noqa: PLC0415 - pika only where it is needed

    url = os.environ.get("ESPACE_AMQP_URL")
    if not url:
        raise click.ClickException("ESPACE_AMQP_URL is missing")
    count = topology.replay(url, consommateur, limite)
    click.echo(f"{consommateur}: {count} replayed")


if __name__ == "__main__":
    espace()
