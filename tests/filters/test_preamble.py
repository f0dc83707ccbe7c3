import pytest

from cwproxy.filters.preamble import MAX_PROSE, Preamble


def permits(text: str) -> bool:
    """A call after `text`, the same however it comes."""
    whole, pieces = Preamble(), Preamble()
    whole.feed(text)
    for character in text:
        pieces.feed(character)
    assert whole.permits is pieces.permits
    return whole.permits


@pytest.mark.parametrize(
    "text",
    [
        "Example:\n",
        "Is it so?\n",
        "It is (so?)\n",
        "It is so...\n",
        "It is so…\n\n",
        "He said 'so.\n",
        "x = '''so.\n",
        "See <!-- so.\n",
        "See /* so.\n",
        "no end\n",
        "a, b;\n",
        "a: b.\n",
        "**So:** b.\n",
        "So：b。\n",
        "# A heading.\n",
        "- An item.\n",
        "12. An item.\n",
        "b. An item.\n",
        "> Quoted.\n",
        "| A row. |\n",
        "    Code.\n",
        "\tCode.\n",
        '"Quoted."\n',
        'He said "so.\n',
        "He said “so.\n",
        "He said ‘so.\n",
        "Er sagte „so.\n",
        "A `b.\n",
        "A (b.\n",
        "A <b>c.\n",
        "A </b>c.\n",
        "```\n",
        "```py\ncode\n",
        "~~~ `a`\n",
        "```\r\ncode\r\n",
        "````\n```\n",
        "```\n    ```\n",
        "``` `a` ```\n",
        "<thinking>\nSo.\n",
        "<thinking>So.</thinking> Now:\n",
        "<think>So.</thinking>\n",
        "Bad:\n\nGood.\n",
        "A. " * (MAX_PROSE // 3 + 1) + "\n",
    ],
)
def test_shown(text: str) -> None:
    assert not permits(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "  \n",
        "Plain.\n",
        "Is it so? It is.\n",
        "Is it so?\nIt is.\n",
        "rock 'n' roll, it's 'so', the dogs' and 5'6.\n",
        "See <!-- a --> and /* b */.\n",
        "   Plain.  \r\n\r\n",
        "It's 12:30, see http://a.b/c (or `d`).\n",
        "He said “so”, “so” and 'so'; the dogs' too!\n",
        'He said "so" to a <b>c</b><br/>.\n',
        "Well then. *(Really!)*\n",
        "なるほど。\n",
        "```\ncode:\n```\n",
        "```\n   ````  \n",
        "~~~ `a`\n~~~\n",
        "<thinking>\nSo:\n</thinking>\n",
        "<think>So:</think> So.\n",
        "<thinking>```\n</thinking>\n",
    ],
)
def test_said(text: str) -> None:
    assert permits(text)


def test_what_is_spoilt_stays_so() -> None:
    preamble = Preamble()
    preamble.spoil()
    preamble.feed("Plain.\n")
    assert not preamble.permits
