"""Answers of the Responses API, kept by one process and continued in another, with OpenAI's own client."""

from pathlib import Path

import openai
import pytest
from tests.end_to_end.conftest import KEY, OTHER_KEY, Running, running
from tests.support.program import Server

from cwproxy.store import open_database

pytestmark = pytest.mark.end_to_end


def client(url: str, key: str = KEY) -> openai.OpenAI:
    http = openai.DefaultHttpxClient(trust_env=False)
    return openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, http_client=http)


def kept(programs: Running) -> int:
    database = open_database(programs.home / "data")
    with database.reading() as statements:
        (row,) = statements.execute("SELECT COUNT(*) AS number FROM response")
    database.close()
    return row.whole("number")


def history(programs: Running) -> list[str]:
    """What was said before, in the latest request that the backend got."""
    state = programs.aws.received("GenerateAssistantResponse")[-1].json["conversationState"]
    messages = [message.get("userInputMessage") or message["assistantResponseMessage"] for message in state["history"]]
    return [message["content"] for message in messages]


def test_another_process_goes_on_from_it_and_another_key_does_not(tmp_path: Path) -> None:
    with running(tmp_path, by_hand=False) as programs:
        with client(programs.url) as one:
            first = one.responses.create(model="auto", input="STUBSAY eins", instructions="Be brief.")
            assert one.responses.create(model="auto", input="STUBSAY nothing", store=False).output_text == "nothing"
        assert kept(programs) == 1
        serve = ("serve", "--endpoint", programs.simulator.url, "--port", "0")
        with Server(*serve, home=programs.home, environment=programs.environment, cwd=tmp_path) as other:
            with client(other.url) as two:
                second = two.responses.create(model="auto", input="STUBSAY zwei", previous_response_id=first.id)
                assert second.output_text == "zwei"
                assert history(programs)[-2:] == ["STUBSAY eins", "eins"]
                assert not any("Be brief." in said for said in history(programs))
            with client(other.url, OTHER_KEY) as stranger:
                with pytest.raises(openai.NotFoundError):
                    stranger.responses.retrieve(first.id)
                with pytest.raises(openai.BadRequestError, match="not found"):
                    stranger.responses.create(model="auto", input="x", previous_response_id=first.id)


def test_nothing_is_kept_where_nothing_is_to_be(tmp_path: Path) -> None:
    with running(tmp_path, by_hand=False, CWPROXY_RESPONSE_DAYS="0") as programs:
        with client(programs.url) as one:
            answer = one.responses.create(model="auto", input="STUBSAY eins")
            assert answer.to_dict()["store"] is False
            with pytest.raises(openai.NotFoundError):
                one.responses.retrieve(answer.id)
        assert kept(programs) == 0
