from pathlib import Path

import pytest
from tests.support.database_contract import DatabaseContract, OpenDatabase

from cwproxy.store import open_database


class TestSqlite(DatabaseContract):
    @pytest.fixture
    def where(self, tmp_path: Path) -> Path:
        return tmp_path / "data"

    @pytest.fixture
    def open_database(self, where: Path) -> OpenDatabase:
        return lambda: open_database(where)


class TestPostgresql(DatabaseContract):
    @pytest.fixture
    def where(self, database_url: str) -> str:
        return database_url

    @pytest.fixture
    def open_database(self, where: str) -> OpenDatabase:
        return lambda: open_database(where)
