import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.support.records import an_account

from cwproxy.accounts.identity import Request, how_to_log_in, is_builder_id, normal_start_url
from cwproxy.auth.social import Provider
from cwproxy.store import Account, AccountKind, Secret, Source, SourceKind

START = "https://acme.awsapps.com/start"
CENTER = Request(AccountKind.IDENTITY_CENTER, START, "eu-west-1")
CENTER_ACCOUNT = an_account(kind=AccountKind.IDENTITY_CENTER, start_url=START, sso_region="eu-west-1")


@pytest.mark.parametrize(
    "spelling",
    [
        START,
        f"{START}/",
        f" {START}/ ",
        f"{START}/#/",
        f"{START}#",
        f"{START}?x=1",
        "https://ACME.awsapps.com/start",
        "acme.awsapps.com/start",
        "HTTPS://acme.awsapps.com/start",
    ],
)
def test_every_spelling_of_a_start_url_is_the_same_account(spelling: str) -> None:
    assert normal_start_url(spelling) == START
    assert Request(AccountKind.IDENTITY_CENTER, spelling, "eu-west-1").is_for(CENTER_ACCOUNT)
    stored_before = an_account(kind=AccountKind.IDENTITY_CENTER, start_url=spelling, sso_region="eu-west-1")
    assert CENTER.is_for(stored_before)


def test_what_is_no_url_stays_as_it_is() -> None:
    assert normal_start_url(" https://[x ") == "https://[x"


@example("0 ?")
@example("acme.example/start / /#")
@given(st.text(max_size=60) | st.from_regex(r"\A(https?://)?[a-zA-Z0-9.-]{1,12}(/[a-z/#?. ]{0,8})?\Z"))
def test_the_spelling_is_settled_at_once(text: str) -> None:
    once = normal_start_url(text)
    assert normal_start_url(once) == once


def test_builder_id_is_known_by_its_start_url() -> None:
    assert is_builder_id("https://view.awsapps.com/start/#/")
    assert not is_builder_id(START)


@pytest.mark.parametrize(
    ("request_", "account", "same"),
    [
        (CENTER, CENTER_ACCOUNT, True),
        (Request(AccountKind.IDENTITY_CENTER, START), CENTER_ACCOUNT, False),
        (Request(AccountKind.IDENTITY_CENTER, START, "eu-west-1", label="mine"), CENTER_ACCOUNT, True),
        (Request(AccountKind.IDENTITY_CENTER, START, "eu-west-1", label="other"), CENTER_ACCOUNT, False),
        (Request(AccountKind.BUILDER_ID), CENTER_ACCOUNT, False),
        (
            CENTER,
            an_account(
                kind=AccountKind.IDENTITY_CENTER,
                start_url=START,
                sso_region="eu-west-1",
                source=Source(SourceKind.KIRO_IDE, "/x"),
            ),
            False,
        ),
        (Request(AccountKind.SOCIAL), Account("x", AccountKind.SOCIAL, "google", "us-east-1", 0.0), True),
        (Request(AccountKind.SOCIAL), Account("x", AccountKind.SOCIAL, "github", "us-east-1", 0.0), False),
        (Request(AccountKind.SOCIAL, label="x"), Account("x", AccountKind.SOCIAL, "google", "us-east-1", 0.0), False),
        (Request(AccountKind.API_KEY), Account("x", AccountKind.API_KEY, "api-key", "eu-central-1", 0.0), True),
        (Request(AccountKind.API_KEY), Account("x", AccountKind.API_KEY, "work", "us-east-1", 0.0), False),
        (Request(AccountKind.IAM), Account("x", AccountKind.IAM, "iam", "us-east-1", 0.0), True),
        (Request(AccountKind.IAM, aws_profile="a"), Account("x", AccountKind.IAM, "iam", "us-east-1", 0.0), False),
    ],
)
def test_who_is_known_already(request_: Request, account: Account, same: bool) -> None:
    assert request_.is_for(account) is same


@pytest.mark.parametrize(
    ("request_", "name"),
    [
        (CENTER, "acme"),
        (Request(AccountKind.IDENTITY_CENTER, "https://localhost/start"), "https://localhost/start"),
        (Request(AccountKind.BUILDER_ID), "builder-id"),
        (Request(AccountKind.SOCIAL, provider=Provider.GITHUB), "github"),
        (Request(AccountKind.API_KEY), "api-key"),
        (Request(AccountKind.IAM), "iam"),
        (Request(AccountKind.IAM, aws_profile="work"), "work"),
        (Request(AccountKind.IAM, aws_profile="work", label="mine"), "mine"),
    ],
)
def test_a_new_account_gets_a_name(request_: Request, name: str) -> None:
    assert request_.name == name


@pytest.mark.parametrize(
    ("account", "sentence"),
    [
        (Account("x", AccountKind.BUILDER_ID, "builder-id", "us-east-1", 0.0), "Run `cwproxy login`."),
        (
            Account("x", AccountKind.BUILDER_ID, "my own", "us-east-1", 0.0),
            "Run `cwproxy login builder-id --label 'my own'`.",
        ),
        (
            replace(CENTER_ACCOUNT, label="acme"),
            f"Run `cwproxy login identity-center --start-url {START} --region eu-west-1`.",
        ),
        (
            replace(CENTER_ACCOUNT, label="acme-2"),
            f"Run `cwproxy login identity-center --start-url {START} --region eu-west-1 --label acme-2`.",
        ),
        (
            Account("x", AccountKind.SOCIAL, "github", "us-east-1", 0.0),
            "Run `cwproxy login social --provider github`.",
        ),
        (
            Account("x", AccountKind.SOCIAL, "github-2", "us-east-1", 0.0),
            "Run `cwproxy login social --provider github --label github-2`.",
        ),
        (Account("x", AccountKind.SOCIAL, "me", "us-east-1", 0.0), "Run `cwproxy login social --label me`."),
        (Account("x", AccountKind.API_KEY, "api-key", "us-east-1", 0.0), "Run `cwproxy login api-key`."),
        (Account("x", AccountKind.API_KEY, "two", "us-east-1", 0.0), "Run `cwproxy login api-key --label two`."),
        (Account("x", AccountKind.IAM, "iam", "us-east-1", 0.0), "Run `cwproxy login iam`."),
        (Account("x", AccountKind.IAM, "iam", "eu-west-1", 0.0), "Run `cwproxy login iam --region eu-west-1`."),
        (
            Account("x", AccountKind.IAM, "work", "us-east-1", 0.0, aws_profile="work"),
            "Run `cwproxy login iam --aws-profile work`.",
        ),
        (
            Account("x", AccountKind.EXTERNAL_IDP, "x", "us-east-1", 0.0),
            "Log in again in Kiro, then run `cwproxy accounts import`.",
        ),
    ],
)
def test_how_each_is_logged_in_again(account: Account, sentence: str) -> None:
    assert how_to_log_in(account) == sentence


def test_a_new_account_has_a_name_of_its_own() -> None:
    request = Request(AccountKind.BUILDER_ID)
    assert request.free_name([]) == "builder-id"
    assert request.free_name(["builder-id", "builder-id-2", "other"]) == "builder-id-3"
    assert Request(AccountKind.BUILDER_ID, label="other").free_name(["other"]) == "other"


def test_a_request_shows_no_key() -> None:
    assert "canary" not in repr(Request(AccountKind.API_KEY, api_key=Secret("ksk_canary")))
