from pathlib import Path

import pytest
from tests.support.records import an_account

from cwproxy.errors import StoreError
from cwproxy.store import Source, SourceKind, Store


@pytest.mark.parametrize(
    "change", ["state = 'dreaming'", "kind = 'dreaming'", 'source = \'{"kind": "dreaming", "path": "/x"}\'']
)
def test_what_is_unknown_is_an_error_that_names_the_account(tmp_path: Path, change: str) -> None:
    with Store.open(tmp_path / "data") as store:
        store.add(an_account("one"))
        with store.database.transaction() as statements:
            statements.execute(f"UPDATE account SET {change}")
        with pytest.raises(StoreError, match=r"one .*dreaming"):
            store.accounts()


def test_a_source_comes_back(tmp_path: Path) -> None:
    account = an_account("one", source=Source(SourceKind.KIRO_IDE, "/somewhere/kiro-auth-token.json"))
    with Store.open(tmp_path / "data") as store:
        store.add(account)
        assert store.accounts() == [account]
