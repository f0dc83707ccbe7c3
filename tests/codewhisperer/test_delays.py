import pytest

from cwproxy.codewhisperer.delays import retry_after


@pytest.mark.parametrize(
    ("headers", "milliseconds", "seconds"),
    [
        ({}, None, None),
        ({"Retry-After": "5"}, None, 5.0),
        ({"retry-after": "0.25"}, None, 0.25),
        ({"retry-after": "Sat, 21 Nov 2026 12:00:00 GMT"}, None, None),
        ({"retry-after": "Sat, 21 Nov 2026 12:00:09 GMT", "Date": "Sat, 21 Nov 2026 12:00:00 GMT"}, None, 9.0),
        ({"retry-after": "Sat, 21 Nov 2026 12:00:00 GMT", "Date": "Sat, 21 Nov 2026 12:00:09 GMT"}, None, 0.0),
        ({"retry-after": "Sat, 21 Nov 2027 12:00:00 GMT", "Date": "Sat, 21 Nov 2026 12:00:00 GMT"}, None, 3600.0),
        ({"retry-after": "Sat, 21 Nov 2026 12:00:00 -0000", "Date": "Sat, 21 Nov 2026 12:00:00 GMT"}, None, None),
        ({"retry-after": "-1"}, None, None),
        ({"retry-after": "soon"}, 1500, 1.5),
        ({"retry-after": "nan"}, None, None),
        ({"retry-after": "1000000000"}, None, 3600.0),
        ({"retry-after-ms": "250", "retry-after": "1"}, None, 0.25),
        ({"x-amz-retry-after": "2000"}, None, 2.0),
        ({}, 300_000, 300.0),
        ({}, "300000", 300.0),
        ({}, [1], None),
        ({}, 10**400, None),
    ],
)
def test_the_wait_that_is_asked_for(headers: dict[str, str], milliseconds: object, seconds: float | None) -> None:
    lowered = {name.lower(): value for name, value in headers.items()}
    assert retry_after(lowered, {"retryAfterMilliseconds": milliseconds}) == seconds
