"""What goes wrong on the simulated day: for each account, when, how, and until when. Made from a seed."""

import random
from dataclasses import dataclass
from typing import Final

MODELS: Final = ("claude-sonnet-4.5", "claude-haiku-4.5")

HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Kind:
    """shortest, longest: of an episode, in seconds. healed: by a person, some time after the end of the episode."""

    shortest: float
    longest: float
    healed: bool = False


KINDS: Final = {
    "throttled": Kind(5.0, 120.0),
    "throttled-wait": Kind(5.0, 120.0),
    "daily-quota": Kind(0.2 * HOUR, 2 * HOUR),
    "monthly-quota": Kind(3 * HOUR, 14 * HOUR),
    "suspended": Kind(1 * HOUR, 3 * HOUR, healed=True),
    "misconfigured": Kind(0.5 * HOUR, 2 * HOUR, healed=True),
    "denied": Kind(60.0, 600.0),
    "revoked": Kind(0.5 * HOUR, 2 * HOUR, healed=True),
    "no-model": Kind(600.0, 2 * HOUR),
    "capacity": Kind(5.0, 60.0),
    "server": Kind(5.0, 180.0),
    "refused": Kind(5.0, 60.0),
    "reset": Kind(5.0, 60.0),
    "silent": Kind(5.0, 120.0),
    "cut": Kind(5.0, 120.0),
    "broken-frame": Kind(5.0, 60.0),
    "empty": Kind(5.0, 60.0),
    "exception": Kind(5.0, 60.0),
    "cut-late": Kind(5.0, 60.0),
}
"""Every class of reliability.md 1.2 and the faults of its section 3 that strike one account. `cut-late` comes after
content, and is nobody's to repeat.
"""

LONG_QUOTA_PROBE: Final = 6 * HOUR


@dataclass(frozen=True, slots=True)
class Episode:
    """Seconds from the beginning of the day."""

    kind: str
    begins: float
    ends: float

    def at(self, now: float) -> bool:
        return self.begins <= now < self.ends


def plan(names: list[str], *, seconds: float, chance: random.Random) -> dict[str, list[Episode]]:
    """One fault after another for each of `names`, every kind at least once where the day is long enough."""
    episodes: dict[str, list[Episode]] = {}
    deck: list[str] = []
    for name in names:
        episodes[name] = []
        now = chance.uniform(0.0, 0.5 * HOUR)
        while now < seconds:
            if not deck:
                deck = chance.sample(sorted(KINDS), len(KINDS))
            kind = deck.pop()
            ends = min(seconds, now + chance.uniform(KINDS[kind].shortest, KINDS[kind].longest))
            episodes[name].append(Episode(kind, now, ends))
            now = ends + chance.expovariate(1 / (0.5 * HOUR)) + 60.0
    return episodes


def stated_calls(episode: Episode) -> int:
    """How often an account without quota may be called in the episode: once to find out, then at the stated times."""
    length = episode.ends - episode.begins
    if episode.kind == "monthly-quota":
        return 1 + int(length / LONG_QUOTA_PROBE)
    calls, pause = 0, 300.0
    while length >= 0.0:
        calls, length, pause = calls + 1, length - pause, pause * 2.0
    return calls
