"""AWS's published example; botocore's signer is in tests/contract/test_sigv4.py."""

import calendar
import hashlib

import pytest

from cwproxy.simulator.envelope import Refused
from cwproxy.simulator.request import Request
from cwproxy.simulator.sigv4 import Credentials, signature, verify

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


EMPTY = hashlib.sha256(b"").hexdigest()


def signed(subject: Request, *, names: str = "host;x-amz-date", region: str = "us-east-1") -> Request:
    """The request with a good signature over those headers."""
    scope = {"date": "20150830", "region": region, "service": "service", "signed": names}
    value = signature(subject, scope, SECRET, payload_hash=EMPTY)
    subject.headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/{region}/service/aws4_request,"
        f"SignedHeaders={names},Signature={value}"
    )
    return subject


def test_a_good_signature_over_the_wrong_things() -> None:
    names = "host;x-amz-content-sha256;x-amz-date"
    assert check(signed(request(**{"x-amz-content-sha256": EMPTY}), names=names)) == "AKIDEXAMPLE"
    wrong_hash = signed(request(**{"x-amz-content-sha256": "0" * 64}), names=names)
    assert refusal(wrong_hash) == "InvalidSignatureException"
    assert refusal(signed(request(**{"x-amz-extra": "unsigned"}))) == "InvalidSignatureException"
    assert refusal(signed(request(**{"x-amz-date": "20150831T000000Z"}))) == "InvalidSignatureException"


def test_the_query_is_signed_in_its_canonical_order() -> None:
    host = dict(request().headers)
    one = Request("GET", "/", "/", "b=2&a=%7e&a=1&empty", host, b"", None, "127.0.0.1", 1)
    other = Request("GET", "/", "/", "a=1&a=~&b=2&empty=", signed(one).headers, b"", None, "127.0.0.1", 1)
    assert check(other) == "AKIDEXAMPLE"


def test_the_region_of_the_path_is_that_of_the_credential() -> None:
    here = Request("GET", "/", "/eu-central-1/", "", dict(request().headers), b"", "eu-central-1", "127.0.0.1", 1)
    assert check(signed(here, region="eu-central-1")) == "AKIDEXAMPLE"
    assert refusal(signed(here, region="us-east-1")) == "InvalidSignatureException"


def test_keys_that_are_unknown_or_come_without_their_session() -> None:
    for known in ({}, {"AKIDEXAMPLE": Credentials(SECRET, "session")}):
        with pytest.raises(Refused) as refused:
            verify(request(), service="service", now=NOW, credentials=known.get)
        assert refused.value.error.error == "UnrecognizedClientException"
