from cwproxy.simulator.journal import Journal
from cwproxy.simulator.request import Request


def request(path: str = "/", body: bytes = b"{}") -> Request:
    headers = {"authorization": "Bearer secret", "x-amz-security-token": "secret", "accept": "*/*"}
    return Request("POST", path, path, "a=1", headers, body, "us-east-1", "127.0.0.1", 5)


def test_credentials_are_masked_unless_asked_for() -> None:
    journal = Journal()
    entry = journal.open(request(), now=1.0)
    masked, open_ = entry.document(secrets=False), entry.document(secrets=True)
    assert masked["headers"] == {"authorization": "(masked)", "x-amz-security-token": "(masked)", "accept": "*/*"}
    assert open_["headers"]["authorization"] == "Bearer secret"
    assert (masked["body"], masked["query"], masked["region"], masked["port"]) == ("{}", {"a": "1"}, "us-east-1", 5)


def test_the_bodies_of_logins_are_secret() -> None:
    entry = Journal().open(request("/token", b'{"refreshToken": "aor"}'), now=1.0)
    assert entry.document(secrets=False)["body"] == "(masked)"
    assert "aor" in entry.document(secrets=True)["body"]


def test_a_body_that_is_no_text_is_shown_as_well_as_can_be() -> None:
    assert Journal().open(request(body=b"\xff"), now=1.0).document(secrets=False)["body"] == "\ufffd"


def test_clearing_keeps_what_is_still_running() -> None:
    journal = Journal()
    first, second = journal.open(request(), now=1.0), journal.open(request(), now=2.0)
    first.progress.ended = "complete"
    assert journal.running() == 1
    journal.clear()
    assert journal.entries() == [second]
    assert journal.open(request(), now=3.0).number == 3
