from typing import Any

import pytest

from cwproxy.simulator.accounts import BUILDER_ID_START_URL, Accounts
from cwproxy.simulator.clock import Clock
from cwproxy.simulator.grants import Client, DeviceGrant, GrantError, Grants, Tokens
from cwproxy.simulator.options import SimulatorOptions

CENTER = "https://d-1234567890.awsapps.com/start"


class World:
    """Grants with a clock that stands still until it is moved."""

    def __init__(self, **options: Any) -> None:
        self.clock = Clock(lambda: 1000.0)
        self.accounts = Accounts()
        self.grants = Grants(SimulatorOptions(**options), self.clock, self.accounts)
        self.client = self.grants.register("test", ("codewhisperer:conversations",), None, None)

    def start(self, start_url: str = BUILDER_ID_START_URL, region: str | None = None) -> DeviceGrant:
        return self.grants.start_device(self.client, start_url, region)

    def poll(self, grant: DeviceGrant, client: Client | None = None) -> Tokens:
        return self.grants.poll(client or self.client, grant.device_code)

    def refused(self, grant: DeviceGrant) -> str:
        with pytest.raises(GrantError) as error:
            self.poll(grant)
        return error.value.code

    def log_in(self) -> Tokens:
        grant = self.start()
        self.grants.approve(grant)
        return self.poll(grant)

    def refresh(self, tokens: Tokens) -> Tokens:
        assert tokens.refresh_token is not None
        return self.grants.refresh(tokens.refresh_token, client_id=self.client.client_id, region=None)


def test_polling_too_fast_lengthens_the_interval_for_good() -> None:
    world = World()
    grant = world.start()
    assert world.refused(grant) == "authorization_pending"
    assert world.refused(grant) == "slow_down"
    world.clock.advance(1)
    assert world.refused(grant) == "slow_down"
    world.clock.advance(9.9)
    assert world.refused(grant) == "slow_down"
    world.clock.advance(16)
    assert world.refused(grant) == "authorization_pending"
    assert (grant.interval, grant.polls) == (16.0, 2)


def test_the_interval_counts_from_the_last_poll_and_may_be_a_little_early() -> None:
    world = World(poll_interval=5.0)
    grant = world.start()
    for _ in range(4):
        assert world.refused(grant) == "authorization_pending"
        world.clock.advance(4.6)


def test_a_device_code_works_once_and_only_for_its_client() -> None:
    world = World()
    grant = world.start()
    world.grants.approve(grant)
    other = world.grants.register("other", (), None, None)
    with pytest.raises(GrantError, match="device code") as refusal:
        world.poll(grant, other)
    assert refusal.value.code == "invalid_grant"
    tokens = world.poll(grant)
    assert world.accounts.by_token(tokens.access_token, now=1000.0) is tokens.account
    assert world.refused(grant) == "invalid_grant"


def test_a_login_expires_and_can_then_not_be_approved() -> None:
    world = World(device_code_lifetime=60)
    grant = world.start()
    assert world.grants.pending(grant.user_code.lower().replace("-", "")) is grant
    world.clock.advance(60)
    assert world.grants.pending(grant.user_code) is None
    assert world.refused(grant) == "expired_token"


def test_a_denial() -> None:
    world = World()
    grant = world.start()
    world.grants.deny(grant)
    assert world.refused(grant) == "access_denied"
    assert world.grants.devices() == [grant]


@pytest.mark.parametrize("polls", [0, 2])
def test_approval_by_itself_after_some_polls(polls: int) -> None:
    world = World(auto_approve=polls)
    grant = world.start()
    for _ in range(polls):
        assert world.refused(grant) == "authorization_pending"
        world.clock.advance(1)
    assert world.poll(grant).account.kind == "builder-id"


def test_the_start_url_decides_the_kind_and_the_same_person_stays_the_same_account() -> None:
    world = World()
    first = world.grants.approve(world.start(CENTER, "eu-west-1"))
    second = world.grants.approve(world.start(CENTER))
    builder = world.grants.approve(world.start())
    assert first is second
    assert (first.kind, first.region, builder.kind) == ("identity-center", "eu-west-1", "builder-id")
    named = world.accounts.create("identity-center", account_id="second person")
    world.grants.next_login = named.id
    assert world.grants.approve(world.start(CENTER)) is named
    assert world.grants.approve(world.start(CENTER)) is first


def test_rotation_and_the_end_of_a_family() -> None:
    world = World()
    first = world.log_in()
    second = world.refresh(first)
    assert second.refresh_token != first.refresh_token
    assert world.accounts.by_token(first.access_token, now=1000.0) is not None
    for spent in (first, second):
        with pytest.raises(GrantError) as error:
            world.refresh(spent)
        assert error.value.code == "invalid_grant"
    assert world.accounts.by_token(second.access_token, now=1000.0) is None
    assert world.refresh(world.log_in()).expires_in == 3600


def test_without_rotation_the_same_token_goes_on_working() -> None:
    world = World(rotate_refresh_tokens=False, access_token_lifetime=60)
    tokens = world.log_in()
    for _ in range(3):
        renewed = world.refresh(tokens)
        assert (renewed.refresh_token, renewed.expires_in) == (None, 60)


def test_a_refresh_token_is_bound_to_client_and_region() -> None:
    world = World()
    grant = world.start(CENTER, "eu-west-1")
    world.grants.approve(grant)
    token = world.poll(grant).refresh_token
    assert token is not None
    for client_id, region in (("other", "eu-west-1"), (None, "eu-west-1"), (world.client.client_id, "us-east-1")):
        with pytest.raises(GrantError):
            world.grants.refresh(token, client_id=client_id, region=region)
    assert world.grants.refresh(token, client_id=world.client.client_id, region="eu-west-1").account.kind != "social"


def test_signing_an_account_out_everywhere() -> None:
    world = World()
    tokens = [world.log_in(), world.log_in()]
    world.grants.revoke_logins(tokens[0].account)
    for one in tokens:
        with pytest.raises(GrantError):
            world.refresh(one)
        assert world.accounts.by_token(one.access_token, now=1000.0) is None


def test_registrations_have_a_secret_a_region_and_an_end() -> None:
    world = World(registration_lifetime=100)
    client = world.grants.register("test", (), ("refresh_token",), "us-east-1")
    assert world.grants.client(client.client_id, client.client_secret, "us-east-1") is client
    assert world.grants.client(client.client_id, client.client_secret, None) is client
    for client_id, secret, region in (
        ("unknown", client.client_secret, None),
        (client.client_id, "ü", None),
        (client.client_id, client.client_secret, "eu-west-1"),
    ):
        with pytest.raises(GrantError) as error:
            world.grants.client(client_id, secret, region)
        assert error.value.code == "invalid_client"
    world.clock.advance(100)
    with pytest.raises(GrantError, match="expired"):
        world.grants.client(client.client_id, client.client_secret, None)
