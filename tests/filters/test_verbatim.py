import pytest

from cwproxy.filters.verbatim import Verbatim


def shows(text: str) -> bool:
    """Of the line after `text`, the same however it comes."""
    whole, pieces = Verbatim(), Verbatim()
    whole.feed(text)
    for character in text:
        pieces.feed(character)
    assert whole.shows is pieces.shows
    return whole.shows


@pytest.mark.parametrize(
    "text",
    [
        "```\n",
        "```py\ncode\n",
        "~~~ `a`\n",
        "```\r\ncode\r\n",
        "  - ```\n",
        "````\n```\n",
        "```\n    ```\n",
        "`one\n",
        '"""\n',
        "'''a''' '''\n",
        "<pre>\n",
        "<b>x</b> <Code class='a'>\n<pre></pre>\n",
        "<pre></pre><pre>\n",
        "<!-- x --> <!--\n",
        "/* a\n",
        "cat <<EOF\nEOF2\n",
        "cat <<-'end'\n",
        "He said “\n",
        "f(\n",
        'x = "\n',
        '"\n\n',
        "Example:\n\n",
        "It looks like this:\n",
        "for example, so it goes:\n",
    ],
)
def test_shown(text: str) -> None:
    assert shows(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "plain\n",
        "```\n```\n",
        "```\n   ````  \n",
        "```a``` b\n",
        "`one` `two`\n",
        "`one\ntwo`\n",
        '"""doc"""\n',
        "'''\n'''\n",
        "<pre>a</pre>\n",
        "<PRE>\na</pre>\n",
        "<!-- a -->\n",
        "<!--\n-->\n",
        "/* a */\n",
        "/* a\nb */\n",
        "ls src/*\n",
        "cout << x;\n",
        "cat << EOF\n",
        "cat <<EOF\nEOF\n",
        "he said “so”\n",
        'he said "so"\n',
        "the dogs'\n",
        "Now I do it:\n",
        "an example is not needed\n",
    ],
)
def test_said(text: str) -> None:
    assert not shows(text)
