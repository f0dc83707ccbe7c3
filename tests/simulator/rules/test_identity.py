from typing import Any

import pytest
from tests.support.chat_requests import (
    ARN,
    CALL,
    CONTEXT,
    CURRENT,
    PROFILES,
    REMOVED,
    Breach,
    Profile,
    assert_accepted,
    assert_refused,
)

from cwproxy.simulator.rules import Refusal, refuse_profile_listing, sign
from cwproxy.simulator.rules.verdict import IMPROPER

THOUGHT = f"{CALL}.reasoningContent.reasoningText"
UNAUTHORISED: dict[str, Any] = {
    "status": 403,
    "error": "AccessDeniedException",
    "message": "User is not authorized to make this call.",
    "legacy_message": "User is not authorized to make this call.",
    "reason": None,
}
UNKNOWN_MODEL: dict[str, Any] = {
    "message": "Invalid model ID. Please select a different model to continue.",
    "legacy_message": "Invalid model ID. Please select a different model to continue.",
    "reason": "INVALID_MODEL_ID",
    "legacy_reason": "INVALID_MODEL_ID",
}
UNSUPPORTED = "additionalModelRequestFields is not supported for this model"

BREACHES = [
    Breach(
        46,
        {"additionalModelRequestFields": {"thinking": {}}, f"{CURRENT}.modelId": "claude-sonnet-4.5"},
        message=UNSUPPORTED,
        legacy_message=UNSUPPORTED,
    ),
    Breach(48, {f"{THOUGHT}.signature": REMOVED}),
    Breach(48, {f"{THOUGHT}.signature": ""}),
    *(
        Breach(
            49,
            {f"{THOUGHT}.signature": signature},
            message="Invalid `signature` in `thinking` block",
            reason="THINKING_SIGNATURE_INVALID",
        )
        for signature in (sign("another text"), "é", sign("The user wants the weather.")[:-1])
    ),
    Breach(51, {f"{CONTEXT}.envState": REMOVED}),
    Breach(51, {f"{CONTEXT}.envState.currentWorkingDirectory": REMOVED}),
    Breach(53, {"profileArn": ARN.replace("us-east-1", "eu-central-1")}),
    Breach(54, {}, context={"account_profile_arns": frozenset()}, **UNAUTHORISED),
    Breach(57, {f"{CURRENT}.modelId": "gpt-4o"}, **UNKNOWN_MODEL),
]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("breach", BREACHES, ids=lambda breach: f"rule {breach.rule}")
def test_a_breach_is_refused(breach: Breach, profile: Profile) -> None:
    assert_refused(breach, profile)


@pytest.mark.parametrize("account_kind", ["builder-id", "identity-center", "social", "iam"])
def test_the_runtime_demands_a_profile(account_kind: str) -> None:
    message = "profileArn is required for this request."
    breach = Breach(52, {"profileArn": REMOVED}, message=message, reason=None, context={"account_kind": account_kind})
    assert_refused(breach, "kiro-runtime")


def test_identity_center_needs_its_profile_everywhere() -> None:
    breach = Breach(52, {"profileArn": REMOVED}, context={"account_kind": "identity-center"}, **UNAUTHORISED)
    assert_refused(breach, "legacy-q")


@pytest.mark.parametrize(
    ("profile", "account_kind"),
    [("legacy-q", "builder-id"), ("legacy-q", "iam"), ("legacy-q", "social"), ("kiro-runtime", "api-key")],
)
def test_an_account_without_profiles_needs_none(profile: Profile, account_kind: str) -> None:
    breach = Breach(
        0, {"profileArn": REMOVED}, context={"account_kind": account_kind, "account_profile_arns": frozenset()}
    )
    assert isinstance(breach.judge(profile, frozenset()), dict)


def test_a_host_that_does_not_tell_its_region_takes_any() -> None:
    arn = ARN.replace("us-east-1", "eu-central-1")
    assert_accepted({"profileArn": arn}, host_region=None, account_profile_arns=frozenset({arn}))


def test_system_prompt_is_the_runtimes_to_refuse() -> None:
    breach = Breach(45, {"systemPrompt": "Be brief."})
    assert_refused(breach, "kiro-runtime")
    assert isinstance(breach.judge("legacy-q", frozenset()), dict)


@pytest.mark.parametrize("changes", [{}, {f"{CURRENT}.modelId": REMOVED}])
def test_model_fields_for_a_model_that_takes_them(changes: dict[str, Any]) -> None:
    assert_accepted({"additionalModelRequestFields": {"thinking": {"type": "adaptive"}}, **changes})


def test_model_fields_from_an_enterprise_account() -> None:
    breach = Breach(
        46,
        {"additionalModelRequestFields": {"thinking": {}}},
        message=IMPROPER,
        context={"account_kind": "identity-center"},
    )
    assert_refused(breach, "kiro-runtime")
    assert isinstance(breach.judge("legacy-q", frozenset()), dict)


def test_builder_id_has_no_profiles_to_list() -> None:
    refusal = refuse_profile_listing("builder-id")
    assert refusal == Refusal(
        403,
        "AccessDeniedException",
        "AWS Builder ID is not supported for this operation.",
        None,
        56,
        "ListAvailableProfiles with Builder ID",
    )
    assert refuse_profile_listing("identity-center") is None
