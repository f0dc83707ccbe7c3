import pytest
from tests.support.chat_requests import CURRENT, PROFILES, Breach, Profile

from cwproxy.simulator.rules import Refusal
from cwproxy.simulator.rules.verdict import INTERNAL_VALIDATION


@pytest.mark.parametrize("profile", PROFILES)
def test_the_second_validator_may_word_the_generic_fault(profile: Profile) -> None:
    refusal = Breach(1, {f"{CURRENT}.content": ""}).judge(profile, frozenset({15}))
    assert isinstance(refusal, Refusal)
    assert (refusal.rule, refusal.status, refusal.message, refusal.reason) == (1, 400, INTERNAL_VALIDATION, None)
