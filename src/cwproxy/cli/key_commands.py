"""The options of `cwproxy keys`; what they do is in `cli.keys`."""

from enum import Enum
from typing import Annotated

import typer

keys = typer.Typer(help="API keys: who may use this proxy, and how much.", no_args_is_help=True, rich_markup_mode=None)


class _Buffering(Enum):
    """As in `filters`, which is not imported for a help text."""

    OFF = "off"
    CALLS = "calls"
    FULL = "full"


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@keys.command()
def create(
    name: Annotated[str, typer.Argument(help="What you call it.")],
    admin: Annotated[bool, typer.Option("--admin", help="A key for /admin, which opens nothing else.")] = False,
    requests_per_minute: Annotated[int | None, typer.Option(min=0, help="In any sixty seconds.")] = None,
    in_flight: Annotated[int | None, typer.Option(min=0, help="Requests open at a time.")] = None,
    monthly_credits: Annotated[
        float | None, typer.Option(min=0, help="Credits per month (UTC), as the backend meters them.")
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option("--model", "-m", help="May only use this model; may be repeated.")
    ] = None,
    buffered: Annotated[
        _Buffering | None, typer.Option(help="Its answers' buffered mode; by default, that of the settings.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and show it, this once."""
    from cwproxy.cli.keys import WantedKey
    from cwproxy.cli.keys import create as run_create
    from cwproxy.cli.running import run
    from cwproxy.settings import load
    from cwproxy.store.keys import KeyLimits

    limits = KeyLimits(requests_per_minute, in_flight, monthly_credits)
    wanted = WantedKey(name, admin, limits, tuple(model or ()), buffered.value if buffered else None)
    run(run_create(load(), wanted, as_json=as_json))


@keys.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """Show the keys, by their beginnings."""
    from cwproxy.cli.keys import list_keys as run_list
    from cwproxy.cli.running import run
    from cwproxy.settings import load

    run(run_list(load(), as_json=as_json))


@keys.command()
def revoke(
    key: Annotated[str, typer.Argument(help="Its id, name or beginning, see `keys list`.")],
    forget: Annotated[bool, typer.Option("--forget", help="Also take it out of the list.")] = False,
) -> None:
    """Let a key in no more. Running servers know within two seconds."""
    from cwproxy.cli.keys import revoke as run_revoke
    from cwproxy.cli.running import run
    from cwproxy.settings import load

    run(run_revoke(load(), key, forget=forget))
