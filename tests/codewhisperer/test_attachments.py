"""The backend's limits on pictures and documents: what is new is refused, what is old gives way."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwproxy.codewhisperer.attachments import (
    FEW_IMAGES,
    MAX_ATTACHMENTS,
    MAX_IMAGE_LENGTH,
    MAX_NAME_LENGTH,
    MAX_SIDE,
    Attachments,
)
from cwproxy.conversation import Document, Image, Text, ToolResult, UserPart
from cwproxy.errors import InvalidRequest

SMALL = Image("png", "AAAA", (100, 50))
WIDE = Image("png", "BBBB", (100, MAX_SIDE + 1))
HEAVY = Image("png", "C" * (MAX_IMAGE_LENGTH + 4))
REPORT = Document("pdf", "report.pdf", "DDDD")


def travelling(*groups: Sequence[UserPart], text_only: bool = False) -> list[str]:
    """For each group a letter per picture or document; a dot for one that stays behind."""
    attachments = Attachments(groups, text_only=text_only)
    shown = []
    for position, parts in zip([*range(len(groups) - 1), -1], groups, strict=True):
        letters = ""
        for part in parts:
            if isinstance(part, Image):
                image = attachments.picture(part, position)
                letters += image.source.bytes[0] if image else "."
            elif isinstance(part, Document):
                document = attachments.document(part, position)
                letters += document.source.bytes[0] if document else "."
        shown.append(letters)
    return shown


def test_what_fits_travels() -> None:
    assert travelling([SMALL, Text("x")], [], [WIDE, REPORT]) == ["A", "", "BD"]
    assert travelling([SMALL] * 50, [SMALL] * 49 + [REPORT]) == ["A" * 50, "A" * 49 + "D"]


def test_the_oldest_give_way_to_a_hundred() -> None:
    assert travelling([REPORT, SMALL], [SMALL, SMALL], [SMALL] * 98) == ["..", "AA", "A" * 98]
    assert travelling([SMALL, SMALL], [REPORT] * 99) == [".A", "D" * 99]
    assert travelling([REPORT, SMALL, REPORT], [SMALL] * 98) == [".AD", "A" * 98]


def test_a_wide_one_among_them_leaves_room_for_twenty() -> None:
    assert travelling([SMALL, WIDE, SMALL], [SMALL] * 18) == [".BA", "A" * 18]
    assert travelling([WIDE], [SMALL] * 20) == [".", "A" * 20]
    assert travelling([SMALL], [WIDE], [SMALL] * 20) == ["A", ".", "A" * 20]
    assert travelling([SMALL], [WIDE] * 20) == [".", "B" * 20]
    assert travelling([REPORT] * 3, [WIDE] * 20) == ["DDD", "B" * 20]


def test_an_old_heavy_one_stays_behind_and_does_not_count() -> None:
    assert travelling([HEAVY, SMALL], [SMALL] * 99) == [".A", "A" * 99]


def test_a_model_for_text_sees_nothing_earlier_and_is_shown_nothing_new() -> None:
    assert travelling([SMALL, REPORT], [Text("x")], text_only=True) == ["..", ""]
    for sent, kind in ((SMALL, "images"), (REPORT, "documents")):
        with pytest.raises(InvalidRequest, match=f"no {kind}") as raised:
            travelling([sent], text_only=True)
        assert raised.value.code == "model_takes_text_only"


def test_pictures_in_results_count() -> None:
    result = ToolResult("t", (Text("x"), *[SMALL] * MAX_ATTACHMENTS))
    with pytest.raises(InvalidRequest):
        Attachments([[result, SMALL]])


@pytest.mark.parametrize(
    ("parts", "code", "words"),
    [
        ([SMALL] * 100 + [REPORT], "too_many_images", "101 images and documents; the backend takes at most 100"),
        ([REPORT] * 101, "too_many_images", "101 images and documents"),
        ([SMALL] * 20 + [WIDE], "too_many_images", "21 images, one of them of 100 x 2001 pixels; with more than 20"),
        ([HEAVY], "image_too_large", "5242884 bytes of base64; the backend takes at most 5242880 (5 MiB)"),
    ],
)
def test_what_is_new_and_breaks_a_rule_is_refused_with_the_rule(parts: list[UserPart], code: str, words: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        travelling([], parts)
    assert caught.value.code == code
    assert words in caught.value.message


@given(st.lists(st.lists(st.sampled_from([SMALL, WIDE, REPORT, HEAVY]), max_size=40), max_size=6))
def test_whatever_the_history_holds_what_travels_is_legal(history: list[list[UserPart]]) -> None:
    sent = "".join(travelling(*history, [SMALL]))
    assert sent.endswith("A")
    counts = {letter: sent.count(letter) for letter in "ABD"}
    assert sum(counts.values()) <= MAX_ATTACHMENTS
    assert not counts["B"] or counts["A"] + counts["B"] <= FEW_IMAGES


@pytest.mark.parametrize(
    ("client", "sent"),
    [
        ("report.pdf", "report"),
        ("", "document"),
        ("/tmp/a b.txt", "a b"),
        ("C:\\Users\\Ann\\Q3 plan.xlsx", "Q3 plan"),
        ("v1.2 notes", "v1-2 notes"),
        ("größe   (1).md", "gr-e (1)"),
        ("日本.pdf", "document"),
        ("x" * 300, "x" * MAX_NAME_LENGTH),
    ],
)
def test_names_are_made_legal(client: str, sent: str) -> None:
    block = Attachments([[Document("pdf", client, "")]]).document(Document("pdf", client, ""), -1)
    assert block is not None
    assert block.name == sent


def test_names_are_made_different() -> None:
    same = [Document("pdf", name, "") for name in ("a.pdf", "A.txt", "a (2).pdf", "y" * 250, "y" * 250)]
    attachments = Attachments([same])
    names = [block.name for part in same if (block := attachments.document(part, -1)) is not None]
    assert names == ["a", "A (2)", "a (2) (2)", "y" * 200, "y" * 196 + " (2)"]
