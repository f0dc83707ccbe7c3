import pytest
from tests.support.web_server import Reply, WebServer

from cwproxy.auth.grants import Reason, Refusal
from cwproxy.auth.web import BODY_LIMIT, Web

pytestmark = pytest.mark.anyio


async def test_json_out_and_one_object_back(web: Web, service: WebServer) -> None:
    service.script.append(Reply(body={"accessToken": "a"}))
    assert await web.post_json(f"{service.url}/x", {"n": 1}, {"user-agent": "cwproxy/0"}) == {"accessToken": "a"}
    (asked,) = service.asked
    assert (asked.path, asked.body) == ("/x", b'{"n": 1}')
    assert (asked.headers["content-type"], asked.headers["user-agent"]) == ("application/json", "cwproxy/0")
    assert asked.headers["accept-encoding"] == "identity"


async def test_a_form_out(web: Web, service: WebServer) -> None:
    service.script.append(Reply(body={"access_token": "a"}))
    await web.post_form(service.url, {"scope": "a b", "client_id": "c&d"})
    (asked,) = service.asked
    assert asked.body == b"scope=a+b&client_id=c%26d"
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(400, {"error": "invalid_grant", "error_description": "gone"}), Reason.INVALID_GRANT),
        (Reply(400, {"message": "Invalid refresh token provided"}), Reason.INVALID_GRANT),
        (Reply(401, b""), Reason.INVALID_GRANT),
        (Reply(401, {"message": "Bad credentials"}), Reason.INVALID_REQUEST),
        (Reply(400, {"error": {"no": "text"}}, {"x-amzn-errortype": "SlowDownException:http://x"}), Reason.SLOW_DOWN),
        (Reply(503, {"message": "later"}), Reason.UNAVAILABLE),
        (Reply(403, b"<html>portal</html>"), Reason.UNAVAILABLE),
        (Reply(400, b"[" * 60_000), Reason.UNAVAILABLE),
        (Reply(302, b"", {"location": "http://127.0.0.1:9/"}), Reason.UNAVAILABLE),
        (Reply(500, b"x" * (BODY_LIMIT + 100_000)), Reason.UNAVAILABLE),
    ],
)
async def test_refusals(web: Web, service: WebServer, reply: Reply, reason: Reason) -> None:
    service.script.append(reply)
    answer = await web.post_json(service.url, {}, {})
    assert isinstance(answer, Refusal)
    assert (answer.reason, answer.ambiguous) == (reason, False)


async def test_a_refusal_does_not_repeat_what_was_sent(web: Web, service: WebServer) -> None:
    service.script.append(Reply(400, {"error": "invalid_grant", "error_description": "canary-refresh is\nspent"}))
    answer = await web.post_json(service.url, {}, {}, "canary-refresh")
    assert answer == Refusal(Reason.INVALID_GRANT, "invalid_grant: [secret] is spent")


@pytest.mark.parametrize("reply", [Reply(body=b"[]"), Reply(body=b"<html>"), Reply(hang_up=True)])
async def test_what_may_have_been_acted_on_is_said_to_be_ambiguous(web: Web, service: WebServer, reply: Reply) -> None:
    service.script.append(reply)
    answer = await web.post_json(service.url, {}, {})
    assert isinstance(answer, Refusal)
    assert (answer.reason, answer.ambiguous) == (Reason.UNAVAILABLE, True)


async def test_who_cannot_be_reached_has_acted_on_nothing(web: Web) -> None:
    answer = await web.post_json("http://127.0.0.1:9/", {}, {})
    assert answer == Refusal(Reason.UNAVAILABLE, "127.0.0.1 cannot be reached")


async def test_further_authorities_are_read_when_the_first_call_is_made(service: WebServer) -> None:
    import certifi

    web = Web(ca_bundle=certifi.where())
    service.script.append(Reply(body={"n": 1}))
    assert await web.post_json(service.url, {}, {}) == {"n": 1}
    await web.aclose()
    await web.aclose()
