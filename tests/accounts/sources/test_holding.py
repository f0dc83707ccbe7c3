import pytest
from msgspec.structs import replace
from tests.support.records import a_registration

from cwproxy.accounts.sources.holding import Holding, fingerprint
from cwproxy.store import AccountKind, Secret

FULL = Holding(
    kind=AccountKind.BUILDER_ID,
    access_token=Secret("canary-access"),
    refresh_token=Secret("canary-refresh"),
    expires_at=1.0,
    region="us-east-1",
    start_url="https://x",
    profile_arn="arn",
    registration=a_registration(),
)


@pytest.mark.parametrize(
    "name", ["kind", "access_token", "refresh_token", "region", "start_url", "profile_arn", "registration"]
)
def test_the_stamp_changes_with_everything_that_matters(name: str) -> None:
    assert replace(FULL, **{name: None}).stamp() != FULL.stamp()


def test_the_stamp_says_nothing_and_does_not_change_by_itself() -> None:
    assert "canary" not in FULL.stamp()
    assert replace(FULL, expires_at=2.0).stamp() == FULL.stamp()
    assert replace(FULL, access_token=Secret("canary-refresh"), refresh_token=Secret("canary-access")).stamp() != (
        FULL.stamp()
    )


def test_a_fingerprint_of_anything() -> None:
    assert len(fingerprint("\ud800")) == 32
    assert "canary" not in repr(FULL)
