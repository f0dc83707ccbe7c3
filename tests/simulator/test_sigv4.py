"""AWS's published example; botocore's signer is in tests/contract/test_sigv4.py."""

import calendar

import pytest

from cwproxy.simulator.envelope import Refused
from cwproxy.simulator.request import Request
from cwproxy.simulator.sigv4 import Credentials, verify

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
NOW = float(calendar.timegm((2015, 8, 30, 12, 36, 0)))


def request(**changes: str) -> Request:
    """The `get-vanilla` case of AWS's Signature Version 4 test suite."""
    headers = {
        "host": "example.amazonaws.com",
        "x-amz-date": "20150830T123600Z",
        "authorization": (
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
            "SignedHeaders=host;x-amz-date, "
            "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        ),
    }
    return Request("GET", "/", "/", "", {**headers, **changes}, b"", None, "127.0.0.1", 1)


def check(subject: Request, *, service: str = "service", now: float = NOW) -> str:
    known = {"AKIDEXAMPLE": Credentials(SECRET, None)}
    return verify(subject, service=service, now=now, credentials=known.get)


def refusal(subject: Request, *, service: str = "service", now: float = NOW) -> str:
    with pytest.raises(Refused) as refused:
        check(subject, service=service, now=now)
    return refused.value.error.error


def test_the_example_of_the_specification() -> None:
    assert check(request()) == "AKIDEXAMPLE"


def test_its_faults() -> None:
    authorization = request().headers["authorization"]
    assert refusal(request(authorization="")) == "IncompleteSignatureException"
    assert refusal(request(**{"x-amz-date": ""})) == "IncompleteSignatureException"
    assert refusal(request(host="other.amazonaws.com")) == "InvalidSignatureException"
    unsorted = authorization.replace("host;x-amz-date", "x-amz-date;host")
    assert refusal(request(authorization=unsorted)) == "InvalidSignatureException"
    without_host = authorization.replace("host;x-amz-date", "x-amz-date")
    assert refusal(request(authorization=without_host)) == "InvalidSignatureException"
    with_absent = authorization.replace("host;x-amz-date", "absent;host;x-amz-date")
    assert refusal(request(authorization=with_absent)) == "InvalidSignatureException"
    assert refusal(request(), service="q") == "InvalidSignatureException"


def test_the_clock_may_be_five_minutes_off_either_way() -> None:
    assert check(request(), now=NOW + 299) == check(request(), now=NOW - 299)
    assert refusal(request(), now=NOW + 301) == refusal(request(), now=NOW - 301) == "InvalidSignatureException"


def test_a_missing_signature() -> None:
    unsigned = Request("GET", "/", "/", "", {"host": "x"}, b"", None, "127.0.0.1", 1)
    assert refusal(unsigned) == "MissingAuthenticationTokenException"
