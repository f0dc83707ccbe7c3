import pytest
from tests.support.chat_requests import (
    ANSWER,
    CALL,
    CURRENT,
    PROFILES,
    QUESTION,
    RESULT,
    STATE,
    SYSTEM,
    Breach,
    Profile,
    assert_accepted,
    assert_refused,
    assistant,
    image,
    tool_result,
    tool_use,
    user,
)

BREACHES = [
    Breach(1, {f"{CURRENT}.content": ""}),
    Breach(1, {f"{SYSTEM}.content": ""}),
    Breach(2, {f"{CURRENT}.content": "", f"{CURRENT}.images": [image()]}),
    Breach(2, {f"{QUESTION}.content": ""}),
    Breach(4, {f"{ANSWER}.content": ""}),
    Breach(5, {f"{CALL}.content": ""}, status=422),
    Breach(6, {f"{STATE}.history": [user("one"), user("two"), assistant("three")]}),
    Breach(6, {f"{STATE}.history": [user("one")]}),
    Breach(7, {f"{STATE}.history": [user("one"), assistant("two"), assistant("three")]}),
    Breach(8, {f"{STATE}.history": [assistant("one")]}),
    Breach(
        9,
        {
            f"{STATE}.history": [
                user("one", userInputMessageContext={"toolResults": [tool_result()]}),
                assistant("two"),
            ]
        },
    ),
    Breach(11, {f"{STATE}.history": [user("u"), assistant("a")] * 5_001}),
    Breach(
        12,
        {f"{RESULT}.userInputMessageContext.toolResults.0.content": [{"text": "x" * 500_000}] * 2},
        context={"window_tokens": 1_000_000},
    ),
    Breach(
        12,
        {f"{RESULT}.userInputMessageContext.toolResults.0.content": [{"json": {"rows": ["x" * 70] * 11_000}}]},
        context={"window_tokens": 1_000_000},
    ),
    Breach(
        12,
        {
            f"{RESULT}.userInputMessageContext.toolResults.0.content": [
                {"text": "x" * 500_000},
                {"json": "é" * 300_000},
            ]
        },
        context={"window_tokens": 1_000_000},
    ),
    Breach(23, {f"{ANSWER}.toolUses": []}),
]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("breach", BREACHES, ids=lambda breach: f"rule {breach.rule}")
def test_a_breach_is_refused(breach: Breach, profile: Profile) -> None:
    assert_refused(breach, profile)


def test_a_first_turn_has_no_history() -> None:
    assert_accepted({f"{STATE}.history": []})


@pytest.mark.parametrize("junk", ["zz", 1, [0], {"toolResults": "zz"}, {"toolResults": [{"toolUseId": 1}]}])
def test_members_of_the_other_kind_of_turn_are_ignored(junk: object) -> None:
    mine = ("userInputMessageContext", "images", "documents", "modelId")
    assert_accepted({f"{CALL}.{name}": junk for name in mine})
    assert_accepted({f"{QUESTION}.{name}": junk for name in ("toolUses", "reasoningContent")})


def test_tool_results_carry_a_turn_without_text() -> None:
    history = [user("one"), assistant("", toolUses=[tool_use()])]
    context = f"{CURRENT}.userInputMessageContext.toolResults"
    assert_accepted({f"{STATE}.history": history, f"{CURRENT}.content": "", context: [tool_result()]})
