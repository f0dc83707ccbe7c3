"""Logging in with every kind of credential, at the simulator."""

from collections.abc import AsyncIterator, Iterator
from math import isinf
from pathlib import Path

import httpx
import pytest
from tests.support.simulator import SimulatedAccount, Simulator
from tests.support.waiting import SECONDS

from cwproxy.accounts.identity import Request
from cwproxy.accounts.login import LoginDesk
from cwproxy.auth.device import Prompt
from cwproxy.auth.services import LoginServices
from cwproxy.auth.social import Provider
from cwproxy.codewhisperer.surfaces import Surface
from cwproxy.errors import LoginFailed, SettingsError
from cwproxy.store import AccountKind, AccountState, Secret, Store

pytestmark = pytest.mark.anyio

START = "https://acme.awsapps.com/start"


class Person:
    """Opens what is shown, as a browser would, and is sent back where that leads."""

    def __init__(self) -> None:
        self.prompts: list[Prompt] = []

    async def __call__(self, prompt: Prompt) -> None:
        self.prompts.append(prompt)
        async with httpx.AsyncClient(trust_env=False, follow_redirects=True, timeout=SECONDS) as browser:
            assert (await browser.get(prompt.url)).status_code == 200


@pytest.fixture
def aws() -> Iterator[Simulator]:
    with Simulator(auto_approve=0) as simulator:
        yield simulator


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "data") as store:
        yield store


@pytest.fixture
async def desk(aws: Simulator, store: Store) -> AsyncIterator[LoginDesk]:
    endpoint = aws.url + "/{region}"
    async with httpx.AsyncClient(trust_env=False, timeout=SECONDS) as http:
        yield LoginDesk(store, LoginServices(endpoint), http, endpoint=endpoint)


def key_request(account: SimulatedAccount, **changes: object) -> Request:
    return Request(AccountKind.API_KEY, api_key=Secret(account.token), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("browser", [False, True])
async def test_kiro_with_google_or_github(store: Store, desk: LoginDesk, browser: bool) -> None:
    person = Person()
    for provider in (Provider.GOOGLE, Provider.GITHUB, Provider.GITHUB):
        await desk.log_in(Request(AccountKind.SOCIAL, provider=provider, browser=browser), person)
    google, github = store.accounts()
    assert (google.kind, google.label, github.label) == (AccountKind.SOCIAL, "google", "github")
    assert google.profile_arn is not None and google.profile_arn != github.profile_arn
    assert google.start_url is None and store.registration(google.id) is None
    token = store.token(github.id)
    assert token is not None and token.refresh_token is not None
    assert [prompt.user_code is None for prompt in person.prompts] == [browser] * 3


async def test_a_social_login_that_names_no_profile(aws: Simulator, store: Store, desk: LoginDesk) -> None:
    account = aws.account("social", provider="Google", profile_arns=[])
    aws.next_login(account)
    with pytest.raises(LoginFailed, match="no Q Developer or Kiro profile"):
        await desk.log_in(Request(AccountKind.SOCIAL), Person())
    assert store.accounts() == []
    wanted = "arn:aws:codewhisperer:eu-central-1:123456789012:profile/AAAAAAAAAAAA"
    made = await desk.log_in(Request(AccountKind.SOCIAL, profile_arn=wanted), Person())
    assert made.profile_arn == wanted


async def test_a_social_account_takes_over_the_profile_of_its_next_login(
    aws: Simulator, store: Store, desk: LoginDesk
) -> None:
    first = await desk.log_in(Request(AccountKind.SOCIAL, browser=True), Person())
    aws.next_login(aws.account("social"))
    second = await desk.log_in(Request(AccountKind.SOCIAL, browser=True), Person())
    assert first.id == second.id
    assert first.profile_arn != second.profile_arn
    assert store.account(first.id) == second


async def test_two_people_at_one_provider(aws: Simulator, store: Store, desk: LoginDesk) -> None:
    profile = "arn:aws:codewhisperer:us-east-1:123456789012:profile/AAAAAAAAAAAA"
    people = [aws.account("social", provider="Google", profile_arns=[profile]) for _ in range(2)]
    made = []
    for person in (*people, *people):
        aws.next_login(person)
        made.append((await desk.log_in(Request(AccountKind.SOCIAL, another=True), Person())).id)
    assert made[:2] == made[2:]
    assert [(account.label, account.profile_arn) for account in store.accounts()] == [
        ("google", profile),
        ("google-2", profile),
    ]


async def test_a_social_login_that_cannot_begin(aws: Simulator, desk: LoginDesk) -> None:
    aws.fault("error", scope="oidc", error="server_error", message="later")
    with pytest.raises(LoginFailed, match="gave no code .*--browser"):
        await desk.log_in(Request(AccountKind.SOCIAL), Person())
    with pytest.raises(SettingsError, match="region"):
        await desk.log_in(Request(AccountKind.SOCIAL, sso_region="evil.example/"), Person())


async def test_a_browser_on_this_machine_instead_of_a_code(aws: Simulator, store: Store, desk: LoginDesk) -> None:
    person = Person()
    home = await desk.log_in(Request(AccountKind.BUILDER_ID, browser=True), person)
    work = await desk.log_in(Request(AccountKind.IDENTITY_CENTER, f"{START}/", "eu-west-1", browser=True), person)
    again = await desk.log_in(Request(AccountKind.IDENTITY_CENTER, START, "eu-west-1"), person)
    assert [(account.id, account.start_url) for account in store.accounts()] == [
        (home.id, "https://view.awsapps.com/start"),
        (work.id, START),
    ]
    assert again.id == work.id and work.profile_arn is not None
    assert [prompt.user_code is None for prompt in person.prompts] == [True, True, False]
    assert all(prompt.url.startswith(f"{aws.url}/") for prompt in person.prompts)


async def test_a_key_shows_its_region(aws: Simulator, store: Store, desk: LoginDesk) -> None:
    account = aws.account("api-key")
    stored = await desk.log_in(key_request(account), Person())
    assert (stored.kind, stored.label, stored.sso_region) == (AccountKind.API_KEY, "api-key", "us-east-1")
    assert (stored.profile_arn, stored.start_url, stored.surface) == (None, None, None)
    token = store.token(stored.id)
    assert token is not None
    assert token.access_token == Secret(account.token)
    assert (token.refresh_token, isinf(token.expires_at)) == (None, True)
    assert {received.headers["tokentype"] for received in aws.received("ListAvailableModels")} == {"API_KEY"}
    moved = await desk.log_in(key_request(account, sso_region="eu-central-1"), Person())
    assert (moved.id, moved.sso_region) == (stored.id, "eu-central-1")


async def test_another_key_takes_the_place_of_the_one_of_the_same_name(
    aws: Simulator, store: Store, desk: LoginDesk
) -> None:
    first = await desk.log_in(key_request(aws.account("api-key")), Person())
    store.set_state(first.id, AccountState.NEEDS_LOGIN, "it was revoked")
    second = await desk.log_in(key_request(aws.account("api-key")), Person())
    other = await desk.log_in(key_request(aws.account("api-key"), label="work"), Person())
    assert (first.id, second.state) == (second.id, AccountState.ACTIVE)
    assert [account.label for account in store.accounts()] == ["api-key", "work"]
    assert other.id != first.id


async def test_another_key_beside_the_first(aws: Simulator, store: Store, desk: LoginDesk) -> None:
    keys = [aws.account("api-key") for _ in range(2)]
    made = [(await desk.log_in(key_request(key, another=True), Person())).id for key in (*keys, *keys)]
    assert made[:2] == made[2:]
    assert [account.label for account in store.accounts()] == ["api-key", "api-key-2"]


@pytest.mark.parametrize("key", ["", "ksk_", "aoa-canary-access", "ksk_canary with spaces"])
async def test_what_is_no_key_is_not_sent_anywhere(aws: Simulator, store: Store, desk: LoginDesk, key: str) -> None:
    with pytest.raises(LoginFailed, match="those are `ksk_`") as caught:
        await desk.log_in(Request(AccountKind.API_KEY, api_key=Secret(key)), Person())
    assert "canary" not in str(caught.value)
    assert aws.received() == [] and store.accounts() == []


async def test_a_key_that_is_not_accepted_is_not_stored(aws: Simulator, store: Store, desk: LoginDesk) -> None:
    with pytest.raises(LoginFailed, match="did not accept the API key") as caught:
        await desk.log_in(Request(AccountKind.API_KEY, api_key=Secret("ksk_canary-unknown")), Person())
    assert "canary" not in str(caught.value)
    assert [received.region for received in aws.received()] == ["us-east-1", "eu-central-1"]
    with pytest.raises(LoginFailed, match="those are `ksk_`"):
        await desk.log_in(Request(AccountKind.API_KEY), Person())
    assert store.accounts() == []


async def test_aws_credentials_stay_where_they_are(
    store: Store, desk: LoginDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    with pytest.raises(LoginFailed, match="no profile 'work' in your AWS files; there is none"):
        await desk.log_in(Request(AccountKind.IAM, aws_profile="work"), Person())
    (tmp_path / "config").write_text("[profile work]\nregion = eu-central-1\n")
    with pytest.raises(LoginFailed, match="no profile 'wrok' in your AWS files; there are work"):
        await desk.log_in(Request(AccountKind.IAM, aws_profile="wrok"), Person())
    keys = "aws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = canary-secret\n"
    (tmp_path / "credentials").write_text(f"[default]\n{keys}[work]\n{keys}")
    for profile in (None, "work", None):
        await desk.log_in(Request(AccountKind.IAM, sso_region="eu-central-1", aws_profile=profile), Person())
    default, work = store.accounts()
    store.set_state(default.id, AccountState.NEEDS_LOGIN, "there were none")
    again = await desk.log_in(Request(AccountKind.IAM, sso_region="eu-central-1"), Person())
    assert (again.id, again.state) == (default.id, AccountState.ACTIVE)
    assert (default.label, default.aws_profile, default.sso_region) == ("iam", None, "eu-central-1")
    assert (work.label, work.aws_profile) == ("work", "work")
    assert store.token(work.id) is None


async def test_a_companys_login_is_made_elsewhere(desk: LoginDesk) -> None:
    with pytest.raises(LoginFailed, match="accounts import"):
        await desk.log_in(Request(AccountKind.EXTERNAL_IDP), Person())


@pytest.mark.parametrize(("kind", "surface"), [(AccountKind.IAM, Surface.KIRO), (AccountKind.SOCIAL, Surface.Q_IAM)])
async def test_a_surface_that_can_never_take_the_credential(
    store: Store, desk: LoginDesk, kind: AccountKind, surface: Surface
) -> None:
    with pytest.raises(LoginFailed, match="q-iam takes AWS credentials"):
        await desk.log_in(Request(kind, surface=surface), Person())
    assert store.accounts() == []
