"""The h11 protocol keeps the contract (reliability.md 3E 104, 105, 107, 110 to 115)."""

import pytest
from tests.support.protocol_contract import ProtocolContract

from cwproxy.api.protocol_h11 import GuardedH11

pytestmark = pytest.mark.anyio


class Hasty(GuardedH11):
    head_seconds = 0.8
    stall_seconds = 0.8


class TestGuardedH11(ProtocolContract):
    protocol = GuardedH11
    hasty = Hasty
