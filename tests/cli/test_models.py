import json
from pathlib import Path

import pytest
from tests.cli.conftest import Cli
from tests.support.program import store_login
from tests.support.simulator import Simulator

PROFILE = "arn:aws:codewhisperer:us-east-1:123456789012:profile/AAAAAAAAAAAA"


def test_lists_what_the_account_may_use(aws: Simulator, cli: Cli, home: Path) -> None:
    store_login(home, aws.account("builder-id"))
    done = cli("models", "--endpoint", aws.url)
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0].split() == ["model", "name", "input", "tokens", "images"]
    assert sum("(default)" in line for line in lines) == 1
    assert any("claude-sonnet-4.5" in line and "200,000" in line for line in lines)
    assert done.err == ""


def test_names_of_the_settings(aws: Simulator, cli: Cli, home: Path) -> None:
    store_login(home, aws.account("builder-id"))
    (home / "config.toml").write_text('aliases = { best = "claude-opus-4-6", lost = "no-such-model" }\n')
    done = cli("models", "--endpoint", aws.url)
    assert "best (claude-opus-4.6)" in done.out
    assert "lost" not in done.out


def test_as_json(aws: Simulator, cli: Cli, home: Path) -> None:
    store_login(home, aws.account("builder-id", models=["claude-haiku-4.5"]))
    models = json.loads(cli("models", "--json", "--endpoint", aws.url).out)
    assert [model["id"] for model in models] == ["claude-haiku-4.5"]
    assert models[0]["max_input_tokens"] > 0


def test_of_every_surface_that_takes_tokens(aws: Simulator, cli: Cli, home: Path) -> None:
    store_login(home, aws.account("identity-center", profile_arns=[PROFILE]))
    listed = {
        surface: [model["id"] for model in json.loads(done.out)]
        for surface in ("q", "codewhisperer", "kiro")
        if (done := cli("models", "--json", "--endpoint", aws.url, "--surface", surface)).code == 0
    }
    assert set(listed) == {"q", "codewhisperer", "kiro"}
    assert {received.surface for received in aws.received("ListAvailableModels")} == set(listed)


@pytest.mark.usefixtures("aws_keys")
def test_aws_credentials_have_no_list(cli: Cli) -> None:
    assert cli("login", "iam").code == 0
    done = cli("models", "--endpoint", "http://127.0.0.1:9")
    assert done.code == 0
    assert [line.split()[0] for line in done.out.splitlines()] == ["model", "auto"]


def test_a_refusal_is_one_sentence(aws: Simulator, cli: Cli, home: Path) -> None:
    store_login(home, aws.account("builder-id", state="suspended"))
    done = cli("models", "--endpoint", aws.url)
    assert done.code == 1
    assert "suspended" in done.err
    assert len(done.err.splitlines()) == 1
