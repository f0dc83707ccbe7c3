from pathlib import Path

import pytest
from tests.support.store_contract import OpenStore, StoreContract

from cwproxy.store import Store


class TestSqlite(StoreContract):
    @pytest.fixture
    def open_store(self, tmp_path: Path) -> OpenStore:
        return lambda: Store.open(tmp_path / "data")


class TestPostgresql(StoreContract):
    @pytest.fixture
    def open_store(self, database_url: str) -> OpenStore:
        return lambda: Store.open(database_url)
