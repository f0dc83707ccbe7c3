import pytest

from cwproxy.codewhisperer import jsontext


@pytest.mark.parametrize(
    ("document", "value"),
    [
        ('{"a": [1, 2.5, null, true]}', {"a": [1, 2.5, None, True]}),
        (b'"plain"', "plain"),
        ('"\\ud83d\\ude00"', "\U0001f600"),
        ('"\\ud83d"', "\ufffd"),
        ('"\\udE00 x"', "\ufffd x"),
        ('"\\\\ud83d"', "\\ud83d"),
        ('"\\n\\ud83d\\n"', "\n\ufffd\n"),
        ('"\ud800"', "\ufffd"),
        ('"\ud83d\ude00"', "\U0001f600"),
        (b'"a\xc3"', "a\ufffd"),
        ("123456789012345678901234567890", 123456789012345678901234567890),
    ],
)
def test_damaged_text_is_replaced_and_the_rest_is_kept(document: str | bytes, value: object) -> None:
    assert jsontext.parse(document) == value


@pytest.mark.parametrize(
    "document",
    ["", "{", "{} {}", "NaN", "-Infinity", "1e999", '"\n"', "9" * 5_000, "[" * 100_000, '"\\ud83d', "\\"],
)
def test_what_is_not_json_is_a_value_error(document: str) -> None:
    with pytest.raises(ValueError):
        jsontext.parse(document)


def test_deep_nesting_is_a_value_error_also_beside_a_lone_surrogate() -> None:
    with pytest.raises(ValueError, match="nested"):
        jsontext.parse('["\\ud83d",' + "[" * 100_000)


def test_without_surrogates_joins_pairs_and_replaces_the_rest() -> None:
    assert jsontext.without_surrogates("a\ud83d\ude00b\ud83d") == "a\U0001f600b\ufffd"


def test_a_depth_may_be_demanded() -> None:
    assert jsontext.parse('{"a": [[]], "b": [{}, {}, {}, {}]}', max_depth=3) == {"a": [[]], "b": [{}] * 4}
    assert jsontext.parse(b"[1, 2]", max_depth=1) == [1, 2]
    for document in ('{"a": [[1]]}', b"[[[]], 0]"):
        with pytest.raises(ValueError, match="nested"):
            jsontext.parse(document, max_depth=2)
