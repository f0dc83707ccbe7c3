import re

import pytest

from cwproxy.simulator.accounts import Accounts, arn_region, new_profile_arn


def test_a_profile_arn_fits_the_published_pattern() -> None:
    pattern = r"arn:aws:codewhisperer:eu-central-1:\d{12}:profile/[a-zA-Z0-9]{12}"
    assert re.fullmatch(pattern, new_profile_arn("eu-central-1"))
    assert arn_region(new_profile_arn("eu-central-1")) == "eu-central-1"
    assert arn_region("nonsense") == ""


def test_each_kind_has_what_it_has_at_aws() -> None:
    accounts = Accounts()
    builder, center = accounts.create("builder-id"), accounts.create("identity-center", region="eu-west-1")
    key, iam, social = accounts.create("api-key"), accounts.create("iam"), accounts.create("social")
    assert (builder.profile_arns, key.profile_arns, iam.profile_arns) == ((), (), ())
    assert [arn_region(arn) for arn in (*center.profile_arns, *social.profile_arns)] == ["eu-central-1", "us-east-1"]
    assert builder.start_url == "https://view.awsapps.com/start"
    assert iam.access_key_id is not None and iam.secret_access_key is not None
    assert accounts.by_access_key(iam.access_key_id) is iam
    assert accounts.grant(key).startswith("ksk_")
    assert accounts.grant(builder).startswith("aoa")


def test_where_a_token_is_good() -> None:
    accounts = Accounts()
    both = tuple(new_profile_arn(region) for region in ("us-east-1", "eu-central-1"))
    center = accounts.create("identity-center", region="eu-north-1", profile_arns=both)
    assert center.api_regions == {"us-east-1", "eu-central-1"}
    assert accounts.create("builder-id").api_regions == {"us-east-1"}
    assert accounts.create("builder-id", region="eu-west-1").api_regions == {"eu-central-1"}
    assert accounts.create("api-key").api_regions == {"us-east-1", "eu-central-1"}


def test_tokens_expire_by_time_by_word_and_with_their_family() -> None:
    accounts = Accounts()
    account = accounts.create("builder-id")
    short = accounts.grant(account, expires_at=10.0)
    for_ever = accounts.grant(account, token="mine")
    related = accounts.grant_in_family(account, family="f", expires_at=100.0)
    assert accounts.by_token(short, now=9.9) is account
    assert accounts.by_token(short, now=10.0) is None
    assert accounts.by_token("unknown", now=0.0) is None
    accounts.revoke_family("f")
    assert accounts.by_token(related, now=0.0) is None
    assert accounts.by_token(for_ever, now=1e12) is account
    accounts.set_state(account, "expired")
    assert accounts.by_token(for_ever, now=0.0) is None
    assert account.state == "healthy"


def test_states_have_names() -> None:
    accounts = Accounts()
    account = accounts.create("builder-id", account_id="me", start_url="https://x.awsapps.com/start")
    accounts.set_state(account, "suspended")
    assert accounts.get("me") is account
    assert accounts.by_start_url("https://x.awsapps.com/start") is account
    assert accounts.all() == [account]
    assert account.state == "suspended"
    with pytest.raises(KeyError):
        accounts.set_state(account, "sleepy")
