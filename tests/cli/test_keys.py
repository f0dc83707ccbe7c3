"""`cwproxy keys`: what is shown once, what is never, and every wrong argument."""

import json
import re
from pathlib import Path

import pytest
from tests.cli.conftest import Cli

from cwproxy.store import open_database
from cwproxy.store.keys import KeyKind, KeyLimits, Keys


def stored(home: Path) -> Keys:
    return Keys(open_database(home / "data"))


def test_a_key_is_shown_once(cli: Cli, home: Path) -> None:
    made = cli("keys", "create", "laptop")
    assert made.code == 0
    key = made.out.strip()
    assert re.fullmatch(r"cwp_[0-9a-f]{64}", key)
    assert "not shown again" in made.err
    assert "every client has to show a key" in made.err
    assert key not in made.err
    for listing in (cli("keys", "list"), cli("keys", "list", "--json")):
        assert key not in listing.out + listing.err
        assert key[:10] in listing.out
        assert "laptop" in listing.out
    content = b"".join(path.read_bytes() for path in (home / "data").iterdir())
    assert key.encode() not in content
    assert "every client" not in cli("keys", "create", "desktop").err


def test_limits_models_and_kind_are_kept(cli: Cli, home: Path) -> None:
    options = (
        "--requests-per-minute",
        "60",
        "--in-flight",
        "2",
        "--monthly-credits",
        "1.5",
        "-m",
        "auto",
        "-m",
        "b",
        "--buffered",
        "calls",
    )
    made = json.loads(cli("keys", "create", "limited", *options, "--json").out)
    assert made["key"].startswith(made["prefix"])
    assert (made["requests_per_minute"], made["in_flight"], made["monthly_credits"]) == (60, 2, 1.5)
    assert (made["models"], made["buffered"]) == (["auto", "b"], "calls")
    assert cli("keys", "create", "boss", "--admin").code == 0
    limited, boss = stored(home).all()
    assert (limited.limits, limited.models) == (KeyLimits(60, 2, 1.5), frozenset({"auto", "b"}))
    assert (boss.kind, boss.models, boss.buffered) == (KeyKind.ADMIN, None, None)
    assert limited.buffered == "calls"
    listed = cli("keys", "list").out
    assert "60 requests/min, 2 at a time, 1.5 credits/month" in listed
    assert "admin" in listed
    assert "key" not in json.loads(cli("keys", "list", "--json").out)[0]


@pytest.mark.parametrize("by", ["id", "name", "prefix"])
def test_a_key_is_revoked_by_whatever_names_it(by: str, cli: Cli, home: Path) -> None:
    made = json.loads(cli("keys", "create", "laptop", "--json").out)
    done = cli("keys", "revoke", made[by])
    assert (done.code, done.out) == (0, f"revoked: 'laptop' ({made['id']})\n")
    assert "No client's key is left" in done.err
    assert "revoked" in cli("keys", "list").out
    assert stored(home).all()[0].revoked_at is not None
    again = cli("keys", "revoke", "laptop")
    assert (again.code, again.out) == (2, "")
    forgotten = cli("keys", "revoke", "laptop", "--forget")
    assert (forgotten.out, forgotten.err) == (f"forgotten: 'laptop' ({made['id']})\n", "")
    assert stored(home).all() == []


def test_a_name_may_be_given_again_and_then_means_the_key_in_use(cli: Cli, home: Path) -> None:
    cli("keys", "create", "laptop")
    cli("keys", "revoke", "laptop")
    cli("keys", "create", "laptop")
    cli("keys", "create", "other")
    done = cli("keys", "revoke", "laptop")
    assert (done.code, done.err) == (0, "")
    several = cli("keys", "revoke", "laptop", "--forget")
    assert several.code == 2
    assert "give the id" in several.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("create", ""), "the name of a key"),
        (("create", " x"), "the name of a key"),
        (("create", "x" * 61), "the name of a key"),
        (("create", "a\nb"), "the name of a key"),
        (("create", "x", "--admin", "-m", "auto"), "an operator's key opens `/admin` only"),
        (("create", "x", "--admin", "--in-flight", "1"), "an operator's key opens `/admin` only"),
        (("create", "taken"), "there is a key 'taken' already"),
        (("create", "x", "--monthly-credits", "inf"), "credits have to be a number"),
        (("revoke", "nobody"), "there is no key 'nobody'"),
        (("create", "x", "--in-flight", "-1"), "greater than or equal to 0"),
        (("create", "x", "--in-flight", "0"), "--in-flight 0: such a key could never ask for anything"),
        (("create", "x", "--requests-per-minute", "0"), "--requests-per-minute 0: such a key could never ask"),
        (("create", "x", "--monthly-credits", "0"), "--monthly-credits 0: such a key could never ask"),
        (("create", "x", "--admin", "--in-flight", "0"), "an operator's key opens `/admin` only"),
        (("create", "x", "--in-flight", "many"), "a valid integer"),
    ],
)
def test_a_wrong_argument_is_one_sentence(arguments: tuple[str, ...], sentence: str, cli: Cli, home: Path) -> None:
    cli("keys", "create", "taken")
    done = cli("keys", *arguments)
    assert done.code == 2
    assert sentence in done.err
    assert done.out == ""
    assert len(stored(home).all()) == 1


def test_keys_of_the_settings_are_counted(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CWPROXY_API_KEYS", "canary-key")
    done = cli("keys", "list")
    assert done.err == "and 1 in the settings (api_keys)\n"
    made = cli("keys", "create", "x")
    assert "first one" not in made.err
    assert cli("keys", "revoke", "x").err == ""
