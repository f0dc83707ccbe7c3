"""What has no place in an answer is counted, and said once."""

import pytest
from tests.support.scripted_backend import METERING, Backend, event, reply, running, text

from cwproxy.service.leftovers import MAX_KINDS, MAX_NAME, Leftovers

pytestmark = pytest.mark.anyio

NEWS = event("somethingNewEvent", {"x": 1}) * 3 + event("codeEvent", {"content": "x"})


async def test_a_new_kind_of_event_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    backend = Backend(NEWS + text("Hello") + METERING)
    async with running(backend) as service:
        await reply(service)
        await reply(service)
    assert [record.getMessage() for record in caplog.records if "left out" in record.getMessage()] == [
        "an answer had events that were left out: 'somethingNewEvent'; this is said once"
    ]


async def test_an_answer_that_fails_is_counted_too(caplog: pytest.LogCaptureFixture) -> None:
    backend = Backend(NEWS, text("Hello") + METERING)
    async with running(backend) as service:
        await reply(service)
        assert service.left_out == {"somethingNewEvent": 3, "codeEvent": 1}
    assert "somethingNewEvent" in caplog.text


def test_kinds_are_counted_and_bounded(caplog: pytest.LogCaptureFixture) -> None:
    leftovers = Leftovers()
    for number in range(MAX_KINDS + 5):
        leftovers.take({f"{number}\n": 2})
    leftovers.take({"0\n": 3})
    assert leftovers.counts.total() == 2 * MAX_KINDS + 3
    assert len(caplog.records) == MAX_KINDS
    assert "\n" not in caplog.records[0].getMessage()


def test_a_name_is_cut() -> None:
    leftovers = Leftovers()
    leftovers.take({"x" * 60_000: 1, "x" * 70_000: 1})
    assert leftovers.counts == {"x" * MAX_NAME: 2}
