"""The description of the operator's routes describes what they answer."""

import json
from pathlib import Path

import jsonschema
import msgspec
import pytest
from tests.support.operations import made_operations
from tests.support.records import a_record, an_account

from cwproxy.api.admin import AccountList
from cwproxy.api.admin_schema import document

pytestmark = pytest.mark.anyio


def test_every_reference_leads_somewhere() -> None:
    text = document().decode()
    schemas = json.loads(text)["components"]["schemas"]
    wanted = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert wanted
    assert wanted <= set(schemas)


async def test_answers_are_as_described(tmp_path: Path) -> None:
    described = json.loads(document())
    schema = {"$ref": "#/components/schemas/AccountList", "components": described["components"]}
    async with made_operations(tmp_path) as made:
        made.store.add(an_account())
        made.books.record(a_record(account_id="one"))
        answer = json.loads(msgspec.json.encode(AccountList(await made.operations.oversight.accounts())))
    jsonschema.validate(answer, schema)
