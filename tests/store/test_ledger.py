from cwproxy.store.ledger import Record


def test_a_record_needs_only_what_is_always_known() -> None:
    record = Record(at=1.0, account_id="a", model="m", outcome="left", seconds=0.5)
    assert record.credits is None
    assert record.first_seconds is None
