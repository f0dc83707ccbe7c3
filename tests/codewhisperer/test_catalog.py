import json
from typing import Any

import pytest

from cwproxy.codewhisperer.caching import Caching
from cwproxy.codewhisperer.catalog import (
    Allowance,
    Catalog,
    Model,
    Profile,
    UsageLimits,
    parse_models,
    parse_profiles,
    parse_usage,
)
from cwproxy.errors import BackendUnavailable, ModelNotFound

ARN = "arn:aws:codewhisperer:us-east-1:123456789012:profile/ABCDEFGHIJKL"


def answer(**members: Any) -> bytes:
    return json.dumps(members).encode()


def model(model_id: str, name: str | None = None) -> Model:
    return Model(model_id, name or model_id)


MODELS = tuple(
    map(
        model,
        [
            "auto",
            "claude-3.7-sonnet",
            "claude-sonnet-4",
            "claude-sonnet-4.5",
            "claude-haiku-4.5",
            "claude-opus-4.8",
            "gpt-5.6-sol",
            "qwen3-coder-next",
            "deepseek-v3.2",
        ],
    )
)
CATALOG = Catalog(MODELS, "claude-sonnet-4.5", {"my-model": "claude-haiku-4.5", "claude-sonnet-4": "claude-opus-4.8"})


@pytest.mark.parametrize(
    ("name", "model_id"),
    [
        ("claude-sonnet-4.5", "claude-sonnet-4.5"),
        ("claude-sonnet-4-5", "claude-sonnet-4.5"),
        ("Claude-Sonnet-4.5", "claude-sonnet-4.5"),
        (" claude-sonnet-4.5 ", "claude-sonnet-4.5"),
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4.5"),
        ("claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4.5"),
        ("claude-sonnet-4.5[1m]", "claude-sonnet-4.5"),
        ("claude-sonnet-4-5-20250929-thinking[1m]", "claude-sonnet-4.5"),
        ("claude-4.5-sonnet-thinking", "claude-sonnet-4.5"),
        ("claude-haiku-4-5-latest", "claude-haiku-4.5"),
        ("CLAUDE_SONNET_4_5_20250929_V1_0", "claude-sonnet-4.5"),
        ("CLAUDE_3_7_SONNET_20250219_V1_0", "claude-3.7-sonnet"),
        ("claude-3-7-sonnet-20250219", "claude-3.7-sonnet"),
        ("CLAUDE_SONNET_4_20250514_V1_0", "claude-sonnet-4"),
        ("claude-4-sonnet", "claude-sonnet-4"),
        ("gpt-5.6-sol", "gpt-5.6-sol"),
        ("claude-sonnet-4-5-20250929-v1", "claude-sonnet-4.5"),
        ("claude-sonnet-4-5-v1:0", "claude-sonnet-4.5"),
        ("DeepSeek_V3_2", "deepseek-v3.2"),
        ("deepseek-v3-2-latest", "deepseek-v3.2"),
        ("auto", "auto"),
        ("AUTO", "auto"),
        ("my-model", "claude-haiku-4.5"),
        ("claude-sonnet-4", "claude-opus-4.8"),
    ],
)
def test_a_model_is_found_under_every_name_in_use(name: str, model_id: str) -> None:
    assert CATALOG.resolve(name).id == model_id


@pytest.mark.parametrize(
    "name",
    [
        "deepseek",
        "deepseek-v3",
        "deepseek-v3.1",
        "deepseek-v3:0",
        "",
        " ",
        "-thinking",
        "gpt-4o",
        "claude-sonnet-4.6",
        "claude-sonnet-5.4",
        "claude-opus-4",
        "sonnet",
        "gpt-5.6",
    ],
)
def test_another_version_is_never_taken_instead(name: str) -> None:
    with pytest.raises(ModelNotFound) as failure:
        CATALOG.resolve(name)
    assert "claude-opus-4.8" in failure.value.message


@pytest.mark.parametrize(
    ("name", "model_id"),
    [
        ("claude-sonnet-4-5", "claude-sonnet-4.5"),
        ("claude-sonnet-5-20270101[1m]", "claude-sonnet-4.10"),
        ("claude-3-5-haiku-20241022", "claude-haiku-4.5"),
        ("claude-opus-5-5", "claude-opus-4.8"),
        ("claude-instant-1", "claude-sonnet-4.5"),
    ],
)
def test_another_version_of_the_family_where_that_is_wanted(name: str, model_id: str) -> None:
    catalog = Catalog((*MODELS[:2], model("claude-sonnet-4.10"), *MODELS[2:]), "claude-sonnet-4.5")
    assert catalog.resolve(name, any_version=True).id == model_id


@pytest.mark.parametrize("name", ["", "gpt-5.6", "sonnet"])
def test_what_is_no_claude_model_has_no_family(name: str) -> None:
    with pytest.raises(ModelNotFound):
        CATALOG.resolve(name, any_version=True)


def test_a_claude_model_of_an_account_that_has_none_needs_a_default() -> None:
    with pytest.raises(ModelNotFound):
        Catalog((model("gpt-5.6-sol"),)).resolve("claude-opus-5", any_version=True)


def test_the_client_cannot_flood_the_message() -> None:
    with pytest.raises(ModelNotFound) as failure:
        CATALOG.resolve("x" * 10_000 + "\n")
    assert len(failure.value.message) < 500
    assert "none" in pytest.raises(ModelNotFound, Catalog(()).resolve, "x").value.message


def test_a_display_name_will_do() -> None:
    assert Catalog((model("m-1", "My Model"),)).resolve("my model").id == "m-1"


def test_auto_is_the_default_where_the_service_lists_no_such_model() -> None:
    models = (model("claude-haiku-4.5"), model("claude-sonnet-4.5"))
    assert Catalog(models, "claude-sonnet-4.5").resolve("auto").id == "claude-sonnet-4.5"
    with pytest.raises(ModelNotFound):
        Catalog(models).resolve("auto")


def test_a_page_of_models() -> None:
    page = parse_models(
        answer(
            models=[
                {
                    "modelId": "claude-opus-4.8",
                    "modelName": "Opus",
                    "description": "Big.",
                    "rateMultiplier": 2,
                    "rateUnit": "Credit",
                    "tokenLimits": {"maxInputTokens": 1_000_000, "maxOutputTokens": None},
                    "supportedInputTypes": ["TEXT"],
                    "promptCaching": {"supportsPromptCaching": True, "news": 1},
                },
                {"modelId": "old", "modelMetadata": {"maxInputTokens": 200_000, "supportsImages": False}},
                {"modelId": "bare", "tokenLimits": None, "supportsPromptCache": True, "supportedInputTypes": None},
                {"modelId": "picture", "supportedInputTypes": ["TEXT", "IMAGE"], "rateMultiplier": True},
                {"modelName": "nameless"},
                None,
            ],
            defaultModel={"modelId": "bare"},
            nextToken="bg==",
        )
    )
    assert page.models == (
        Model("claude-opus-4.8", "Opus", "Big.", 1_000_000, None, False, True, 2.0, "Credit"),
        Model("old", "old", max_input_tokens=200_000, accepts_images=False),
        Model("bare", "bare", prompt_caching=True),
        Model("picture", "picture"),
    )
    assert (page.default_id, page.next_token) == ("bare", "bg==")


@pytest.mark.parametrize(
    ("members", "default_id"), [({}, None), ({"models": None, "defaultModel": "x"}, "x"), ({"models": {}}, None)]
)
def test_a_page_may_be_empty(members: dict[str, Any], default_id: str | None) -> None:
    page = parse_models(answer(**members))
    assert (page.models, page.default_id, page.next_token) == ((), default_id, None)


def test_a_page_of_profiles() -> None:
    page = parse_profiles(
        answer(profiles=[{"arn": ARN, "profileName": "Team", "status": "ACTIVE"}, {"arn": ARN}, {}, 5], nextToken=None)
    )
    assert page.profiles == (Profile(ARN, "Team"), Profile(ARN, ARN))
    assert page.next_token is None


def test_usage_in_the_new_style() -> None:
    limits = parse_usage(
        answer(
            nextDateReset=1.7646336e9,
            usageBreakdownList=[
                {
                    "resourceType": "CREDIT",
                    "currentUsage": 12,
                    "currentUsageWithPrecision": 12.34,
                    "usageLimit": 50,
                    "currentOverages": 1,
                    "nextDateReset": 1_764_633_601,
                },
                {"displayName": "Specs", "currentUsage": None},
                {},
            ],
            subscriptionInfo={"subscriptionTitle": "Kiro Pro", "type": "Q_DEVELOPER_STANDALONE_PRO"},
            overageConfiguration={"overageStatus": "ENABLED"},
        )
    )
    assert limits == UsageLimits(
        "Kiro Pro",
        1_764_633_600.0,
        True,
        (
            Allowance("CREDIT", 12.34, 50.0, 1.0, 1_764_633_601.0),
            Allowance("Specs", 0.0, None, 0.0, 1_764_633_600.0),
            Allowance("requests", 0.0, None, 0.0, 1_764_633_600.0),
        ),
    )


def test_usage_in_the_older_styles() -> None:
    single = parse_usage(answer(usageBreakdown={"resourceType": "CREDIT", "currentUsage": 1, "usageLimit": 2}))
    assert single.allowances == (Allowance("CREDIT", 1.0, 2.0),)
    assert not single.overage_enabled
    several = parse_usage(answer(usageBreakdown=[{"resourceType": "VIBE"}]))
    assert several.allowances == (Allowance("VIBE", 0.0, None),)
    limits = parse_usage(
        answer(
            limits=[{"type": "AGENTIC_REQUEST", "currentUsage": 3, "totalUsageLimit": 50}, {}],
            subscriptionInfo={"type": "Q_DEVELOPER_STANDALONE_FREE"},
        )
    )
    assert limits.allowances == (Allowance("AGENTIC_REQUEST", 3.0, 50.0), Allowance("requests", 0.0, None))
    assert limits.plan == "Q_DEVELOPER_STANDALONE_FREE"
    assert parse_usage(b"{}") == UsageLimits(None, None, False, ())


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null"])
def test_an_answer_that_is_no_object_is_a_failure(body: bytes) -> None:
    for read in (parse_models, parse_profiles, parse_usage):
        with pytest.raises(BackendUnavailable, match="List|Get"):
            read(body)


@pytest.mark.parametrize(
    ("entry", "caching"),
    [
        ({}, Caching(1024, 4)),
        ({"supportsPromptCaching": False}, None),
        ({"minimumTokensPerCacheCheckpoint": 0}, None),
        ({"maximumCacheCheckpointsPerRequest": None}, None),
    ],
)
def test_cache_points_need_all_three_members(entry: dict[str, Any], caching: Caching | None) -> None:
    full = {
        "supportsPromptCaching": True,
        "minimumTokensPerCacheCheckpoint": 1024,
        "maximumCacheCheckpointsPerRequest": 4,
    }
    (model,) = parse_models(answer(models=[{"modelId": "m", "promptCaching": {**full, **entry}}])).models
    assert model.caching == caching


@pytest.mark.parametrize(
    ("allowances", "left"),
    [
        ((), None),
        ((Allowance("CREDIT", 5, None),), None),
        ((Allowance("CREDIT", 5, 0),), None),
        ((Allowance("CREDIT", 25, 100),), 0.75),
        ((Allowance("CREDIT", 25, 100), Allowance("VIBE", 3, 4)), 0.25),
        ((Allowance("CREDIT", 25, 100), Allowance("TRANSFORM", 100, 100)), 0.75),
        ((Allowance("SPEC", 9, 10),), pytest.approx(0.1)),
        ((Allowance("CREDIT", 120, 100, overage=20),), 0.0),
        ((Allowance("CREDIT", -5, 100),), 1.0),
    ],
)
def test_the_fraction_left_is_that_of_what_chats_are_paid_with(
    allowances: tuple[Allowance, ...], left: float | None
) -> None:
    assert UsageLimits(None, None, False, allowances).fraction_left() == left


def test_the_operators_names_are_shown_beside_the_ids() -> None:
    names = [(name, model.id) for name, model in CATALOG.named()]
    assert names[: len(MODELS)] == [(model.id, model.id) for model in MODELS]
    assert ("my-model", "claude-haiku-4.5") in names[len(MODELS) :]
    assert list(Catalog(MODELS[:1], None, {"lost": "not-there"}).named()) == [(MODELS[0].id, MODELS[0])]
