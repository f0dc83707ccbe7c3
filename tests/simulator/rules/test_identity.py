from typing import Any

import pytest
from tests.support.chat_requests import (
    ARN,
    CALL,
    CONTEXT,
    CURRENT,
    MODEL,
    PROFILES,
    REMOVED,
    Breach,
    Profile,
    assert_accepted,
    assert_refused,
)

from cwproxy.simulator.models import MODELS
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
    "message": "Invalid model. Please select a different model to continue.",
    "legacy_message": "Invalid model. Please select a different model to continue.",
    "reason": "INVALID_MODEL_ID",
    "legacy_reason": "INVALID_MODEL_ID",
}
LISTED = {model.id: model for model in MODELS}
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
        for signature in (
            sign("another text", MODEL),
            sign("The user wants the weather.", "claude-opus-4.6"),
            sign("The user wants the weather.", MODEL)[:-1],
            "é",
        )
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


NO_THOUGHT = {f"{CALL}.reasoningContent": REMOVED}


@pytest.mark.parametrize("model_id", ["auto", REMOVED])
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "high"}},
        {"thinking": {"type": "disabled"}, "max_tokens": 32_000},
    ],
)
def test_model_fields_for_a_model_that_takes_them(fields: dict[str, Any], model_id: Any) -> None:
    changes = {"additionalModelRequestFields": fields, f"{CURRENT}.modelId": model_id, **NO_THOUGHT}
    assert_accepted(changes, listed=LISTED["auto"])
    assert_accepted(changes)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(
    ("model_id", "fields"),
    [
        ("auto", {"output_config": {"effort": "bogus"}}),
        ("auto", {"output_config": {"effort": 3}}),
        ("auto", {"output_config": "high"}),
        ("auto", {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
        ("auto", {"thinking": {"type": "adaptive", "display": "all"}}),
        ("auto", {"max_tokens": 64_000}),
        ("auto", {"temperature": 99}),
        ("auto", {"reasoning": {"effort": "high"}}),
        ("gpt-5.6-terra", {"output_config": {"effort": "high"}}),
        ("gpt-5.6-terra", {"reasoning": {"effort": "max"}}),
    ],
)
def test_model_fields_that_the_models_schema_does_not_know(
    model_id: str, fields: dict[str, Any], profile: Profile
) -> None:
    changes = {"additionalModelRequestFields": fields, f"{CURRENT}.modelId": model_id, **NO_THOUGHT}
    known = {"listed": LISTED[model_id], "model_ids": frozenset(LISTED)}
    assert_refused(Breach(46, changes, context=known), profile)


def test_every_family_has_fields_of_its_own() -> None:
    fields = {"reasoning": {"effort": "high"}}
    changes = {"additionalModelRequestFields": fields, f"{CURRENT}.modelId": "gpt-5.6-terra", **NO_THOUGHT}
    assert_accepted(changes, listed=LISTED["gpt-5.6-terra"], model_ids=frozenset(LISTED))


@pytest.mark.parametrize("profile", PROFILES)
def test_model_fields_for_a_model_that_lists_none(profile: Profile) -> None:
    changes = {"additionalModelRequestFields": {"output_config": {"effort": "high"}}}
    known = {"listed": LISTED[MODEL]}
    assert_refused(Breach(46, changes, message=UNSUPPORTED, legacy_message=UNSUPPORTED, context=known), profile)


def test_thoughts_of_the_default_model_are_its_own() -> None:
    thought = {"text": "Hm.", "signature": sign("Hm.", "auto")}
    assert_accepted({THOUGHT: thought, f"{CURRENT}.modelId": REMOVED})
    assert_accepted({THOUGHT: thought, f"{CURRENT}.modelId": "auto"})


def test_whoever_has_not_signed_cannot_check() -> None:
    assert_accepted({f"{THOUGHT}.signature": "of the real service"}, signs=False)


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
