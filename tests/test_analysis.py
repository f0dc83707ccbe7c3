"""What ANALYSIS.md says about the code is what the code does."""

from tests.support import error_table


def test_the_error_table_is_the_codes_own() -> None:
    assert error_table.documented() == error_table.table(), "run: python -m tests.support.error_table"
