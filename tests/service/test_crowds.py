"""A request with very many tools is served, and said to the log once for each API key."""

import pytest
from msgspec.structs import replace
from tests.support.scripted_backend import WHOLE, Backend, ask, reply, running

from cwproxy.accounts.callers import Caller
from cwproxy.conversation import Tool
from cwproxy.service.crowds import MANY

pytestmark = pytest.mark.anyio


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


async def test_very_many_tools_are_said_once_for_each_key(caplog: pytest.LogCaptureFixture) -> None:
    few = replace(ask(), tools=tuple(Tool(f"t{number}", "", b"{}") for number in range(MANY)))
    many = replace(ask(), tools=(*few.tools, Tool("last", "", b"{}")))
    async with running(Backend(WHOLE)) as service:
        await reply(service, few)
        assert warnings(caplog) == []
        for name in ("laptop", "laptop", "desktop"):
            await reply(service, many, caller=Caller(name))
    assert [said.partition(":")[0] for said in warnings(caplog)] == [
        "a request of laptop offers 101 tools",
        "a request of desktop offers 101 tools",
    ]
