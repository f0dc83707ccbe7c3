"""Two replicas with random accounts, calls, failures and clocks: what must hold at every step."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule
from msgspec.structs import replace

from cwproxy.accounts.pool import (
    Busy,
    Change,
    Exhausted,
    Failed,
    Failure,
    FailureClass,
    Lease,
    Left,
    Member,
    MemberReport,
    Policy,
    Pool,
    Served,
    Shortage,
    Standing,
    Strategy,
    Want,
)
from cwproxy.accounts.pool import changes as scopes
from cwproxy.accounts.pool.breaker import Phase

F = FailureClass
START = 1_790_000_000.0
NAMES = ("a", "b", "c", "d")
MODELS = ("m", "n")
WELL = frozenset({F.CAPACITY, F.CONNECTION, F.EMPTY})
"""Failures that are not the account's."""

FAULTS = frozenset({F.SERVER, F.TIMEOUT, F.BROKEN_STREAM, F.API_CHANGED})
PERSONS = {Shortage.SUSPENDED, Shortage.CREDENTIALS, Shortage.NONE_LOGGED_IN, Shortage.MODEL, Shortage.TRIED}
"""Shortages that may have no end in time."""


@dataclass(slots=True)
class Witness:
    """What a test knows of an account in one pool, found out by itself.

    used_up: the last lease that was given when its quota was found to be used up; not followed any more when another
    replica has had its say. probing: the probe since, and when it began. faulty_since: of a fault that it has not
    made good. spotless: nothing has ever been held against it.
    """

    in_flight: int = 0
    used_up: int | None = None
    told: bool = False
    probing: tuple[int, float] | None = None
    faulty_since: float | None = None
    spotless: bool = True


@dataclass(slots=True)
class Replica:
    pool: Pool
    latest: int = 0
    seen: int = 0
    witnesses: dict[str, Witness] = field(default_factory=dict)
    talked_about: set[str] = field(default_factory=set)
    """Accounts of which another replica has said something, perhaps while they were not there."""

    def of(self, name: str) -> Witness:
        told = name in self.talked_about
        return self.witnesses.setdefault(name, Witness(told=told, spotless=not told))


class Machine(RuleBasedStateMachine):
    leases = Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.store: dict[str, Member] = {}
        self.given: dict[str, Member] = {}
        self.told: list[Change] = []

    @initialize(strategy=st.sampled_from(Strategy))
    def begin(self, strategy: Strategy) -> None:
        self.replicas = [Replica(Pool(Policy(strategy=strategy))) for _ in range(2)]
        self.store = {name: Member(name, name, endpoint="x", in_flight_limit=3) for name in NAMES[:3]}
        self._update()

    @rule(
        name=st.sampled_from(NAMES),
        models=st.none() | st.frozensets(st.sampled_from(MODELS)),
        standing=st.sampled_from([Standing.READY] * 6 + list(Standing)),
        weight=st.sampled_from([0.5, 1.0, 1.0, 3.0]),
        limit=st.integers(1, 3),
        endpoint=st.sampled_from(["x", "x", "y"]),
    )
    def account_comes_or_changes(
        self, name: str, models: frozenset[str] | None, standing: Standing, weight: float, limit: int, endpoint: str
    ) -> None:
        self.store[name] = Member(
            name,
            name,
            models=models,
            standing=standing,
            weight=weight,
            in_flight_limit=limit,
            endpoint=endpoint,
            fraction_left=weight / 3,
        )
        self._update()

    @rule(name=st.sampled_from(NAMES))
    def account_goes(self, name: str) -> None:
        self.store.pop(name, None)
        self._update()

    @rule(
        target=leases,
        which=st.integers(0, 1),
        model=st.none() | st.sampled_from(MODELS),
        tried=st.frozensets(st.sampled_from(NAMES), max_size=2),
        calls=st.integers(1, 6),
    )
    def asking(self, which: int, model: str | None, tried: frozenset[str], calls: int) -> object:
        return self.ask(which, model, tried, calls)

    def ask(self, which: int, model: str | None, tried: frozenset[str], calls: int) -> object:
        chosen = [self._ask(which, Want(model, f"{call}", tried)) for call in range(calls)]
        return multiple(*((which, lease) for lease in chosen if lease is not None))

    @rule(which=st.integers(0, 1), kind=st.sampled_from(FailureClass), times=st.integers(1, 8))
    def calls_fail(self, which: int, kind: FailureClass, times: int) -> None:
        for _ in range(times):
            lease = self._ask(which, Want())
            if lease is not None:
                self._fail(which, lease, Failure(kind), 0.5)

    @rule(target=leases, which=st.integers(0, 1), long=st.booleans(), calls=st.integers(1, 4))
    def quota_runs_out_and_time_passes(self, which: int, long: bool, calls: int) -> object:
        lease = self._ask(which, Want())
        if lease is None:
            return multiple()
        self._fail(which, lease, Failure(F.LONG_QUOTA if long else F.SHORT_QUOTA), 0.5)
        self.now += 6 * 3600.0 + 1.0 if long else 301.0
        return self.ask(which, None, frozenset(), calls)

    @rule(
        target=leases, which=st.integers(0, 1), kind=st.sampled_from(sorted(FAULTS, key=str)), faults=st.integers(1, 5)
    )
    def account_fails(self, which: int, kind: FailureClass, faults: int) -> object:
        lease = self._ask(which, Want())
        others = frozenset(NAMES) - {lease.account_id} if lease is not None else frozenset()
        for _ in range(faults):
            if lease is not None:
                self._fail(which, lease, Failure(kind), 0.5)
                lease = self._ask(which, Want(tried=others))
        if lease is not None:
            self._fail(which, lease, Failure(kind), 0.5)
        return self.ask(which, None, frozenset(), 3)

    @rule(which=st.integers(0, 1), times=st.integers(1, 8))
    def calls_go_well(self, which: int, times: int) -> None:
        for _ in range(times):
            lease = self._ask(which, Want())
            if lease is not None:
                self._serve(which, lease)

    def _ask(self, which: int, want: Want) -> Lease | None:
        replica = self.replicas[which]
        before = {report.account_id: report for report in replica.pool.report(self.now)}
        healthy = self._healthy(replica, want.model, want.tried)
        choice = replica.pool.choose(want, self.now, 0.5)
        free = [name for name in healthy if before[name].in_flight < before[name].allowed]
        match choice:
            case Lease():
                self._check(replica, choice, before[choice.account_id], free, want.tried)
                self._begun(replica, choice)
                return choice
            case Busy():
                assert any(report.in_flight >= report.allowed for report in before.values())
                assert not free
            case Exhausted():
                assert choice.detail
                assert choice.retry_after is None or choice.retry_after >= 1.0
                assert choice.retry_after is not None or choice.reason in PERSONS
                assert not healthy
        return None

    @rule(held=leases)
    def begin_to_answer(self, held: tuple[int, Lease]) -> None:
        which, lease = held
        replica = self.replicas[which]
        self._note(replica.pool.heard(lease, self.now))
        self._proved(replica, lease)

    @rule(held=consumes(leases))
    def serve(self, held: tuple[int, Lease]) -> None:
        self._serve(*held)

    @rule(held=consumes(leases))
    def leave(self, held: tuple[int, Lease]) -> None:
        which, lease = held
        replica = self.replicas[which]
        assert replica.pool.settle(lease, Left(), self.now, 0.5) == ()
        assert replica.pool.settle(lease, Served(1.0), self.now, 0.5) == ()
        self._ended(replica, lease)

    @rule(
        held=consumes(leases),
        kind=st.sampled_from(FailureClass),
        retry_after=st.none() | st.sampled_from([0.0, 3.0, 3600.0]),
        random=st.floats(0.0, 1.0, exclude_max=True),
    )
    def fail(self, held: tuple[int, Lease], kind: FailureClass, retry_after: float | None, random: float) -> None:
        self._fail(*held, Failure(kind, retry_after=retry_after), random)

    @rule(seconds=st.sampled_from([0.1, 1.0, 5.0, 5.0, 11.0, 31.0, 61.0, 301.0, 3601.0, 22_000.0, 90_000.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(which=st.integers(0, 1))
    def news_arrive(self, which: int) -> None:
        replica = self.replicas[which]
        news, replica.seen = self.told[replica.seen :], len(self.told)
        replica.pool.adopt(news, self.now)
        for change in news:
            replica.talked_about.add(change.account_id)
            replica.of(change.account_id).spotless = False
            if change.scope == scopes.QUOTA:
                replica.of(change.account_id).told = True

    @rule(name=st.sampled_from(NAMES), which=st.integers(0, 1))
    def recover(self, name: str, which: int) -> None:
        replica = self.replicas[which]
        self._note(replica.pool.recover(name, self.now))
        if name in self.given:
            replica.talked_about.discard(name)
            replica.witnesses[name] = Witness(in_flight=replica.of(name).in_flight)

    @invariant()
    def counts_are_right(self) -> None:
        if not hasattr(self, "replicas"):
            return
        for replica in self.replicas:
            for report in replica.pool.report(self.now):
                witness = replica.of(report.account_id)
                assert report.in_flight == witness.in_flight
                assert 1 <= report.allowed <= report.limit
                assert report.successes + sum(report.errors.values()) == report.requests
                assert not (report.available and report.blacklisted)
                if witness.spotless:
                    assert report.breaker.phase is Phase.CLOSED
                    assert report.cool_down_until is report.quota_until is None

    def _check(
        self, replica: Replica, lease: Lease, before: MemberReport, free: list[str], tried: frozenset[str]
    ) -> None:
        witness, member = replica.of(lease.account_id), self.given[lease.account_id]
        assert lease.account_id not in tried
        assert lease.number > replica.latest
        assert member.standing is not Standing.DISABLED
        assert before.standing is Standing.READY
        assert member.models is None or lease.model is None or lease.model in member.models
        assert lease.model not in before.forbidden_models
        assert before.in_flight < before.allowed
        assert before.cool_down_until is None or before.cool_down_until <= self.now
        if before.quota_until is not None:
            assert lease.probe, "a quota that is used up is only probed"
            assert before.quota_probe_at is not None
            assert self.now >= before.quota_probe_at
        if witness.used_up is not None and not witness.told:
            assert lease.probe, "a quota that is used up is only probed"
            if witness.probing is not None and witness.probing[0] > witness.used_up:
                assert self.now - witness.probing[1] >= 600.0, "by one request at a time"
        recently = witness.faulty_since is not None and self.now - witness.faulty_since < 10.0
        if before.breaker.phase is Phase.OPEN or (recently and not lease.probe) or (lease.probe and tried):
            assert lease.account_id in free or not free, "a healthy account was passed over"

    def _serve(self, which: int, lease: Lease) -> None:
        replica = self.replicas[which]
        self._note(replica.pool.settle(lease, Served(1.0), self.now, 0.5))
        self._proved(replica, lease)
        replica.of(lease.account_id).faulty_since = None
        self._ended(replica, lease)

    def _fail(self, which: int, lease: Lease, failure: Failure, random: float) -> None:
        replica, kind = self.replicas[which], failure.kind
        self._note(replica.pool.settle(lease, Failed(failure), self.now, random))
        witness = replica.of(lease.account_id)
        if kind not in WELL:
            witness.spotless = False
        if kind in FAULTS:
            witness.faulty_since = self.now
        if kind in (F.SHORT_QUOTA, F.LONG_QUOTA) and (witness.used_up is None or lease.number > witness.used_up):
            witness.used_up = replica.latest
        self._ended(replica, lease)
        for report in replica.pool.endpoints(self.now):
            if report.breaker.phase is not Phase.CLOSED:  # then the faults were the endpoint's
                for each in replica.witnesses.values():
                    each.faulty_since = None

    def _begun(self, replica: Replica, lease: Lease) -> None:
        replica.latest = lease.number
        witness = replica.of(lease.account_id)
        witness.in_flight += 1
        if lease.probe:
            witness.probing = (lease.number, self.now)

    def _healthy(self, replica: Replica, model: str | None, tried: frozenset[str]) -> list[str]:
        """Accounts against which nothing has ever been said, at an endpoint that has always answered."""
        return [
            name
            for name, member in self.given.items()
            if name not in tried
            and replica.of(name).spotless
            and member.standing is Standing.READY
            and (member.models is None or model is None or model in member.models)
            and self._endpoint_is_well(replica, member.endpoint, model)
        ]

    def _endpoint_is_well(self, replica: Replica, name: str, model: str | None) -> bool:
        return all(
            each.breaker.phase is Phase.CLOSED
            and (model not in each.models or each.models[model].phase is Phase.CLOSED)
            for each in replica.pool.endpoints(self.now)
            if each.name == name
        )

    @rule()
    def stored_accounts_are_read(self) -> None:
        self._update()

    def _update(self) -> None:
        self.given = dict(self.store)
        for replica in self.replicas:
            replica.pool.update(list(self.store.values()), self.now)
            for name, witness in list(replica.witnesses.items()):
                if name not in self.store and not witness.in_flight:
                    del replica.witnesses[name]

    def _note(self, changes: Sequence[Change]) -> None:
        """What a pool has told is stored; the pools see the standing at the next update."""
        self.told += changes
        for change in changes:
            member = self.store.get(change.account_id)
            if change.scope == scopes.ACCOUNT and member is not None and member.standing is not Standing.DISABLED:
                self.store[member.id] = replace(member, standing=Standing(change.state))

    def _proved(self, replica: Replica, lease: Lease) -> None:
        witness = replica.of(lease.account_id)
        if witness.used_up is not None and lease.number > witness.used_up:
            witness.used_up = None

    def _ended(self, replica: Replica, lease: Lease) -> None:
        witness = replica.of(lease.account_id)
        witness.in_flight -= 1
        if witness.probing is not None and witness.probing[0] == lease.number:
            witness.probing = None
        if lease.account_id not in self.store and not witness.in_flight:
            del replica.witnesses[lease.account_id]


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
