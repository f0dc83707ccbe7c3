"""The model list, read by OpenAI's own types and by what Anthropic's look for (compatibility.md 1.9)."""

import json

from openai.types import Model
from tests.support.fake_service import FakeCatalog, FakeModel

from cwproxy.api.models import listing, single


def test_the_list_is_of_both_apis() -> None:
    page = json.loads(listing(FakeCatalog(aliased=True).named()))
    assert (page["object"], page["has_more"], page["first_id"], page["last_id"]) == (
        "list",
        False,
        "claude-sonnet-4",
        "my/auto",
    )
    for item in page["data"]:
        assert Model.model_validate_json(json.dumps(item), strict=True).object == "model"
        assert (item["type"], item["lifecycle"], item["created_at"]) == ("model", "active", "1970-01-01T00:00:00Z")
    assert [item["display_name"] for item in page["data"]] == ["Claude Sonnet 4", "Auto"] * 2
    assert page["data"][0]["context_length"] == 200_000
    assert "context_length" not in page["data"][1]


def test_no_models_is_an_empty_list() -> None:
    page = json.loads(listing([]))
    assert (page["data"], page["first_id"], page["last_id"]) == ([], None, None)


def test_one_model_keeps_the_name_it_was_asked_by() -> None:
    item = json.loads(single(FakeModel("claude-sonnet-4", ""), "my/alias"))
    assert (item["id"], item["display_name"]) == ("my/alias", "claude-sonnet-4")
