"""The numbers of the pool, all of reliability.md 1.8 where nothing else is said. Times are seconds."""

import enum

import msgspec


class Strategy(enum.Enum):
    """Which of the accounts that could serve does it. All three obey health, limits and weights.

    ROUND_ROBIN: in turn, in proportion to the weights. LEAST_USED_QUOTA: the one with the most of its quota left.
    STICKY: the same account for the same conversation, as long as it can.
    """

    ROUND_ROBIN = "round-robin"
    LEAST_USED_QUOTA = "least-used-quota"
    STICKY = "sticky"


class Backoff(msgspec.Struct, frozen=True):
    """`base` · 2^level, at most `cap`; `jitter` is the part by which it may differ up or down; the level falls by one
    for each `calm` without a failure.
    """

    base: float
    cap: float
    jitter: float = 0.0
    calm: float = 300.0

    def seconds(self, level: int, random: float) -> float:
        """The time for a back-off that was `level` times doubled. `random` is uniform in [0, 1)."""
        spread = 1.0 + self.jitter * (2.0 * random - 1.0)
        return min(self.cap, self.base * 2.0 ** min(level, 32)) * spread


class Tripping(msgspec.Struct, frozen=True):
    """When a breaker opens, for how long, and what closes it.

    consecutive: failures in a row, or None where only the share counts.
    minimum, least, share: of at least `minimum` calls within `window`, `least` failed and at least this part; a minimum
    of 0 turns it off.
    closing: successes of single probes that close it again.
    """

    backoff: Backoff
    consecutive: int | None = None
    minimum: int = 0
    least: int = 1
    share: float = 0.5
    window: float = 60.0
    closing: int = 1


class Policy(msgspec.Struct, frozen=True):
    """What the pool does when.

    in_flight: calls at the same time of an account that has no limit of its own.
    account, endpoint, model: the three breakers.
    throttled: cool-down after a 429. refused: after a denial without a known reason, which may be a proxy's on the way.
    short_quota: after the quota of minutes or of a day; it ends at 00:00 UTC at the latest, give or take
    `midnight_spread`, so that not all come back in the same second.
    quota_probe: how often one request may try whether a monthly quota has come back early.
    model_pause: how long a model that the account may not use is not asked of it again.
    panic_pause: between two requests to the same account while every one is open.
    suspicion: how long an account that has just failed is used only when no other is free.
    heal_after: successes that raise a lowered in-flight limit by one.
    probe_patience: after which an unsettled probe counts as lost.
    history: how many of an account's failures are remembered.
    quota_step: shares of quota that differ by less than this count as equal.
    """

    strategy: Strategy = Strategy.ROUND_ROBIN
    in_flight: int = 8
    account: Tripping = msgspec.field(
        default_factory=lambda: Tripping(Backoff(30.0, 300.0, jitter=0.1), consecutive=5, minimum=5, closing=2)
    )
    endpoint: Tripping = msgspec.field(default_factory=lambda: Tripping(Backoff(5.0, 60.0, calm=60.0), consecutive=5))
    model: Tripping = msgspec.field(
        default_factory=lambda: Tripping(Backoff(10.0, 120.0, calm=60.0), minimum=3, least=3, window=30.0)
    )
    throttled: Backoff = msgspec.field(default_factory=lambda: Backoff(5.0, 60.0, calm=60.0))
    refused: Backoff = msgspec.field(default_factory=lambda: Backoff(60.0, 3600.0, jitter=0.1, calm=3600.0))
    short_quota: Backoff = msgspec.field(default_factory=lambda: Backoff(300.0, 86_400.0, calm=3600.0))
    midnight_spread: float = 300.0
    quota_probe: float = 6 * 3600.0
    model_pause: float = 3600.0
    panic_pause: float = 5.0
    suspicion: float = 10.0
    heal_after: int = 10
    probe_patience: float = 600.0
    history: int = 20
    quota_step: float = 0.05
