import json
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import httpx
import pytest
from tests.support.logins import Logins, logins
from tests.support.oidc_server import error
from tests.support.waiting import SECONDS

from cwproxy.accounts.identity import Request
from cwproxy.accounts.login import LoginDesk
from cwproxy.auth.device import Prompt
from cwproxy.auth.services import LoginServices
from cwproxy.codewhisperer.catalog import Profile
from cwproxy.codewhisperer.surfaces import Surface
from cwproxy.errors import AccountUnusable, BackendUnavailable, LoginFailed
from cwproxy.store import AccountKind, AccountState, Registration, Secret, Store, Token

pytestmark = pytest.mark.anyio

BUILDER_ID = Request(AccountKind.BUILDER_ID)
CENTER = Request(AccountKind.IDENTITY_CENTER, "https://acme.awsapps.com/start", "eu-west-1")

Answer = Callable[[httpx.Request], httpx.Response]


def arn(region: str, name: str) -> str:
    return f"arn:aws:codewhisperer:{region}:123456789012:profile/{name * 12}"


def page(*arns: str, next_token: str | None = None) -> httpx.Response:
    body: dict[str, object] = {"profiles": [{"arn": each, "profileName": each[-1]} for each in arns]}
    if next_token:
        body["nextToken"] = next_token
    return httpx.Response(200, content=json.dumps(body).encode())


class ControlPlane:
    """Lists the profiles of a region, page by page."""

    def __init__(self, **pages: list[httpx.Response]) -> None:
        self.pages = {region.replace("_", "-"): list(answers) for region, answers in pages.items()}
        self.seen: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        answers = self.pages.get(request.url.host.split(".")[1], [])
        return answers.pop(0) if answers else page()


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Logins]:
    async with logins(tmp_path / "data") as bench:
        bench.store.remove("one")
        yield bench


async def ignore(prompt: Prompt) -> None:
    pass


async def log_in(bench: Logins, request: Request, plane: Answer | None = None, **options: object) -> str:
    """The id of the account."""
    transport = httpx.MockTransport(plane or ControlPlane())
    async with httpx.AsyncClient(transport=transport) as http:
        desk = LoginDesk(bench.store, LoginServices(endpoint=bench.server.url), http, clock=bench.time.clock)
        return (await desk.log_in(request, ignore, **options)).id  # type: ignore[arg-type]


async def test_a_builder_id_has_no_profile_and_never_asks_for_one(bench: Logins) -> None:
    plane = ControlPlane()
    await log_in(bench, BUILDER_ID, plane)
    (account,) = bench.store.accounts()
    assert plane.seen == []
    assert (account.kind, account.label, account.profile_arn) == (AccountKind.BUILDER_ID, "builder-id", None)
    assert (account.start_url, account.sso_region) == ("https://view.awsapps.com/start", "us-east-1")
    token = bench.store.token(account.id)
    assert token is not None
    assert (token.access_token, token.expires_at) == (Secret("canary-access-1"), bench.time.wall + 3600.0)
    registration = bench.store.registration(account.id)
    assert registration is not None
    assert registration.client_secret == Secret("canary-client-secret-1")


async def test_the_person_is_told_the_code(bench: Logins) -> None:
    told: list[str | None] = []

    async def tell(prompt: Prompt) -> None:
        told.append(prompt.user_code)

    async with httpx.AsyncClient(timeout=SECONDS) as http:
        desk = LoginDesk(bench.store, LoginServices(endpoint=bench.server.url), http, clock=bench.time.clock)
        await desk.log_in(BUILDER_ID, tell)
    assert told == ["ABCD-EFGH"]


async def test_the_same_identity_again_replaces_its_token_and_reuses_its_registration(bench: Logins) -> None:
    first = await log_in(bench, BUILDER_ID)
    bench.store.quarantine(first, "refused", expected_generation=1)
    assert await log_in(bench, Request(AccountKind.BUILDER_ID, surface=Surface.KIRO)) == first
    (account,) = bench.store.accounts()
    assert (account.state, account.surface) == (AccountState.ACTIVE, "kiro")
    token = bench.store.token(first)
    assert token is not None
    assert (token.access_token, token.generation) == (Secret("canary-access-2"), 2)
    assert bench.server.count("/client/register") == 1


async def test_a_label_keeps_two_of_a_kind_apart(bench: Logins) -> None:
    home = await log_in(bench, Request(AccountKind.BUILDER_ID, label="home"))
    work = await log_in(bench, Request(AccountKind.BUILDER_ID, label="work"))
    assert await log_in(bench, Request(AccountKind.BUILDER_ID, label="home")) == home
    assert {account.id: account.label for account in bench.store.accounts()} == {home: "home", work: "work"}


async def test_identity_center_asks_both_regions_and_all_pages(bench: Logins) -> None:
    offered: list[str] = []

    async def choose(profiles: Sequence[Profile]) -> Profile:
        offered.extend(profile.arn for profile in profiles)
        return profiles[2]

    east, west = arn("us-east-1", "A"), arn("eu-central-1", "B")
    more = arn("us-east-1", "C")
    plane = ControlPlane(us_east_1=[page(east, next_token="more"), page(more)], eu_central_1=[page(west, east)])
    await log_in(bench, CENTER, plane, choose=choose)
    assert offered == [east, more, west]
    (account,) = bench.store.accounts()
    assert (account.label, account.profile_arn, account.sso_region) == ("acme", west, "eu-west-1")
    assert [request.url.host for request in plane.seen] == [
        "management.us-east-1.kiro.dev",
        "management.us-east-1.kiro.dev",
        "management.eu-central-1.kiro.dev",
    ]
    assert json.loads(plane.seen[1].content)["nextToken"] == "more"
    assert {request.headers["authorization"] for request in plane.seen} == {"Bearer canary-access-1"}


async def test_the_first_profile_is_taken_where_nobody_chooses(bench: Logins) -> None:
    plane = ControlPlane(us_east_1=[page(arn("us-east-1", "A"), arn("us-east-1", "B"))])
    await log_in(bench, CENTER, plane)
    assert bench.store.accounts()[0].profile_arn == arn("us-east-1", "A")


async def test_a_single_profile_can_be_refused_before_anything_is_stored(bench: Logins) -> None:
    async def choose(profiles: Sequence[Profile]) -> Profile:
        raise LoginFailed(f"not {profiles[0].name}")

    with pytest.raises(LoginFailed, match="not A"):
        await log_in(bench, CENTER, ControlPlane(eu_central_1=[page(arn("eu-central-1", "A"))]), choose=choose)
    assert bench.store.accounts() == []


async def test_another_profile_is_another_account(bench: Logins) -> None:
    first = await log_in(bench, CENTER, ControlPlane(us_east_1=[page(arn("us-east-1", "A"))]))
    second = await log_in(bench, CENTER, ControlPlane(us_east_1=[page(arn("us-east-1", "B"))]))
    again = await log_in(bench, CENTER, ControlPlane(us_east_1=[page(arn("us-east-1", "A"))]))
    assert first == again != second
    assert [account.label for account in bench.store.accounts()] == ["acme", "acme-2"]


async def test_no_profile_is_explained_and_nothing_stored(bench: Logins) -> None:
    with pytest.raises(LoginFailed, match="no Q Developer or Kiro profile"):
        await log_in(bench, CENTER)
    assert bench.store.accounts() == []


async def test_one_region_in_trouble_is_not_the_end(bench: Logins, caplog: pytest.LogCaptureFixture) -> None:
    plane = ControlPlane(us_east_1=[httpx.Response(500)], eu_central_1=[page(arn("eu-central-1", "A"))])
    await log_in(bench, CENTER, plane)
    assert bench.store.accounts()[0].profile_arn == arn("eu-central-1", "A")
    assert "us-east-1" in caplog.text


async def test_both_regions_in_trouble_say_what_it_is(bench: Logins) -> None:
    body = b'{"__type": "AccessDeniedException", "message": "User is not authorized to make this call."}'
    plane = ControlPlane(
        us_east_1=[httpx.Response(403, content=body)], eu_central_1=[httpx.Response(403, content=body)]
    )
    with pytest.raises(AccountUnusable, match="not authorized"):
        await log_in(bench, CENTER, plane)


async def test_an_unreachable_control_plane_says_so(bench: Logins) -> None:
    def nobody(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route")

    with pytest.raises(BackendUnavailable, match="management.eu-central-1.kiro.dev"):
        await log_in(bench, CENTER, nobody)


async def test_pages_without_an_end_come_to_one(bench: Logins) -> None:
    def endless(request: httpx.Request) -> httpx.Response:
        return page(arn("us-east-1", "A"), next_token="more")

    await log_in(bench, CENTER, endless)
    assert bench.store.accounts()[0].profile_arn == arn("us-east-1", "A")


async def test_the_surface_that_was_asked_for_lists_the_profiles(bench: Logins) -> None:
    plane = ControlPlane(us_east_1=[page(arn("us-east-1", "A"))])
    request = Request(CENTER.kind, "https://portal.example", "eu-west-1", surface=Surface.Q)
    await log_in(bench, request, plane)
    (account,) = bench.store.accounts()
    assert plane.seen[0].url.host == "q.us-east-1.amazonaws.com"
    assert (account.surface, account.label) == ("q", "portal")


async def test_a_start_url_without_a_name_is_its_own_label(bench: Logins) -> None:
    plane = ControlPlane(us_east_1=[page(arn("us-east-1", "A"))])
    await log_in(bench, Request(CENTER.kind, "http://localhost/start", "eu-west-1"), plane)
    assert bench.store.accounts()[0].label == "http://localhost/start"


async def test_an_account_that_is_removed_during_its_login_is_made_anew(bench: Logins) -> None:
    first = await log_in(bench, CENTER, ControlPlane(us_east_1=[page(arn("us-east-1", "A"))]))

    class Vanishing(Store):
        def replace_login(self, account_id: str, token: Token, registration: Registration | None) -> bool:
            self.remove(account_id)
            return super().replace_login(account_id, token, registration)

    with Vanishing.open(bench.directory) as bench.store:
        second = await log_in(bench, CENTER, ControlPlane(us_east_1=[page(arn("us-east-1", "A"))]))
        assert [account.id for account in bench.store.accounts()] == [second] != [first]


async def test_a_failed_login_stores_nothing(bench: Logins) -> None:
    bench.server.script.append(error("access_denied"))
    with pytest.raises(LoginFailed):
        await log_in(bench, BUILDER_ID)
    assert bench.store.accounts() == []


async def test_iam_is_noted_without_a_login(bench: Logins, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-secret")
    request = Request(AccountKind.IAM, sso_region="us-west-2")
    first = await log_in(bench, request)
    assert await log_in(bench, request) == first
    (account,) = bench.store.accounts()
    assert (account.kind, account.start_url, account.sso_region) == (AccountKind.IAM, None, "us-west-2")
    assert bench.store.token(first) is None
    assert bench.server.calls == []
    assert await log_in(bench, Request(AccountKind.IAM, sso_region="eu-west-1")) != first


class Usage:
    """Says whose token it is shown, as far as it is told."""

    def __init__(self, **people: str) -> None:
        self.people = people
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.headers["authorization"].removeprefix("Bearer canary-access-"))
        person = self.people.get(f"t{self.asked[-1]}")
        if person is None:
            return httpx.Response(500)
        return httpx.Response(200, content=json.dumps({"userInfo": {"userId": person}}).encode())


ANOTHER = Request(AccountKind.BUILDER_ID, another=True)


async def test_another_person_is_another_account(bench: Logins) -> None:
    usage = Usage(t1="ann", t2="bob", t3="cid", t4="bob")
    first = await log_in(bench, ANOTHER, usage)
    assert usage.asked == []
    second, third = await log_in(bench, ANOTHER, usage), await log_in(bench, ANOTHER, usage)
    assert await log_in(bench, ANOTHER, usage) == second
    assert {account.label: account.id for account in bench.store.accounts()} == {
        "builder-id": first,
        "builder-id-2": second,
        "builder-id-3": third,
    }


async def test_who_cannot_be_asked_for_is_another_person(bench: Logins) -> None:
    first = await log_in(bench, ANOTHER)
    assert await log_in(bench, ANOTHER, Usage(t2="ann")) != first
    assert await log_in(bench, ANOTHER, Usage(t1="ann")) != first
    bench.time.advance(4000)
    usage = Usage(t1="ann", t2="ann", t3="ann", t4="ann")
    assert await log_in(bench, ANOTHER, usage) != first
    assert usage.asked == []  # the tokens that could be compared with have ended
    assert len(bench.store.accounts()) == 4


async def test_an_account_of_another_version_is_nobody_to_compare_with(bench: Logins) -> None:
    first = await log_in(bench, ANOTHER)
    bench.store.set_surface(first, "q-quantum")
    assert await log_in(bench, ANOTHER, Usage(t1="ann", t2="ann")) != first


async def test_a_label_that_was_chosen_is_meant(bench: Logins) -> None:
    first = await log_in(bench, Request(AccountKind.BUILDER_ID, label="me", another=True))
    assert await log_in(bench, Request(AccountKind.BUILDER_ID, label="me", another=True)) == first
    second = await log_in(bench, ANOTHER)
    assert await log_in(bench, BUILDER_ID) == second  # of the two, that of the name that it would get


async def test_logging_out_forgets_everything(bench: Logins) -> None:
    account_id = await log_in(bench, BUILDER_ID)
    async with httpx.AsyncClient(timeout=SECONDS) as http:
        desk = LoginDesk(bench.store, LoginServices(endpoint=bench.server.url), http)
        assert await desk.log_out(account_id)
        assert not await desk.log_out(account_id)
    assert bench.store.accounts() == []
    assert b"canary" not in b"".join(path.read_bytes() for path in bench.directory.iterdir())


async def test_a_login_shows_no_secret(bench: Logins, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    await log_in(bench, CENTER, ControlPlane(us_east_1=[page(arn("us-east-1", "A"))]))
    assert "canary" not in caplog.text + repr(bench.store.accounts()) + repr(vars(bench.store))
