import json
import logging
import stat
from pathlib import Path
from typing import Any

import pytest

from cwproxy.codewhisperer import failures
from cwproxy.diagnosis.dumps import KEPT, Dumps
from cwproxy.errors import BackendTimeout, CwproxyError, Evidence, InvalidRequest, SettingsError

pytestmark = pytest.mark.anyio

SENT = b'{"model": "m", "messages": [], "api_key": "canary"}'


async def written(directory: Path, error: CwproxyError) -> dict[str, Any]:
    await Dumps(directory).write("req_1", SENT, error)
    return left_behind(directory)


def left_behind(directory: Path) -> dict[str, Any]:
    (path,) = directory.glob("*-req_1.json")
    document: dict[str, Any] = json.loads(path.read_text())
    return document


async def test_request_and_answer_are_in_one_private_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    directory = tmp_path / "deep" / "dumps"
    error = failures.from_response(
        400,
        {"x-amzn-ErrorType": "ValidationException", "Authorization": "canary"},
        b'{"message": "Improperly formed request.", "reason": null}',
    )
    error.evidence = Evidence(
        "https://u:canary@q.us-east-1.amazonaws.com/",
        "Service.Operation",
        b'{"conversationState": {}}',
        400,
        {"authorization": "canary", "x-amzn-requestid": "r"},
        b'{"message": "Improperly formed request."}',
    )
    with caplog.at_level(logging.WARNING, logger="cwproxy.diagnosis"):
        document = await written(directory, error)
    (path,) = directory.iterdir()
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700 and stat.S_IMODE(path.stat().st_mode) == 0o600
    assert str(path) in caplog.text and "req_1" in caplog.text
    assert "canary" not in path.read_text() + caplog.text
    assert document["error"]["message"] == "Improperly formed request."
    assert document["error"]["code"] is None
    assert document["client"]["body"]["model"] == "m"
    assert document["upstream"] == {
        "url": "https://q.us-east-1.amazonaws.com/",
        "target": "Service.Operation",
        "body": {"conversationState": {}},
    }
    assert document["response"]["status"] == 400
    assert document["response"]["headers"]["x-amzn-requestid"] == "r"
    assert document["response"]["body"] == {"message": "Improperly formed request."}


async def test_without_an_answer_there_is_none(tmp_path: Path) -> None:
    error = BackendTimeout("Silence.", reason="silence", request_id="r")
    error.evidence = Evidence("https://x/", "", b"{}")
    document = await written(tmp_path / "a", error)
    assert document["response"] is None
    assert document["error"] == {
        "kind": "BackendTimeout",
        "message": "Silence.",
        "reason": "silence",
        "backend_request_id": "r",
    }
    refused = await written(tmp_path / "b", InvalidRequest("No.", param="messages"))
    assert (refused["upstream"], refused["response"], refused["error"]["param"]) == (None, None, "messages")


async def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    directory = tmp_path / "dumps"
    dumps = Dumps(directory)
    for number in range(KEPT):
        (directory / f"20260101T000000Z-req_{number:04}.json").touch()
    (directory / "notes.json").touch()
    await dumps.write("req_new", SENT, InvalidRequest("No."))
    names = sorted(path.name for path in directory.iterdir())
    assert len(names) == KEPT + 1
    assert "notes.json" in names and any("req_new" in name for name in names)
    assert "20260101T000000Z-req_0000.json" not in names


async def test_a_directory_that_vanished_costs_the_file_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    dumps = Dumps(tmp_path / "dumps")
    (tmp_path / "dumps").rmdir()
    await dumps.write("req_1", SENT, InvalidRequest("No."))
    assert "cannot be written (No such file or directory)" in caplog.text


def test_an_open_or_impossible_directory_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with pytest.raises(SettingsError, match="chmod 700"):
        Dumps(tmp_path)
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(SettingsError, match="cannot be used"):
        Dumps(file)
