import time

import pytest

from cwproxy.codewhisperer.tokens import IMAGE_TOKENS, estimate, estimate_conversation
from cwproxy.conversation import (
    AssistantTurn,
    Conversation,
    Document,
    Image,
    JsonAnswer,
    Reasoning,
    RedactedReasoning,
    RemoteImage,
    SystemTurn,
    Text,
    Tool,
    ToolResult,
    ToolUse,
    UserPart,
    UserTurn,
)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("", 0, 0),
        ("a", 1, 1),
        (" ", 1, 1),
        ("The quick brown fox jumps over the lazy dog. " * 10, 90, 115),
        ('{"path":"/tmp/a.txt","lines":[1,2,3]}', 14, 24),
        ("2026-11-21T12:00:00Z 200 37ms", 14, 24),
        ("今天天气很好，我们去公园吧。", 9, 18),
        ("Съешь же ещё этих мягких французских булок", 10, 26),
        ("🎉🎉🎉🎉", 4, 12),
        ("\ud800", 1, 1),
    ],
)
def test_an_estimate_is_of_the_right_size(text: str, low: int, high: int) -> None:
    assert low <= estimate(text) <= high


def test_json_weighs_more_than_prose_of_the_same_length() -> None:
    document, prose = '{"a":[1,{"b":2}]}' * 10, "some plain words " * 10
    assert len(document) == len(prose)
    assert estimate(document) > estimate(prose)


def test_documents_and_pictures_that_are_elsewhere_count() -> None:
    def tokens(*parts: UserPart) -> int:
        return estimate_conversation(Conversation("m", (UserTurn(parts),)))

    link = RemoteImage("https://example.com/cat.png", "p")
    assert tokens(link) == tokens(Image("png", "aGk="))
    book, text = Document("pdf", "a", "A" * 40_000), Document("txt", "a", "A" * 40_000)
    assert 1_000 < tokens(book) < 3_000 < tokens(text) < 8_000


def test_a_megabyte_is_estimated_in_linear_time() -> None:
    assert _seconds(100_000) < 40 * _seconds(10_000)


def _seconds(sentences: int) -> float:
    """Of this thread's own work, at best."""
    text, took = "Grüße, Welt! " * sentences, list[float]()
    for _ in range(5):
        began = time.thread_time()
        estimate(text)
        took.append(time.thread_time() - began)
    return min(took)


def test_everything_in_a_conversation_counts() -> None:
    turns = (
        SystemTurn("Be brief."),
        UserTurn((Text("Look"), Image("png", "aGk="))),
        AssistantTurn((Text("ok"), ToolUse("t", "read", '{"path":"x"}'))),
        UserTurn((ToolResult("t", (Text("data"), Image("png", "aGk="))),)),
    )
    tool = Tool("read", "Reads a file.", b'{"type":"object"}')
    bare = Conversation("m", turns)
    full = Conversation("m", turns, tools=(tool,), answer=JsonAnswer(b'{"type":"object"}'))
    assert estimate_conversation(bare) > 2 * IMAGE_TOKENS
    assert estimate_conversation(full) > estimate_conversation(bare)
    assert estimate_conversation(Conversation("m", turns, answer=JsonAnswer())) == estimate_conversation(bare)


def test_no_conversation_costs_nothing() -> None:
    assert estimate_conversation(Conversation("m", ())) == 1


def test_earlier_thoughts_are_not_counted() -> None:
    said = (Text("Well."),)
    thought = (Reasoning("hm " * 100, "c2ln"), RedactedReasoning("AAAA"), *said)
    assert estimate_conversation(Conversation("m", (AssistantTurn(thought),))) == estimate_conversation(
        Conversation("m", (AssistantTurn(said),))
    )
