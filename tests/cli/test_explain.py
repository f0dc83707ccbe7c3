"""The judge, held against files: a dump, a body, a bare ConversationState."""

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Cli
from tests.support.wire_requests import CHAT_TARGETS, chat_body

ARN = "arn:aws:codewhisperer:us-east-1:123456789012:profile/ABCDEFGHIJKL"


def orphan() -> dict[str, Any]:
    """A tool call in the history that nobody answered."""
    body = chat_body("next", model="claude-sonnet-4.5")
    tool = {"toolSpecification": {"name": "read", "description": "Reads.", "inputSchema": {"json": {"type": "object"}}}}
    body["conversationState"]["currentMessage"]["userInputMessage"]["userInputMessageContext"] = {"tools": [tool]}
    call = {"toolUseId": "t", "name": "read", "input": {}}
    body["conversationState"]["history"] = [
        {"userInputMessage": {"content": "hi"}},
        {"assistantResponseMessage": {"content": "", "toolUses": [call]}},
    ]
    return body


def dump(body: dict[str, Any], surface: str = "q", status: int = 400) -> dict[str, Any]:
    answer = {"message": "Improperly formed request.", "reason": "REQUEST_BODY_INVALID"}
    upstream = {"url": "http://127.0.0.1:1/", "target": CHAT_TARGETS.get(surface, ""), "body": body}
    return {"upstream": upstream, "response": {"status": status, "headers": {}, "body": answer}}


def put(path: Path, value: object) -> str:
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return str(path)


def test_a_broken_rule_is_named_with_its_place_and_the_way_out(cli: Cli, tmp_path: Path) -> None:
    done = cli("explain", put(tmp_path / "dump.json", dump(orphan())))
    assert done.code == 1
    lines = done.out.splitlines()
    assert lines[0] == "The backend said: HTTP 400, Improperly formed request. (REQUEST_BODY_INVALID)"
    assert lines[2] == "legacy-q: 1 fault"
    assert lines[3] == "  rule 16: every tool use has its result in the next user turn"
    assert "backend-rules.md A2 16 (strict)" in lines[4]
    assert "currentMessage" in lines[5] or "history[1]" in lines[5]
    assert "Improperly formed request." in lines[6]
    assert "Add a result for the call" in lines[7]
    assert "kiro-runtime" not in done.out


def test_a_dump_is_judged_as_its_surface_is(cli: Cli, tmp_path: Path) -> None:
    done = cli("explain", put(tmp_path / "dump.json", dump(chat_body("hi"), "kiro")))
    assert done.code == 1
    assert "kiro-runtime: 1 fault\n  rule 52: profileArn is there" in done.out
    other = cli("explain", put(tmp_path / "dump.json", dump(chat_body("hi"), "codewhisperer")))
    assert (other.code, "legacy-q: no rule is broken" in other.out) == (0, True)


def test_a_sound_body_is_said_to_be_so_for_both_profiles(cli: Cli, tmp_path: Path) -> None:
    body = chat_body("hi", model="claude-sonnet-4.5", profile_arn=ARN)
    for value in (body, body["conversationState"]):
        done = cli("explain", put(tmp_path / "body.json", value))
        assert done.code == 0
        assert "legacy-q: no rule is broken" in done.out and "kiro-runtime: no rule is broken" in done.out
        assert "perhaps rule 51" in done.out
    one = cli("explain", str(tmp_path / "body.json"), "--profile", "legacy-q")
    assert "kiro-runtime" not in one.out


def test_all_faults_are_listed(cli: Cli, tmp_path: Path) -> None:
    body = orphan()
    body["conversationState"]["history"][0]["userInputMessage"]["content"] = ""
    done = cli("explain", put(tmp_path / "body.json", body), "--profile", "legacy-q")
    assert "2 faults" in done.out and "rule 1:" in done.out and "rule 16:" in done.out


def test_a_picture_that_was_cut_short_is_judged_at_its_length(cli: Cli, tmp_path: Path) -> None:
    body = chat_body("look")
    start = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(40)).decode()
    source = {"bytes": start, "omittedCharacters": 6_000_000}
    body["conversationState"]["currentMessage"]["userInputMessage"]["images"] = [{"format": "png", "source": source}]
    done = cli("explain", put(tmp_path / "dump.json", dump(body)))
    assert done.code == 1
    assert "rule 63" in done.out and "6000064 bytes of base64" in done.out


def test_other_answers_are_told(cli: Cli, tmp_path: Path) -> None:
    html = dump(chat_body("hi"))
    html["response"] = {"status": 502, "headers": {}, "body": "<html>"}
    assert "The backend said: HTTP 502\n" in cli("explain", put(tmp_path / "dump.json", html)).out
    html["response"] = None
    assert "The backend said" not in cli("explain", put(tmp_path / "dump.json", html)).out


def test_standard_input() -> None:
    command = [sys.executable, "-m", "cwproxy", "explain", "-", "--profile", "legacy-q"]
    done = subprocess.run(command, input=json.dumps(chat_body("hi")), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "no rule is broken" in done.stdout


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is not JSON"),
        ("[]", "holds neither a dump nor a chat request"),
        ({"upstream": None, "error": {"message": "No messages."}}, "cwproxy refused the request itself: No messages."),
    ],
)
def test_other_files_are_refused_in_a_sentence(cli: Cli, tmp_path: Path, content: object, words: str) -> None:
    done = cli("explain", put(tmp_path / "file.json", content))
    assert (done.code, done.out) == (2, "")
    assert words in done.err


def test_a_missing_file_and_an_unknown_profile(cli: Cli, tmp_path: Path) -> None:
    assert "cannot be read" in cli("explain", str(tmp_path / "none")).err
    file = put(tmp_path / "body.json", chat_body())
    assert "neither legacy-q nor kiro-runtime" in cli("explain", file, "--profile", "x").err
