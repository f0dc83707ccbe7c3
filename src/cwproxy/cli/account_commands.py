"""The options of `cwproxy accounts`; what they do is in `cli.accounts` and `cli.importing`."""

from pathlib import Path
from typing import Annotated

import typer

accounts = typer.Typer(help="The accounts that calls are made with.", no_args_is_help=True, rich_markup_mode=None)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Account = Annotated[str, typer.Argument(help="Its id, the beginning of that, or its name; see `accounts list`.")]
Endpoint = Annotated[
    str | None, typer.Option(help="One base URL for login, control plane and chat. [env: CWPROXY_ENDPOINT]")
]
SurfaceName = Annotated[
    str | None, typer.Option(help="q, q-iam, codewhisperer or kiro; by default what fits the account.")
]
Label = Annotated[str | None, typer.Option(help="Name of the account.")]


@accounts.command()
def add(
    kind: Annotated[str, typer.Argument(help="builder-id, identity-center, social, api-key or iam.")],
    start_url: Annotated[str | None, typer.Option(help="Start URL of your IAM Identity Center.")] = None,
    region: Annotated[
        str | None, typer.Option(help="Region of the Identity Center, or that the key or the credentials are for.")
    ] = None,
    browser: Annotated[
        bool | None, typer.Option("--browser/--no-browser", help="Log in with a browser here; or open none.")
    ] = None,
    provider: Annotated[str, typer.Option(help="For social: google or github.")] = "google",
    aws_profile: Annotated[str | None, typer.Option(help="For iam: a profile of your AWS files.")] = None,
    label: Label = None,
    endpoint: Endpoint = None,
    surface: SurfaceName = None,
    profile_arn: Annotated[str | None, typer.Option(help="Use this profile.")] = None,
) -> None:
    """Log in with another account, as `cwproxy login KIND` does, but never in the place of one."""
    from cwproxy.cli.login import Wanted, login
    from cwproxy.cli.running import run
    from cwproxy.settings import load

    settings = load({"endpoint": endpoint, "surface": surface, "profile_arn": profile_arn})
    run(login(settings, Wanted(kind, start_url, region, browser, label, provider, aws_profile, another=True)))


@accounts.command("import")
def import_(
    path: Annotated[
        Path | None, typer.Argument(help="kiro-auth-token.json, or the data.sqlite3 of the Q CLI or the Kiro CLI.")
    ] = None,
    kiro: Annotated[bool, typer.Option("--kiro", help="The Kiro IDE's login, where that keeps it.")] = False,
    q_cli: Annotated[bool, typer.Option("--q-cli", help="The Q CLI's.")] = False,
    kiro_cli: Annotated[bool, typer.Option("--kiro-cli", help="The Kiro CLI's.")] = False,
    share: Annotated[
        bool,
        typer.Option("--share/--copy", help="Go on sharing it with its program; or copy it, for when that is gone."),
    ] = True,
    label: Label = None,
    kind: Annotated[
        str | None, typer.Option(help="social, builder-id, identity-center or external-idp, if the file says nothing.")
    ] = None,
    region: Annotated[str | None, typer.Option(help="Region of the login, if the file says none.")] = None,
    profile_arn: Annotated[str | None, typer.Option(help="Use this profile.")] = None,
    endpoint: Endpoint = None,
    surface: SurfaceName = None,
) -> None:
    """Take over the login of the Kiro IDE, the Q CLI or the Kiro CLI."""
    from cwproxy.cli.importing import Chosen, import_login
    from cwproxy.cli.running import run
    from cwproxy.settings import load

    chosen = Chosen(path, kiro=kiro, q_cli=q_cli, kiro_cli=kiro_cli)
    settings = load({"endpoint": endpoint, "surface": surface, "profile_arn": profile_arn})
    run(import_login(settings, chosen, share=share, label=label, kind=kind, region=region))


@accounts.command("list")
def list_(as_json: AsJson = False) -> None:
    """Show the accounts and whether they can be used."""
    from cwproxy.cli.accounts import list_accounts
    from cwproxy.cli.running import run
    from cwproxy.settings import load

    run(list_accounts(load(), as_json=as_json))


@accounts.command()
def show(account: Account, as_json: AsJson = False) -> None:
    """Show everything that is known of an account; of its health as much as a running server tells."""
    from cwproxy.cli.accounts import show_account
    from cwproxy.cli.running import run
    from cwproxy.settings import load

    run(show_account(load(), account, as_json=as_json))


@accounts.command()
def disable(account: Account) -> None:
    """Make no more calls with an account. Running servers know within two seconds."""
    from cwproxy.cli.accounts import disable_account
    from cwproxy.cli.running import run
    from cwproxy.settings import load

    run(disable_account(load(), account))


@accounts.command()
def enable(account: Account) -> None:
    """Use an account again, and forget whatever was held against it: suspension, refusals, cool-downs."""
    from cwproxy.cli.accounts import enable_account
    from cwproxy.cli.running import run
    from cwproxy.settings import load

    run(enable_account(load(), account))


@accounts.command()
def remove(account: Account) -> None:
    """Forget an account and wipe its tokens. The login of a program that it is shared with stays."""
    from cwproxy.cli.accounts import remove_account
    from cwproxy.cli.running import run
    from cwproxy.settings import load

    run(remove_account(load(), account))


@accounts.command("test")
def test_(account: Account, endpoint: Endpoint = None) -> None:
    """Ask the service for the account's models and allowance, and say what to do when that fails."""
    from cwproxy.cli.probing import test_account
    from cwproxy.cli.running import run
    from cwproxy.settings import load

    run(test_account(load({"endpoint": endpoint}), account))
