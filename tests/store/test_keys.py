"""API keys in both databases: what is kept, and that the key itself is not."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.records import NOW

from cwproxy.errors import StoreError
from cwproxy.store import Database, open_database
from cwproxy.store.keys import ApiKey, KeyKind, KeyLimits, Keys, digest_of, id_of, new_key

LIMITS = KeyLimits(requests_per_minute=60, in_flight=3, monthly_credits=12.5)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    sqlite = request.param == "sqlite"
    opened = open_database(tmp_path / "data" if sqlite else request.getfixturevalue("database_url"))
    yield opened
    opened.close()


@pytest.fixture
def keys(database: Database) -> Keys:
    return Keys(database)


def a_key(name: str = "laptop", *, at: float = NOW, **options: object) -> ApiKey:
    key, _ = new_key(name, now=at, **options)  # type: ignore[arg-type]
    return key


def test_a_key_is_random_recognisable_and_kept_as_a_hash() -> None:
    key, secret = new_key("laptop", now=NOW)
    text = secret.reveal()
    assert re.fullmatch(r"cwp_[0-9a-f]{64}", text)
    assert key.prefix == text[:10]
    assert key.digest == digest_of(text)
    assert key.id == id_of(key.digest)
    assert text not in repr(key) + repr(secret)
    assert key.digest.hex() not in repr(key)
    assert new_key("laptop", now=NOW)[1] != secret


def test_keys_come_back_as_they_were_made(keys: Keys) -> None:
    made = [
        a_key(),
        a_key("limited", at=NOW + 1, limits=LIMITS, models=frozenset({"auto", "claude-sonnet-4.5"}), buffered="full"),
        a_key("operator", at=NOW + 2, kind=KeyKind.ADMIN),
    ]
    for key in made:
        assert keys.add(key)
    assert keys.all() == made


def test_a_name_is_given_once_until_its_key_is_revoked(keys: Keys) -> None:
    first = a_key()
    assert keys.add(first)
    assert not keys.add(a_key())
    assert keys.revoke(first.id, now=NOW + 5)
    assert keys.add(a_key(at=NOW + 6))
    assert [key.revoked_at for key in keys.all()] == [NOW + 5, None]


def test_a_key_is_revoked_once_and_forgotten_only_then(keys: Keys) -> None:
    key = a_key()
    keys.add(key)
    assert not keys.forget(key.id)
    assert keys.revoke(key.id, now=NOW)
    assert not keys.revoke(key.id, now=NOW + 1)
    assert keys.forget(key.id)
    assert not keys.forget(key.id)
    assert keys.all() == []


def test_text_of_people_is_no_sql(keys: Keys) -> None:
    name = "'; DROP TABLE api_key; --"
    keys.add(a_key(name))
    assert [key.name for key in keys.all()] == [name]


@pytest.mark.parametrize("change", ["kind = 'root'", "hash = 'no hex'", "models = '{'", "buffered = 'half'"])
def test_what_a_newer_version_or_a_hand_wrote_is_refused(database: Database, change: str) -> None:
    Keys(database).add(a_key())
    with database.transaction() as statements:
        statements.changed(f"UPDATE api_key SET {change}")
    with pytest.raises(StoreError, match="not one that this cwproxy knows"):
        Keys(database).all()


def test_nothing_in_the_table_is_the_key(database: Database) -> None:
    key, secret = new_key("laptop", now=NOW)
    Keys(database).add(key)
    with database.reading() as statements:
        dump = str(statements.execute("SELECT * FROM api_key"))
    assert secret.reveal() not in dump
    assert secret.reveal()[10:] not in dump
