import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.records import NOW, a_registration, a_token, an_account

from cwproxy.errors import StoreError
from cwproxy.store import CoolDown, CoolDowns, Database, Secret, Store, Token, open_database, schema
from cwproxy.store.transfer import KIND, WARNING, exported, import_into

COOL_DOWN = CoolDown("one", "account", NOW, 2, "cooling", "too many requests", NOW)


def filled(database: Database) -> None:
    store = Store(database)
    store.add(an_account(), a_token(), a_registration())
    store.add(an_account("key"), Token(Secret("canary-key"), None, float("inf")))
    store.reserve("one", expected_generation=1, started_at=NOW)
    for _ in range(3):
        CoolDowns(database).put([COOL_DOWN])
    with database.transaction() as statements:
        statements.execute(
            "INSERT INTO api_key (id, name, prefix, hash, created_at) VALUES ('k', 'mine', 'cwp_x', 'h', 1.5)"
        )
        for at in (1.0, 2.0):
            statements.execute("INSERT INTO usage (at, outcome, credits) VALUES (:at, 'served', 0.25)", {"at": at})
        statements.execute(
            "INSERT INTO response (id, created_at, expires_at, bytes, body) VALUES ('r', 1, 2, 3, :body)",
            {"body": b"\x00\xff{"},
        )


def content(database: Database) -> dict[str, list[dict[str, object]]]:
    with database.reading() as statements:
        return {
            table: [dict(row) for row in statements.execute(f"SELECT * FROM {table} ORDER BY 1")]
            for table in schema.TABLES
        }


@pytest.fixture
def file_database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path / "data")
    yield database
    database.close()


@pytest.fixture
def server_database(database_url: str) -> Iterator[Database]:
    database = open_database(database_url)
    yield database
    database.close()


@pytest.mark.parametrize("forth", [True, False])
def test_everything_goes_from_one_database_to_another(
    file_database: Database, server_database: Database, forth: bool
) -> None:
    source, target = (file_database, server_database) if forth else (server_database, file_database)
    filled(source)
    lines = list(exported(source))
    assert import_into(target, lines) == len(lines) - 2
    assert content(target) == content(source)
    seen = CoolDowns(target).since(0)
    CoolDowns(target).put([COOL_DOWN])
    assert CoolDowns(target).since(seen.stamp).changes == (COOL_DOWN,)
    with target.transaction() as statements:
        statements.execute("INSERT INTO usage (at, outcome) VALUES (3.0, 'served')")


def test_the_file_says_that_it_holds_secrets(file_database: Database) -> None:
    assert json.loads(next(iter(exported(file_database)))) == {
        "kind": KIND,
        "schema": schema.HEAD,
        "warning": WARNING,
    }


def test_secrets_are_in_the_tables_of_logins_only(file_database: Database) -> None:
    filled(file_database)
    for line in exported(file_database):
        value = json.loads(line)
        if value.get("table") not in schema.SECRET_TABLES:
            assert "canary" not in line


def test_a_store_with_content_is_not_mixed_with_another(file_database: Database) -> None:
    filled(file_database)
    lines = list(exported(file_database))
    with pytest.raises(StoreError, match="has content already"):
        import_into(file_database, lines)


HEAD = json.dumps({"kind": KIND, "schema": schema.HEAD})
ACCOUNT = json.dumps(
    {
        "table": "account",
        "row": {
            "id": "one",
            "kind": "iam",
            "label": "canary",
            "sso_region": "us-east-1",
            "created_at": 1.0,
            "state": "active",
            "state_detail": "",
        },
    }
)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "not whole"),
        ([HEAD, ACCOUNT], "not whole"),
        ([HEAD, ACCOUNT, '{"rows": 2}'], "not whole"),
        (["canary"], "not an export"),
        (["[]"], "not an export"),
        (['{"kind": "another"}'], "not an export"),
        ([HEAD, '{"table": "sqlite_master", "row": {"a": 1}}'], "not an export"),
        ([HEAD, '{"table": "account", "row": {"id) --": 1}}'], "not an export"),
        ([HEAD, '{"table": "account", "row": {}}'], "not an export"),
        ([HEAD, ACCOUNT, '{"table": "response", "row": {"body": {"base64": "?"}}}'], "not an export"),
        ([HEAD, ACCOUNT, '{"table": "account", "row": {"colour": "red"}}'], "cannot be used"),
        ([json.dumps({"kind": KIND, "schema": schema.HEAD + 1})], "newer cwproxy"),
    ],
)
def test_a_file_that_is_not_one_changes_nothing(file_database: Database, lines: list[str], said: str) -> None:
    with pytest.raises(StoreError, match=said) as caught:
        import_into(file_database, lines)
    assert "canary" not in caught.value.message
    assert Store(file_database).accounts() == []


def test_a_file_of_an_older_version_gets_the_defaults(file_database: Database) -> None:
    assert import_into(file_database, [json.dumps({"kind": KIND, "schema": 1}), ACCOUNT, '{"rows": 1}']) == 1
    assert [account.weight for account in Store(file_database).accounts()] == [1.0]
