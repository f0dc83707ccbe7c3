"""What the backend is told, and who may ask."""

import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.end_to_end.conftest import KEY, OTHER_KEY, Running, running
from tests.support.program import until
from tests.support.waiting import SECONDS

pytestmark = pytest.mark.end_to_end


def told(programs: Running) -> dict[str, Any]:
    """The conversation state of the last call."""
    state: dict[str, Any] = programs.aws.received("GenerateAssistantResponse")[-1].json["conversationState"]
    return state


@pytest.mark.parametrize("key", ["wrong", KEY + "x", KEY[:-1], f"{KEY},{OTHER_KEY}"])
def test_a_wrong_key_reaches_nobody(programs: Running, key: str) -> None:
    before = len(programs.aws.received())
    with programs.http(key) as client:
        answers = [
            client.post("/v1/chat/completions", json={"model": "auto", "messages": []}),
            client.get("/v1/models"),
            client.get("/v1/models/auto"),
        ]
    assert [answer.status_code for answer in answers] == [401, 401, 401]
    assert answers[0].json()["error"]["code"] == "invalid_api_key"
    assert len(programs.aws.received()) == before


def test_only_health_needs_no_key(programs: Running) -> None:
    with httpx.Client(base_url=programs.url, trust_env=False, timeout=SECONDS) as client:
        codes = [client.get(path).status_code for path in ("/health", "/health/ready", "/v1/models")]
    assert codes == [200, 200, 401]


def test_one_conversation_has_one_id(programs: Running) -> None:
    first = [{"role": "user", "content": "What is a proxy?"}]
    later = [*first, {"role": "assistant", "content": "A go-between."}, {"role": "user", "content": "Whose?"}]
    ids = []
    for key, messages in ((KEY, first), (KEY, later), (OTHER_KEY, first)):
        with programs.http(key) as client:
            answer = client.post("/v1/chat/completions", json={"model": "auto", "messages": messages})
        assert answer.status_code == 200
        ids.append(told(programs)["conversationId"])
    assert ids[0] == ids[1]
    assert ids[0] != ids[2], "callers share a conversation"
    programs.ask("Something else")
    assert told(programs)["conversationId"] not in ids


def test_a_client_may_name_the_conversation(programs: Running) -> None:
    ids = []
    for text, name, key in (("One", "n-1", KEY), ("Two", "n-1", KEY), ("One", "n-2", KEY), ("One", "n-1", OTHER_KEY)):
        answer = programs.ask(text, key=key, headers={"x-conversation-id": name})
        assert answer.status_code == 200
        ids.append(told(programs)["conversationId"])
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


def test_nothing_is_told_of_this_machine(programs: Running) -> None:
    programs.ask()
    message = told(programs)["currentMessage"]["userInputMessage"]
    assert message["userInputMessageContext"]["envState"] == {
        "operatingSystem": "linux",
        "currentWorkingDirectory": "/",
    }
    call = programs.aws.received("GenerateAssistantResponse")[-1]
    assert call.headers["x-amzn-codewhisperer-optout"] == "true"
    assert str(programs.home.parent) not in call.body
    assert call.headers["user-agent"].startswith("cwproxy/")


@pytest.fixture(scope="module")
def sharing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    checkout = tmp_path_factory.mktemp("sharing")
    subprocess.run(["git", "init", "-q", "-b", "trunk", str(checkout)], check=True)
    wanted = {"CWPROXY_SHARE_ENVIRONMENT": "1", "CWPROXY_SHARE_CONTENT": "1"}
    with running(checkout, by_hand=False, A_SECRET_OF_MINE="canary-value-of-a-variable", **wanted) as started:
        yield started


def test_what_is_told_when_the_user_wants_it(sharing: Running) -> None:
    contexts: list[dict[str, Any]] = []

    def everything_is_told() -> bool:
        sharing.ask()
        contexts.append(told(sharing)["currentMessage"]["userInputMessage"]["userInputMessageContext"])
        return "gitState" in contexts[-1]  # git is given two seconds

    until(everything_is_told)
    context = contexts[-1]
    assert context["envState"]["currentWorkingDirectory"] == str(sharing.home.parent)
    variables = {item["key"]: item["value"] for item in context["envState"]["environmentVariables"]}
    assert "A_SECRET_OF_MINE" in variables
    assert "CWPROXY_API_KEYS" in variables
    assert len(set(variables.values())) == 1
    assert "## No commits yet on trunk" in context["gitState"]["status"]
    call = sharing.aws.received("GenerateAssistantResponse")[-1]
    assert call.headers["x-amzn-codewhisperer-optout"] == "false"
    assert "canary" not in call.body
