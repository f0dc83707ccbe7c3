from cwproxy.accounts.recording import Recorder, Unrecorded
from cwproxy.store.ledger import Record


def test_nothing_needs_to_be_remembered() -> None:
    recorder: Recorder = Unrecorded()
    recorder.record(Record(at=1.0, account_id="a", model="m", outcome="served", seconds=0.5))
