import sqlite3

import pytest
from tests.support.records import an_account

from cwproxy.errors import StoreError
from cwproxy.store import rows
from cwproxy.store.schema import migrate


def test_an_unknown_state_is_an_error_that_names_the_account() -> None:
    database = sqlite3.connect(":memory:")
    database.row_factory = sqlite3.Row
    migrate(database, "memory")
    database.execute(rows.INSERT_ACCOUNT, rows.of_account(an_account("one")))
    database.execute("UPDATE account SET state = 'dreaming'")
    row = database.execute("SELECT * FROM account").fetchone()
    database.close()
    with pytest.raises(StoreError, match=r"one .*dreaming"):
        rows.account(row)
