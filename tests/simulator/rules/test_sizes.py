import pytest
from tests.support.chat_requests import (
    CALL,
    CURRENT,
    PROFILES,
    REMOVED,
    Breach,
    Profile,
    assert_accepted,
    assert_refused,
)

TOO_LONG = "Input is too long."
LONG = {f"{CURRENT}.content": "word " * 60_000}

BREACHES = [
    Breach(
        59,
        LONG,
        message=TOO_LONG,
        legacy_message=TOO_LONG,
        reason="CONTENT_LENGTH_EXCEEDS_THRESHOLD",
        legacy_reason="CONTENT_LENGTH_EXCEEDS_THRESHOLD",
        context={"window_tokens": 100_000},
    ),
    Breach(68, {"inferenceConfig": {"maxTokens": 32_001}}),
    Breach(68, {"additionalModelRequestFields": {"max_tokens": 64_000}}),
]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("breach", BREACHES, ids=lambda breach: f"rule {breach.rule}")
def test_a_breach_is_refused(breach: Breach, profile: Profile) -> None:
    assert_refused(breach, profile)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("model_id", ["claude-opus-4.6", "claude-sonnet-4"])
def test_opus_4_6_hides_an_overflow(model_id: str, profile: Profile) -> None:
    changes = {f"{CURRENT}.modelId": model_id, f"{CALL}.reasoningContent": REMOVED}
    breach = Breach(60, {**LONG, **changes}, context={"window_tokens": 100_000})
    refusal = breach.judge(profile, frozenset({60}))
    assert not isinstance(refusal, dict)
    assert refusal.rule == (60 if model_id == "claude-opus-4.6" else 59)
    assert (refusal.message == TOO_LONG) == (refusal.rule == 59)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_configured_limit_of_the_body_holds_without_the_switch(profile: Profile) -> None:
    breach = Breach(58, LONG, context={"max_body_bytes": 300_000})
    refusal = breach.judge(profile, frozenset())
    assert not isinstance(refusal, dict)
    assert (refusal.rule, refusal.message) == (58, "Improperly formed request.")


def test_the_default_limit_of_the_body_is_the_older_services() -> None:
    breach = Breach(58, {"padding": "x" * 1_300_000})
    assert_refused(breach, "legacy-q")
    assert isinstance(breach.judge("kiro-runtime", frozenset({58})), dict)


def test_images_are_no_text() -> None:
    assert_accepted({"conversationState.history.2.userInputMessage.documents": []}, window_tokens=1_000)
