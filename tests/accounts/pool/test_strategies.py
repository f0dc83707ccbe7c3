from collections import Counter

from cwproxy.accounts.pool.endpoints import Endpoint
from cwproxy.accounts.pool.members import Member
from cwproxy.accounts.pool.policy import Policy
from cwproxy.accounts.pool.states import MemberState
from cwproxy.accounts.pool.strategies import Rotation, most_left, nearest


def accounts(*members: Member) -> list[MemberState]:
    policy = Policy()
    return [MemberState(member, Endpoint("", policy), policy, turn=0.0) for member in members]


def names(chosen: list[MemberState]) -> str:
    return "".join(account.member.id for account in chosen)


def test_of_equal_turns_the_one_with_fewer_calls_is_next() -> None:
    first, second = accounts(Member("a", "A"), Member("b", "B"))
    first.load.begin(None)
    assert Rotation(Policy()).pick([first, second], None, first=True) is second


def test_a_weight_of_nothing_is_a_very_small_one() -> None:
    pair = accounts(Member("a", "A", weight=0.0), Member("b", "B"))
    rotation = Rotation(Policy())
    assert Counter(rotation.pick(pair, None, first=True).member.id for _ in range(500)) == {"a": 1, "b": 499}


def test_second_attempts_count_but_do_not_move_the_front() -> None:
    pair = accounts(Member("a", "A"), Member("b", "B"))
    rotation = Rotation(Policy())
    for _ in range(3):
        rotation.pick(pair[:1], None, first=False)
    assert rotation.front == 0.0
    assert names([rotation.pick(pair, None, first=True) for _ in range(4)]) == "bbba"


def test_unknown_quotas_share_with_the_best() -> None:
    trio = accounts(
        Member("a", "A", fraction_left=0.5), Member("b", "B", fraction_left=0.52), Member("c", "C", fraction_left=0.1)
    )
    assert names(most_left(trio, 0.05)) == "ab"
    assert names(most_left([*trio, *accounts(Member("d", "D"))], 0.05)) == "abd"
    assert names(most_left(accounts(Member("d", "D"), Member("e", "E")), 0.05)) == "de"
    assert names(most_left(accounts(Member("f", "F", fraction_left=0.0)), 0.05)) == "f"


def test_weights_count_for_conversations_too() -> None:
    pair = accounts(Member("a", "A", weight=3.0), Member("b", "B"))
    counts = Counter(nearest(pair, f"key:{number}").member.id for number in range(4000))
    assert 2800 < counts["a"] < 3200


def test_any_text_has_its_place() -> None:
    pair = accounts(Member("a", "A"), Member("b", "B"))
    assert nearest(pair, "\ud83d") is nearest(pair, "\ud83d")
