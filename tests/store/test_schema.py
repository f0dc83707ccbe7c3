from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

import cwproxy.store
from cwproxy.store import Database, open_database, schema


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    if request.param == "sqlite":
        return open_database(tmp_path / "data")
    return open_database(str(request.getfixturevalue("database_url")))


def test_the_head_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(cwproxy.store.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [f"{schema.HEAD:04}"]


def test_every_table_is_either_taken_along_or_passing(database: Database) -> None:
    listing = (
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        if "sqlite" in database.name
        else "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'"
    )
    with database.reading() as statements:
        names = sorted(row.text("name") for row in statements.execute(listing))
    database.close()
    assert names == sorted([*schema.TABLES, *schema.PASSING_TABLES, schema.VERSION_TABLE])
