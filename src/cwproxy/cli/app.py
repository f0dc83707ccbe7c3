"""The commands and their options; what they do is in the modules beside this one."""

from pathlib import Path
from typing import Annotated

import typer

from cwproxy.cli.account_commands import accounts
from cwproxy.cli.key_commands import keys

app = typer.Typer(
    name="cwproxy",
    help="Your own Amazon Q Developer, CodeWhisperer or Kiro account behind the APIs of OpenAI (Chat Completions, "
    "Responses) and Anthropic (Messages).",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # its imports alone would double the time that `--help` takes
    pretty_exceptions_enable=False,  # they print local variables, and those hold tokens
    context_settings={"help_option_names": ["-h", "--help"]},
)

Endpoint = Annotated[
    str | None,
    typer.Option(help="One base URL for login, control plane and chat, such as a simulator's. [env: CWPROXY_ENDPOINT]"),
]
SurfaceName = Annotated[
    str | None,
    typer.Option(help="q, q-iam, codewhisperer or kiro; by default what fits the account. [env: CWPROXY_SURFACE]"),
]
ProfileArn = Annotated[str | None, typer.Option(help="Use this profile. [env: CWPROXY_PROFILE_ARN]")]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        help="PostgreSQL instead of a file of this machine, postgresql://user:password@host/database; better in the "
        "variable, because every user of the machine sees arguments. [env: CWPROXY_DATABASE_URL]"
    ),
]
ModelName = Annotated[str, typer.Option("--model", "-m", help="Model id or alias; see `cwproxy models`.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def _version(wanted: bool) -> None:
    if wanted:
        from cwproxy import __version__

        typer.echo(f"cwproxy {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


@app.command()
def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on, 127.0.0.1 by default. [env: CWPROXY_HOST]")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port, 3000 by default; 0 takes any free one. [env: CWPROXY_PORT]")
    ] = None,
    endpoint: Endpoint = None,
    surface: SurfaceName = None,
    profile_arn: ProfileArn = None,
    simulator: Annotated[
        bool, typer.Option("--simulator", help="Run the simulator beside it and use that instead of AWS.")
    ] = False,
    database_url: DatabaseUrl = None,
    log_level: Annotated[
        str | None, typer.Option(help="debug, info, warning or error. [env: CWPROXY_LOG_LEVEL]")
    ] = None,
) -> None:
    """Serve the APIs of OpenAI (Chat Completions, Responses) and Anthropic (Messages) for the accounts that are logged
    in.
    """
    from cwproxy.api.server import loop_factory
    from cwproxy.cli.running import run
    from cwproxy.cli.serve import serve as run_server
    from cwproxy.settings import load

    settings = load(
        {
            "host": host,
            "port": port,
            "endpoint": endpoint,
            "surface": surface,
            "profile_arn": profile_arn,
            "database_url": database_url,
            "log_level": log_level,
        }
    )
    run(run_server(settings, with_simulator=simulator), loop_factory())


@app.command()
def login(
    kind: Annotated[
        str | None,
        typer.Argument(
            metavar="[KIND]",
            help="builder-id, identity-center, social (Kiro with Google or GitHub), api-key (Kiro's `ksk_...`) or iam "
            "(AWS credentials); by default builder-id, or with --start-url, identity-center.",
        ),
    ] = None,
    start_url: Annotated[str | None, typer.Option(help="Start URL of your IAM Identity Center.")] = None,
    region: Annotated[
        str | None, typer.Option(help="Region of the Identity Center, or that the key or the credentials are for.")
    ] = None,
    browser: Annotated[
        bool | None,
        typer.Option(
            "--browser/--no-browser",
            help="Log in with a browser on this machine, without a code; or open none. By default a code is shown, "
            "and its page opened where that can be done.",
        ),
    ] = None,
    provider: Annotated[str, typer.Option(help="For social: google or github.")] = "google",
    aws_profile: Annotated[str | None, typer.Option(help="For iam: a profile of your AWS files.")] = None,
    label: Annotated[
        str | None, typer.Option(help="Name of the account; keeps two of the same kind and place apart.")
    ] = None,
    endpoint: Endpoint = None,
    surface: SurfaceName = None,
    profile_arn: ProfileArn = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Log in, in a browser on this or any other machine, or with a key or credentials that you have."""
    from cwproxy.cli.login import Wanted
    from cwproxy.cli.login import login as run_login
    from cwproxy.cli.running import run
    from cwproxy.settings import load

    settings = load(
        {"endpoint": endpoint, "surface": surface, "profile_arn": profile_arn, "database_url": database_url}
    )
    wanted = Wanted(kind, start_url, region, browser, label=label, provider=provider, aws_profile=aws_profile)
    run(run_login(settings, wanted))


@app.command()
def logout(
    account: Annotated[
        str | None, typer.Argument(help="Its id, the beginning of that, or its name; without it, the only one.")
    ] = None,
) -> None:
    """Forget an account and wipe its tokens."""
    from cwproxy.cli.login import logout as run_logout
    from cwproxy.cli.running import run
    from cwproxy.settings import load

    run(run_logout(load(), account))


@app.command()
def whoami(as_json: AsJson = False) -> None:
    """Show who is logged in, and how long the token is good for."""
    from cwproxy.cli.login import whoami as run_whoami
    from cwproxy.cli.running import run
    from cwproxy.settings import load

    run(run_whoami(load(), as_json=as_json))


@app.command()
def models(as_json: AsJson = False, endpoint: Endpoint = None, surface: SurfaceName = None) -> None:
    """List the models that the accounts may use."""
    from cwproxy.cli.models import models as run_models
    from cwproxy.cli.running import run
    from cwproxy.settings import load

    run(run_models(load({"endpoint": endpoint, "surface": surface}), as_json=as_json))


app.add_typer(keys, name="keys")


@app.command()
def usage(
    since: Annotated[
        str, typer.Option(help="`month`, `today`, a span (90m, 12h, 7d, 2w) or a date (2026-11-01).")
    ] = "month",
    by: Annotated[list[str] | None, typer.Option(help="account, model, key or day; may be repeated.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what was asked of the accounts, how it went and what it cost."""
    from cwproxy.cli.running import run
    from cwproxy.cli.usage import usage as run_usage
    from cwproxy.settings import load

    run(run_usage(load(), begin=since, by=by or [], as_json=as_json))


@app.command()
def chat(
    prompt: Annotated[str, typer.Argument(help="What to say; `-` reads it from standard input.")] = "Hello",
    model: ModelName = "auto",
    system: Annotated[str | None, typer.Option(help="Instructions for the model.")] = None,
    endpoint: Endpoint = None,
    surface: SurfaceName = None,
) -> None:
    """Say something to a model and stream its answer to the terminal."""
    from cwproxy.cli.chat import chat as run_chat
    from cwproxy.cli.running import run
    from cwproxy.settings import load

    run(run_chat(load({"endpoint": endpoint, "surface": surface}), prompt, model=model, system=system))


app.command("test", hidden=True)(chat)


@app.command()
def simulate(
    port: Annotated[int, typer.Option(help="Port; 0 takes any free one.")] = 0,
    profile: Annotated[
        str, typer.Option(help="Whose rules to enforce: legacy-q, kiro-runtime, or auto (by surface).")
    ] = "auto",
    auto_approve: Annotated[
        bool, typer.Option("--auto-approve", help="Approve device logins without the browser page.")
    ] = False,
    pace: Annotated[float, typer.Option(help="Seconds between two frames of an answer.", min=0.0)] = 0.02,
    opt_rules: Annotated[
        str, typer.Option(help="Numbers of optional backend rules to enforce too, separated by commas, or `all`.")
    ] = "",
) -> None:
    """Run the local simulator of AWS on 127.0.0.1."""
    from cwproxy.cli.running import run
    from cwproxy.cli.simulate import simulate as run_simulator

    run(run_simulator(port=port, profile=profile, auto_approve=auto_approve, pace=pace, opt_rules=opt_rules))


@app.command()
def doctor(endpoint: Endpoint = None, surface: SurfaceName = None) -> None:
    """Check configuration, permissions, clock, network and token, and say what to do."""
    from cwproxy.cli.doctor import doctor as run_doctor
    from cwproxy.cli.running import run

    raise typer.Exit(run(run_doctor({"endpoint": endpoint, "surface": surface})))


@app.command()
def explain(
    file: Annotated[
        str,
        typer.Argument(
            help="A file of `dump_failures`, or the body of a call to the backend (`conversationState`); `-` for stdin."
        ),
    ],
    profile: Annotated[
        str | None, typer.Option(help="Whose rules: legacy-q or kiro-runtime; by default by the address, or both.")
    ] = None,
) -> None:
    """Say which rule of the backend a captured request breaks, where, and what to change. Exits with 1 if one is."""
    from cwproxy.cli.explain import explain as run_explain

    raise typer.Exit(run_explain(file, profile=profile))


@app.command()
def demo(
    surface: Annotated[str, typer.Option(help="q, codewhisperer or kiro.")] = "q",
    home: Annotated[Path | None, typer.Option(hidden=True, help="Keep the demo's files here.")] = None,
) -> None:
    """Simulator, login, proxy and a real OpenAI client, in this terminal, without an AWS account."""
    from cwproxy.cli.demo import demo as run_demo
    from cwproxy.cli.running import run

    run(run_demo(surface=surface, home=home))


app.add_typer(accounts, name="accounts")
store_app = typer.Typer(help="Look after the database of accounts, keys and usage.", no_args_is_help=True)
app.add_typer(store_app, name="store")


@store_app.command()
def migrate(database_url: DatabaseUrl = None) -> None:
    """Bring the tables to the newest schema, which every other command does, too, when it opens them."""
    from cwproxy.cli.running import run
    from cwproxy.cli.store import migrate as run_migrate
    from cwproxy.settings import load

    run(run_migrate(load({"database_url": database_url})))


@store_app.command()
def export(
    file: Annotated[Path, typer.Argument(help="A new file, readable by you only; it holds the logins as they are.")],
    database_url: DatabaseUrl = None,
) -> None:
    """Write everything to a file, to take it to another database."""
    from cwproxy.cli.running import run
    from cwproxy.cli.store import export as run_export
    from cwproxy.settings import load

    run(run_export(load({"database_url": database_url}), file))


@store_app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="What `cwproxy store export` wrote.")],
    database_url: DatabaseUrl = None,
) -> None:
    """Take everything from a file of `store export` into an empty database."""
    from cwproxy.cli.running import run
    from cwproxy.cli.store import import_ as run_import
    from cwproxy.settings import load

    run(run_import(load({"database_url": database_url}), file))
