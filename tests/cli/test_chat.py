import signal
from pathlib import Path

import pytest
from tests.cli.conftest import Cli
from tests.support.program import Terminal, command, store_login
from tests.support.simulator import Simulator


@pytest.fixture
def logged_in(aws: Simulator, home: Path) -> Simulator:
    store_login(home, aws.account("builder-id"))
    return aws


def test_the_answer_goes_to_standard_output_and_the_rest_to_standard_error(logged_in: Simulator, cli: Cli) -> None:
    logged_in.say("Because of Rayleigh scattering.")
    done = cli("chat", "Why is the sky blue?", "--endpoint", logged_in.url)
    assert done.code == 0
    assert done.out == "Because of Rayleigh scattering.\n"
    assert done.err.startswith("[auto: ")
    assert "tokens, counted by " in done.err


def test_reasoning_is_shown_apart(logged_in: Simulator, cli: Cli) -> None:
    logged_in.turns({"reason": "Let me think.", "say": "42"})
    done = cli("chat", "?", "--endpoint", logged_in.url)
    assert done.out == "42\n"
    assert done.err.startswith("Let me think.")


def test_instructions_and_a_model(logged_in: Simulator, cli: Cli) -> None:
    logged_in.say("Oui.")
    done = cli("chat", "Hi", "-m", "claude-haiku-4.5", "--system", "Answer in French.", "--endpoint", logged_in.url)
    assert done.out == "Oui.\n"
    assert done.err.startswith("[claude-haiku-4.5: ")
    sent = logged_in.received("GenerateAssistantResponse")[-1].json["conversationState"]
    assert sent["history"][0]["userInputMessage"]["content"].startswith("Answer in French.")
    assert sent["currentMessage"]["userInputMessage"]["modelId"] == "claude-haiku-4.5"


def test_an_answer_that_was_stopped_says_by_what(logged_in: Simulator, cli: Cli) -> None:
    logged_in.say("And then", stop="MAX_TOKENS")
    assert ", stopped by " in cli("chat", "Tell me.", "--endpoint", logged_in.url).err


def test_a_tool_call_that_nobody_asked_for_is_not_shown(logged_in: Simulator, cli: Cli) -> None:
    logged_in.turns({"say": "Hm.", "call": {"name": "rm", "input": {"path": "/"}}})
    assert cli("chat", "Hi", "--endpoint", logged_in.url).out == "Hm.\n"


def test_the_prompt_comes_from_standard_input(logged_in: Simulator, home: Path) -> None:
    logged_in.say("A diff.")
    done = command("chat", "-", "--endpoint", logged_in.url, home=home, stdin="diff --git a b\n+äöü\n")
    assert (done.code, done.out) == (0, "A diff.\n")
    sent = logged_in.received("GenerateAssistantResponse")[-1].json["conversationState"]["currentMessage"]
    assert "diff --git a b\n+äöü" in sent["userInputMessage"]["content"]


def test_a_prompt_without_a_word_is_refused(logged_in: Simulator, home: Path) -> None:
    for words in (("-",), (" ",)):
        done = command("chat", *words, "--endpoint", logged_in.url, home=home, stdin="\n")
        assert (done.code, done.out) == (2, "")
        assert done.err == "error: There is nothing to say: the prompt is empty.\n"
    assert logged_in.received("GenerateAssistantResponse") == []


def test_it_is_counted(logged_in: Simulator, cli: Cli) -> None:
    assert cli("chat", "Hi", "--endpoint", logged_in.url).code == 0
    lines = cli("usage", "--by", "key").out.splitlines()
    assert lines[1].split()[:3] == ["terminal", "1", "1"]


def test_test_is_another_name_for_it(logged_in: Simulator, cli: Cli) -> None:
    logged_in.say("Hello back.")
    assert cli("test", "--endpoint", logged_in.url).out == "Hello back.\n"


def test_an_unknown_model_is_refused_with_the_known_ones(logged_in: Simulator, cli: Cli) -> None:
    done = cli("chat", "Hi", "--model", "gpt-17", "--endpoint", logged_in.url)
    assert done.code == 1
    assert "gpt-17" in done.err
    assert "claude-sonnet-4.5" in done.err


def test_an_answer_that_breaks_off_fails(logged_in: Simulator, cli: Cli) -> None:
    logged_in.say("one two three", pieces=3)
    logged_in.fault("rst-after", after=2)
    done = cli("chat", "Count", "--endpoint", logged_in.url)
    assert done.code == 1
    assert done.out.startswith("one")
    assert "\nerror: " in f"\n{done.err}"
    assert not done.out.endswith("three\n")
    assert done.out.endswith("\n"), "the error begins on a line of its own"


def test_at_a_terminal_text_appears_as_it_comes_and_ctrl_c_ends_it(logged_in: Simulator, home: Path) -> None:
    logged_in.say("first second third fourth", pieces=4, pace=4.0)
    with Terminal("chat", "Count", "--endpoint", logged_in.url, home=home) as terminal:
        terminal.wait_for("first")
        assert "fourth" not in terminal.shown
        terminal.send(signal.SIGINT)
        assert terminal.end() == 130
    assert "Traceback" not in terminal.shown


def test_with_aws_credentials(aws: Simulator, tmp_path: Path) -> None:
    account = aws.account("iam", session_token="session-token-of-a-role")
    keys = {
        "AWS_ACCESS_KEY_ID": account.access_key_id or "",
        "AWS_SECRET_ACCESS_KEY": account.secret_access_key or "",
        "AWS_SESSION_TOKEN": "session-token-of-a-role",
    }
    home = tmp_path / "home"
    assert command("login", "iam", home=home, environment=keys).code == 0
    aws.say("Signed and delivered.")
    done = command("chat", "Hi", "--endpoint", aws.url, home=home, environment=keys)
    assert (done.code, done.out) == (0, "Signed and delivered.\n")
    assert aws.received()[-1].surface == "q-iam"
    wrong = keys | {"AWS_SECRET_ACCESS_KEY": "canary-wrong"}
    refused = command("chat", "Hi", "--endpoint", aws.url, home=home, environment=wrong)
    assert refused.code == 1
    assert refused.err.splitlines()[-1].startswith("error: ")
    assert "canary-wrong" not in refused.err


def test_without_aws_credentials(tmp_path: Path) -> None:
    home = tmp_path / "home"
    nothing = {"AWS_EC2_METADATA_DISABLED": "true"}
    keys = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "canary-secret"}
    assert command("login", "iam", home=home, environment=keys).code == 0
    done = command("chat", "Hi", "--endpoint", "http://127.0.0.1:9", home=home, environment=nothing)
    assert done.code == 1
    assert "There are no AWS credentials. Set AWS_PROFILE or" in done.err
