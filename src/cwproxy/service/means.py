"""What all requests of the process share."""

import random
from collections import defaultdict
from collections.abc import Callable
from typing import Final

import msgspec

from cwproxy.accounts.leasing import Accounts
from cwproxy.accounts.recording import Recorder, Unrecorded
from cwproxy.auth.clock import Clock
from cwproxy.service.catalogs import Catalogs
from cwproxy.service.leftovers import Leftovers
from cwproxy.service.options import Options
from cwproxy.service.trailers import Trailers
from cwproxy.upstream import Upstream

MAX_STRANGE: Final = 10_000


class Means(msgspec.Struct, frozen=True):
    """effortless: (account, model) that refuse to be told how much to think. strange:
    conversations with thoughts that were refused, the latest of them. chance: uniform in [0, 1).
    """

    accounts: Accounts
    upstream: Upstream
    catalogs: Catalogs
    options: Options
    clock: Clock
    recorder: Recorder = msgspec.field(default_factory=Unrecorded)
    chance: Callable[[], float] = random.random
    trailers: defaultdict[str, Trailers] = msgspec.field(default_factory=lambda: defaultdict(Trailers))
    effortless: set[tuple[str, str]] = msgspec.field(default_factory=set)
    strange: set[str] = msgspec.field(default_factory=set)
    leftovers: Leftovers = msgspec.field(default_factory=Leftovers)

    def remember_strange(self, conversation_id: str) -> None:
        """Its thoughts were refused."""
        if len(self.strange) >= MAX_STRANGE:
            self.strange.clear()
        self.strange.add(conversation_id)
