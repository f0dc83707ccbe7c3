"""The parts as `cwproxy serve` puts them together, in one process and with a simulator behind them."""

from pathlib import Path

import httpx
import pytest
from tests.support.program import store_login
from tests.support.records import a_token, an_account
from tests.support.simulator import Simulator
from tests.support.waiting import until

from cwproxy import wiring
from cwproxy.accounts.callers import LOCAL
from cwproxy.codewhisperer.request import NEUTRAL_ENVIRONMENT
from cwproxy.codewhisperer.surfaces import Surface
from cwproxy.conversation import Conversation, Text, UserTurn
from cwproxy.errors import LoginRequired, SettingsError, StoreError
from cwproxy.reply import TextDelta
from cwproxy.settings import Settings, load
from cwproxy.store import AccountKind, open_database
from cwproxy.store.keys import KeyKind, Keys, new_key
from cwproxy.store.ledger import Ledger, Period

pytestmark = pytest.mark.anyio

HELLO = Conversation(model="auto", turns=(UserTurn((Text("Hello"),)),))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CWPROXY_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


async def said(settings: Settings, directory: Path | None = None) -> str:
    async with (
        wiring.open_service(settings, directory) as service,
        service.answer(HELLO, caller=LOCAL) as answer,
    ):
        return "".join([event.text async for batch in answer for event in batch if isinstance(event, TextDelta)])


async def test_the_store_is_the_users_or_the_named_one(home: Path, tmp_path: Path) -> None:
    async with wiring.open_store(load()) as store:
        store.add(an_account(), a_token())
    assert (home / "data").is_dir()
    async with wiring.open_store(load(), tmp_path / "other") as store:
        assert store.accounts() == []
    with pytest.raises(StoreError):
        store.accounts()


async def test_a_service_answers_for_the_stored_account(home: Path) -> None:
    with Simulator() as aws:
        store_login(home, aws.account("builder-id"))
        aws.say("Hello back.")
        assert await said(load({"endpoint": aws.url})) == "Hello back."
        await aws.wait_for(connections=0)


async def test_a_service_for_another_directory(home: Path, tmp_path: Path) -> None:
    with Simulator() as aws:
        store_login(tmp_path / "other", aws.account("builder-id"))
        settings = load({"endpoint": aws.url})
        aws.say("From elsewhere.")
        assert await said(settings, tmp_path / "other" / "data") == "From elsewhere."
        with pytest.raises(LoginRequired):
            await said(settings)


async def test_settings_reach_the_calls(home: Path) -> None:
    profile = "arn:aws:codewhisperer:eu-central-1:123456789012:profile/AAAAAAAAAAAA"
    with Simulator() as aws:
        store_login(home, aws.account("identity-center", profile_arns=[profile]), surface="q")
        flags = {"endpoint": aws.url + "/{region}", "surface": "kiro", "profile_arn": profile}
        aws.say("1")
        await said(load(flags))
        chat = aws.received("GenerateAssistantResponse")[-1]
        assert (chat.surface, chat.region, chat.json["profileArn"]) == ("kiro", "eu-central-1", profile)
        assert chat.headers["x-amzn-codewhisperer-optout"] == "true"
        aws.say("2")
        await said(load({**flags, "share_content": True}))
        chat = aws.received("GenerateAssistantResponse")[-1]
        assert chat.headers["x-amzn-codewhisperer-optout"] == "false"


async def test_aliases_name_models(home: Path) -> None:
    with Simulator() as aws:
        store_login(home, aws.account("builder-id"))
        settings = load({"endpoint": aws.url, "aliases": {"auto": "claude-haiku-4.5"}})
        aws.say("1")
        await said(settings)
        sent = aws.received("GenerateAssistantResponse")[-1].json["conversationState"]["currentMessage"]
        assert sent["userInputMessage"]["modelId"] == "claude-haiku-4.5"


async def test_calls_go_through_the_proxy_that_is_set(home: Path) -> None:
    with Simulator() as aws:
        store_login(home, aws.account("builder-id"))
        aws.say("By way of a proxy.")
        settings = load({"endpoint": "http://backend.invalid", "upstream_proxy": aws.url})
        async with wiring.open_upstream(settings) as upstream:
            response = await upstream.http.get("http://backend.invalid/ping")
        assert response.status_code < 500
        assert aws.received()[-1].headers["host"] == "backend.invalid"


@pytest.mark.parametrize(
    ("content", "why"), [(None, "No such file or directory"), ("no certificate", "cannot be used")]
)
async def test_a_bundle_that_cannot_be_used(tmp_path: Path, content: str | None, why: str) -> None:
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_text(content)
    with pytest.raises(SettingsError, match=f"ca_bundle: {bundle} cannot be used") as caught:
        async with wiring.open_upstream(load({"ca_bundle": bundle})):
            pass
    assert why in caught.value.message


@pytest.mark.parametrize("proxy", ["gopher://name:canary-word@proxy", "http://name:canary-word@proxy:port", "proxy"])
async def test_a_proxy_that_cannot_be_used(proxy: str) -> None:
    with pytest.raises(SettingsError) as caught:
        async with wiring.open_upstream(load({"upstream_proxy": proxy})):
            pass
    assert caught.value.message == "upstream_proxy: it has to be an http or https URL."
    assert caught.value.__suppress_context__


async def test_the_login_service_of_a_region() -> None:
    oidc = wiring.login_services(load({"endpoint": "http://127.0.0.1:9/{region}"})).oidc("eu-west-1")
    assert oidc.region == "eu-west-1"
    await oidc.aclose()


async def test_routing_is_what_the_settings_say() -> None:
    assert wiring.routing(load()).opt_out
    routing = wiring.routing(load({"surface": "codewhisperer", "profile_arn": "arn:x", "share_content": True}))
    assert (routing.surface, routing.profile_arn, routing.opt_out) == (Surface.CODEWHISPERER, "arn:x", False)


async def test_nothing_is_told_of_this_machine_unless_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert wiring.workspace(load()).environment() is NEUTRAL_ENVIRONMENT
    monkeypatch.setenv("A_SECRET_OF_MINE", "canary-value")
    told = wiring.workspace(load({"share_environment": True})).environment()
    assert told.current_working_directory == str(Path.cwd())
    assert "A_SECRET_OF_MINE" in [variable.key for variable in told.environment_variables or []]
    assert "canary-value" not in repr(told)


async def test_the_application_asks_for_keys_and_knows_its_names() -> None:
    settings = load({"host": "192.0.2.1", "api_keys": "canary-key", "allowed_hosts": "proxy.internal"})
    async with wiring.open_service(settings) as service:
        app = wiring.create_application(settings, service)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app)) as client:
            key = {"authorization": "Bearer canary-key"}
            codes = {
                name: (await client.get(f"http://{name}/v1/models", headers=headers)).status_code
                for name, headers in (("192.0.2.1", {}), ("proxy.internal", key), ("evil.example", key))
            }
    assert codes == {"192.0.2.1": 401, "proxy.internal": 502, "evil.example": 421}


async def test_the_application_is_as_strict_and_open_as_the_settings_say() -> None:
    page = "https://chat.example"
    settings = load({"strict": True, "max_choices": 2, "cors_origins": page, "parse_thinking_tags": True})
    ask = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
    async with wiring.open_service(settings) as service:
        transport = httpx.ASGITransport(app=wiring.create_application(settings, service))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            answers = [
                await client.post("/v1/chat/completions", json={**ask, **members}, headers={"origin": page})
                for members in ({"seed": 1}, {"n": 3}, {"n": 2})
            ]
    assert [answer.json()["error"]["param"] for answer in answers] == ["seed", "n", None]
    assert {answer.headers["access-control-allow-origin"] for answer in answers} == {page}


async def test_the_largest_body_is_what_the_settings_say() -> None:
    body = b'{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"%s"}]}' % (b"x" * 1024 * 1024)
    statuses = []
    for most in (1, 2):
        settings = load({"max_body_mib": most})
        async with wiring.open_service(settings) as service:
            transport = httpx.ASGITransport(app=wiring.create_application(settings, service))
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                json = {"content-type": "application/json"}
                answer = await client.post("/v1/messages", content=body, headers=json)
                statuses.append(answer.status_code)
    assert statuses == [413, 502]
    for wrong in (0, 101):
        with pytest.raises(SettingsError):
            load({"max_body_mib": wrong})


def test_pictures_are_touched_only_when_wanted() -> None:
    assert wiring.pictures(load()) is None
    assert wiring.pictures(load({"fetch_images": True})) is not None
    assert wiring.pictures(load({"downscale_images": True})) is not None


async def test_a_server_counts_what_it_serves_and_learns_what_is_left(tmp_path: Path) -> None:
    with Simulator() as aws:
        account = store_login(tmp_path / "home", aws.account("builder-id"))
        settings = load({"endpoint": aws.url})
        async with wiring.open_store(settings) as store:
            key, secret = new_key("operator", now=0, kind=KeyKind.ADMIN)
            assert Keys(store.database).add(key)
        async with wiring.open_server(settings) as server:
            transport = httpx.ASGITransport(app=server.application)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                ask = {"model": "auto", "messages": [{"role": "user", "content": "x"}]}
                assert (await client.post("/v1/chat/completions", json=ask)).status_code == 200
                headers = {"x-api-key": secret.reveal()}
                listed = (await client.get("/admin/accounts", headers=headers)).json()["accounts"]
        assert [each["id"] for each in listed] == [account.id]
        assert listed[0]["figures"]["served"] == 1
        assert listed[0]["quota"]["fraction_left"] == listed[0]["pool"]["fraction_left"] == 0.999
        assert len(aws.received("GetUsageLimits")) == 1
        async with wiring.open_store(settings) as store:
            assert Ledger(store.database).summaries(Period(0, 2e9))[()].served == 1


async def test_aws_credentials_have_no_quota_to_be_read(home: Path) -> None:
    settings = load({"endpoint": "http://127.0.0.1:9"})
    async with wiring.open_store(settings) as store:
        store.add(an_account("iam", AccountKind.IAM, start_url=None))
        key, secret = new_key("operator", now=0, kind=KeyKind.ADMIN)
        assert Keys(store.database).add(key)
    async with wiring.open_server(settings) as server:
        transport = httpx.ASGITransport(app=server.application)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            headers = {"x-api-key": secret.reveal()}
            (listed,) = (await client.get("/admin/accounts", headers=headers)).json()["accounts"]
    assert "no allowance" in listed["quota"]["problem"]


async def test_an_open_server_needs_a_clients_key_and_one_of_the_store_will_do() -> None:
    settings = load({"host": "0.0.0.0"})
    with pytest.raises(SettingsError, match="keys create"):
        async with wiring.open_server(settings):
            pass
    async with wiring.open_store(settings) as store:
        key, _ = new_key("client", now=0)
        assert Keys(store.database).add(key)
    async with wiring.open_server(settings) as server:
        transport = httpx.ASGITransport(app=server.application)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            assert (await client.get("/v1/models")).status_code == 401


async def test_failures_are_dumped_only_where_the_settings_say(tmp_path: Path) -> None:
    settings = load({"dump_failures": tmp_path / "dumps"})
    async with wiring.open_service(settings) as service:
        wiring.create_application(load(), service)
        assert not (tmp_path / "dumps").exists()
        wiring.create_application(settings, service)
        assert (tmp_path / "dumps").is_dir()


async def test_answers_are_kept_unless_they_are_not_to_be(tmp_path: Path) -> None:
    database = open_database(tmp_path / "data")
    kept = wiring.responses(Settings(response_megabytes=1), database)
    assert kept.put("small", "", b"x")
    assert not kept.put("large", "", b"x" * (1024 * 1024 + 1))
    database.close()


async def test_a_server_that_keeps_nothing_deletes_what_was_kept(home: Path) -> None:
    settings = load({"response_days": 0})
    database = open_database(home / "data")
    kept = wiring.responses(Settings(), database)
    assert kept.put("of earlier", "", b"x")
    async with wiring.open_server(settings):
        await until(lambda: kept.get("of earlier", "") is None)
    database.close()


async def test_how_answers_are_given_out_is_said_of_all_of_models_of_keys_and_of_requests(home: Path) -> None:
    function = {"name": "look", "parameters": {"type": "object"}}
    ask = {"messages": [{"role": "user", "content": "x"}], "tools": [{"type": "function", "function": function}]}
    with Simulator() as aws:
        store_login(home, aws.account("builder-id"))
        (home / "config.toml").write_text('buffered = "calls"\n[models.auto]\nbuffered = "off"\n')
        settings = load({"endpoint": aws.url, "api_keys": "plain"})
        async with wiring.open_store(settings) as store:
            key, secret = new_key("whole", now=0, buffered="full")
            assert Keys(store.database).add(key)
        async with wiring.open_server(settings) as server:
            transport = httpx.ASGITransport(app=server.application)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                reasons = []
                for name, key_text, header in (
                    ("claude-sonnet-4.5", "plain", {}),
                    ("auto", "plain", {}),
                    ("auto", secret.reveal(), {}),
                    ("auto", secret.reveal(), {"x-cwproxy-buffered": "off"}),
                    ("auto", "plain", {"x-cwproxy-buffered": "full"}),
                ):
                    aws.say("Tool call: look({})")
                    headers = {"x-api-key": key_text, **header}
                    answer = await client.post("/v1/chat/completions", json={"model": name, **ask}, headers=headers)
                    reasons.append(answer.json()["choices"][0]["finish_reason"])
    assert reasons == ["tool_calls", "stop", "tool_calls", "stop", "tool_calls"]
