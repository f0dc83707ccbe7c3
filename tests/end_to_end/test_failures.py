"""A request that the backend refuses: what is left of it, without secrets, and what `cwproxy explain` makes of it."""

import json
from pathlib import Path

import pytest
from tests.end_to_end.conftest import KEY, running
from tests.support.pictures import PDF, data_url
from tests.support.program import command

pytestmark = pytest.mark.end_to_end


def test_what_failed_can_be_explained(tmp_path: Path) -> None:
    dumps = tmp_path / "dumps"
    part = {"type": "file", "file": {"filename": "report.pdf", "file_data": data_url(PDF, "application/pdf")}}
    body = {"model": "auto", "messages": [{"role": "user", "content": [part, f"my key is {KEY}"]}]}
    with running(tmp_path, by_hand=False, CWPROXY_DUMP_FAILURES=str(dumps)) as programs:
        with programs.http() as client:
            assert client.post("/v1/chat/completions", json=body).status_code == 200
            programs.aws.options(opt_rules=[67])
            refused = client.post("/v1/chat/completions", json=body)
        secrets = [header for seen in programs.aws.received(secrets=True) for header in seen.headers.values()]
    assert refused.status_code == 400
    assert "document" in refused.json()["error"]["message"]
    (path,) = dumps.iterdir()
    assert refused.headers["x-request-id"] in path.name
    text = path.read_text()
    assert KEY not in text
    assert not any(secret.removeprefix("Bearer ") in text for secret in secrets if secret.startswith("Bearer "))
    left = json.loads(text)
    assert left["response"]["status"] == 400
    assert left["upstream"]["body"]["conversationState"]["currentMessage"]["userInputMessage"]["documents"]
    done = command("explain", str(path), home=tmp_path / "home")
    assert done.code == 0, done.err
    assert "The backend said: HTTP 400" in done.out
    assert "legacy-q: no rule is broken" in done.out
    assert "perhaps rule 67 (no documents" in done.out
