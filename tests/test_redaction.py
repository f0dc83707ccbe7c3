import pytest

from cwproxy.redaction import redacted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer aoaAAAAAabc.def/g", "Authorization: [redacted]"),
        ('{"authorization": "bearer abcdefgh", "x": 1}', '{"authorization": "[redacted]", "x": 1}'),
        ("token aoaAAAAA-0123456789_x and aorAAAAA:0123456789", "token [redacted] and [redacted]"),
        ("key ksk_0123456789 and cwp_0123456789", "key [redacted] and [redacted]"),
        ("jwt eyJhbGciOiJIUzI1.eyJzdWIi.sig-nature", "jwt [redacted]"),
        ("jwe eyJhbGciOiJIUzI1.aaaa.bbbb.cccc.dddd and on", "jwe [redacted] and on"),
        ("sk-proj-0123456789, ghp_0123456789", "[redacted], [redacted]"),
        ("AKIAIOSFODNN7EXAMPLE", "[redacted]"),
        ("X-Amz-Security-Token: IQoJb3JpZ2lu", "[redacted]"),
        ("-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\n", "[redacted]\n"),
        ("-----BEGIN PRIVATE KEY-----\nabc", "[redacted]"),
        (
            "The bearer token included in the request is invalid.",
            "The bearer token included in the request is invalid.",
        ),
        ("Not offered in ASIA-PACIFIC-NORTHEAST", "Not offered in ASIA-PACIFIC-NORTHEAST"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_what_looks_like_a_secret_is_blanked(text: str, shown: str) -> None:
    assert redacted(text) == shown
