"""The httptools protocol keeps the contract (reliability.md 3E 104, 105, 107, 110 to 115)."""

import pytest
from tests.support.protocol_contract import ProtocolContract

from cwproxy.api.protocol_httptools import GuardedHttpTools

pytestmark = pytest.mark.anyio


class Hasty(GuardedHttpTools):
    head_seconds = 0.8
    stall_seconds = 0.8


class TestGuardedHttpTools(ProtocolContract):
    protocol = GuardedHttpTools
    hasty = Hasty
