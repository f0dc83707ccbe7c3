from typing import Any

import httpx
import pytest
from tests.support.simulator import Simulator
from tests.support.wire_requests import bearer, control_plane

ORIGIN = {"origin": "CLI"}


def listing(http: httpx.Client, token: str, operation: str, member: str, **members: Any) -> list[dict[str, Any]]:
    """All pages of a listing."""
    items: list[dict[str, Any]] = []
    while True:
        page = control_plane(http, token, operation, members).json()
        items += page[member]
        if "nextToken" not in page:
            return items
        members["nextToken"] = page["nextToken"]


def test_models_come_in_pages(aws: Simulator, http: httpx.Client) -> None:
    token = aws.account().token
    first = control_plane(http, token, "ListAvailableModels", ORIGIN).json()
    assert len(first["models"]) == 5
    assert first["defaultModel"]["modelId"] == "auto"
    models = listing(http, token, "ListAvailableModels", "models", **ORIGIN)
    assert len(models) == 10
    assert [
        model["modelId"] for model in listing(http, token, "ListAvailableModels", "models", **ORIGIN, maxResults=3)
    ] == [model["modelId"] for model in models]


def test_rest_asks_with_a_query(aws: Simulator, http: httpx.Client) -> None:
    headers = bearer(aws.account().token)
    response = http.get("/ListAvailableModels", params={**ORIGIN, "maxResults": "2"}, headers=headers)
    assert response.headers["content-type"] == "application/json"
    assert len(response.json()["models"]) == 2
    usage = http.get("/us-east-1/getUsageLimits", params={"isEmailRequired": "true"}, headers=headers).json()
    assert usage["userInfo"]["email"].endswith("@example.com")
    rest = {**headers, "content-type": "application/json"}
    assert http.post("/ListAvailableProfiles", content=b"{}", headers=rest).status_code == 403


def test_models_of_an_account(aws: Simulator, http: httpx.Client) -> None:
    account = aws.account(models=["claude-sonnet-4"])
    page = control_plane(http, account.token, "ListAvailableModels", ORIGIN).json()
    assert page["defaultModel"]["modelId"] == "claude-sonnet-4"
    assert "additionalModelRequestFieldsSchema" not in page["models"][0]


def test_kiro_shows_the_schema_of_request_fields_and_wants_a_profile(aws: Simulator, http: httpx.Client) -> None:
    account = aws.account("social")
    refused = control_plane(http, account.token, "ListAvailableModels", ORIGIN, surface="kiro")
    assert (refused.status_code, refused.json()["message"]) == (400, "profileArn is required for this request.")
    members = {**ORIGIN, "profileArn": account.profile_arn}
    page = control_plane(http, account.token, "ListAvailableModels", members, surface="kiro")
    assert page.headers["content-type"] == "application/x-amz-json-1.0"
    assert "additionalModelRequestFieldsSchema" in page.json()["models"][0]
    key = aws.account("api-key").token
    answer = control_plane(http, key, "ListAvailableModels", ORIGIN, surface="kiro", tokentype="API_KEY")
    assert answer.status_code == 200


def test_profiles_must_be_the_accounts_and_of_the_region(aws: Simulator, http: httpx.Client) -> None:
    mine, other = aws.account("identity-center", region="eu-west-1"), aws.account("identity-center")
    assert control_plane(http, mine.token, "ListAvailableModels", ORIGIN).status_code == 403
    foreign = {**ORIGIN, "profileArn": other.profile_arn}
    assert control_plane(http, mine.token, "ListAvailableModels", foreign).status_code == 403
    assert control_plane(http, mine.token, "GetUsageLimits", foreign).status_code == 403
    own = {**ORIGIN, "profileArn": mine.profile_arn}
    elsewhere = control_plane(http, mine.token, "ListAvailableModels", own, region="us-east-1")
    assert elsewhere.json()["message"] == "Improperly formed request."
    assert control_plane(http, mine.token, "ListAvailableModels", own, region="eu-central-1").status_code == 200


@pytest.mark.parametrize(
    ("members", "complaint"),
    [
        ({}, "'origin'"),
        ({"origin": "TOASTER"}, "'origin'"),
        ({**ORIGIN, "modelProvider": "OTHER"}, "'modelProvider'"),
        ({**ORIGIN, "maxResults": 0}, "'maxResults'"),
        ({**ORIGIN, "maxResults": 101}, "'maxResults'"),
        ({**ORIGIN, "maxResults": "many"}, "'maxResults'"),
        ({**ORIGIN, "maxResults": True}, "'maxResults'"),
        ({**ORIGIN, "nextToken": "ü"}, "nextToken"),
        ({**ORIGIN, "nextToken": "AAAA"}, "nextToken"),
        ({**ORIGIN, "nextToken": "ZnJvbTo5OTk="}, "nextToken"),
    ],
)
def test_listings_that_are_asked_for_wrongly(
    aws: Simulator, http: httpx.Client, members: dict[str, Any], complaint: str
) -> None:
    response = control_plane(http, aws.account().token, "ListAvailableModels", members)
    assert response.status_code == 400
    assert response.headers["x-amzn-errortype"].startswith("ValidationException")
    assert complaint in response.json()["message"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{"])
def test_bodies_that_are_no_object(aws: Simulator, http: httpx.Client, body: bytes) -> None:
    headers = {
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": "AmazonCodeWhispererService.GetUsageLimits",
        **bearer(aws.account().token),
    }
    response = http.post("/", content=body, headers=headers)
    assert response.json()["__type"] == "com.amazon.coral.service#SerializationException"


def test_builder_id_has_no_profiles_to_list(aws: Simulator, http: httpx.Client) -> None:
    response = control_plane(http, aws.account().token, "ListAvailableProfiles", {})
    assert response.status_code == 403
    assert response.json()["message"] == "AWS Builder ID is not supported for this operation."


def test_each_regional_host_lists_its_own_profiles(aws: Simulator, http: httpx.Client) -> None:
    arns = [
        f"arn:aws:codewhisperer:{region}:123456789012:profile/ABCDEFGHIJK{n}"
        for n, region in enumerate(["us-east-1", "eu-central-1", "eu-central-1"])
    ]
    token = aws.account("identity-center", profile_arns=arns).token
    found = {
        region: [
            profile["arn"]
            for profile in control_plane(http, token, "ListAvailableProfiles", {}, region=region).json()["profiles"]
        ]
        for region in (None, "us-east-1", "eu-central-1")
    }
    assert found == {None: arns, "us-east-1": arns[:1], "eu-central-1": arns[1:]}
    paged = listing(http, token, "ListAvailableProfiles", "profiles", maxResults=1)
    assert [profile["arn"] for profile in paged] == arns
    assert paged[0]["identityDetails"]["ssoIdentityDetails"]["ssoRegion"] == "us-east-1"
    assert control_plane(http, token, "ListAvailableProfiles", {"maxResults": 11}).status_code == 400


def test_a_profile_by_its_name(aws: Simulator, http: httpx.Client) -> None:
    account = aws.account("social")
    members = {"profileArn": account.profile_arn}
    profile = control_plane(http, account.token, "GetProfile", members).json()["profile"]
    assert profile["optInFeatures"]["mcpConfiguration"]["toggle"] == "ON"
    assert "identityDetails" not in profile
    assert control_plane(http, account.token, "GetProfile", {}).status_code == 400
    absent = control_plane(http, account.token, "GetProfile", {"profileArn": "arn:nothing"})
    assert absent.headers["x-amzn-errortype"].startswith("ResourceNotFoundException")


def test_usage(aws: Simulator, http: httpx.Client) -> None:
    account = aws.account()
    usage = control_plane(http, account.token, "GetUsageLimits", {"resourceType": "CREDIT"}).json()
    assert usage["limits"][0]["currentUsage"] == 0
    assert isinstance(usage["nextDateReset"], float)
    assert 0 <= usage["daysUntilReset"] <= 31
    assert "email" not in usage["userInfo"]
    aws.set_state(account, "monthly-402")
    spent = control_plane(http, account.token, "GetUsageLimits", {"isEmailRequired": True}).json()
    assert spent["limits"][0]["percentUsed"] == 100.0
    assert spent["usageBreakdownList"][0]["currentUsage"] == spent["usageBreakdownList"][0]["usageLimit"]
    assert spent["userInfo"]["email"] == account.email
    assert control_plane(http, account.token, "GetUsageLimits", {"resourceType": "TEA"}).status_code == 400


def test_the_month_ends_at_midnight_utc_also_in_december(aws: Simulator, http: httpx.Client) -> None:
    token = aws.account().token
    december = 1_797_000_000  # 2026-12-11
    aws.advance(december - aws.status().now)
    assert control_plane(http, token, "GetUsageLimits", {}).json()["nextDateReset"] == 1_798_761_600  # 2027-01-01
