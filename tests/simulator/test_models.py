import re

from cwproxy.simulator.models import DEFAULT_MODEL, DEFAULT_WINDOW, MODELS, listed, offered, window_of


def test_the_list_has_every_kind_of_model() -> None:
    assert all(re.fullmatch(r"[a-zA-Z0-9_:.-]+", model.id) for model in MODELS)
    assert len({model.id for model in MODELS}) == len(MODELS)
    assert {model.images for model in MODELS} == {model.caching for model in MODELS} == {True, False}
    assert any(model.max_input is None for model in MODELS)
    assert all(len(model.description) <= 256 for model in MODELS)


def test_the_schema_of_request_fields_is_for_kiro_alone() -> None:
    assert "additionalModelRequestFieldsSchema" in DEFAULT_MODEL.document(kiro=True)
    assert "additionalModelRequestFieldsSchema" not in DEFAULT_MODEL.document(kiro=False)
    fields = DEFAULT_MODEL.document(kiro=True)["additionalModelRequestFieldsSchema"]["properties"]
    assert fields.keys() == {"thinking", "output_config", "max_tokens"}
    other = next(model for model in MODELS if model.id == "gpt-5.6-terra").document(kiro=True)
    assert other["additionalModelRequestFieldsSchema"]["properties"].keys() == {"reasoning"}
    plain = next(model for model in MODELS if model.id == "claude-sonnet-4.5")
    assert "additionalModelRequestFieldsSchema" not in plain.document(kiro=True)


def test_limits_that_are_unknown_are_null() -> None:
    old = next(model for model in MODELS if model.id == "claude-3.7-sonnet")
    document = old.document(kiro=False)
    assert document["tokenLimits"] == {"maxInputTokens": None, "maxOutputTokens": None}
    assert document["promptCaching"]["supportsPromptCaching"] is False


def test_what_is_listed_of_a_model() -> None:
    assert listed("deepseek-3.2") in MODELS
    assert listed(None) is DEFAULT_MODEL
    assert listed("unheard-of") is listed(3) is None


def test_windows() -> None:
    assert window_of("deepseek-3.2") == 128_000
    assert window_of(None) == DEFAULT_MODEL.max_input
    assert window_of("claude-3.7-sonnet") == window_of("unheard-of") == window_of(3) == DEFAULT_WINDOW


def test_an_account_may_be_offered_fewer() -> None:
    assert offered(None) == MODELS
    assert [model.id for model in offered(frozenset({"auto", "other"}))] == ["auto"]
