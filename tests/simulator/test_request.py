import pytest

from cwproxy.simulator.request import Request, join_headers, split_region


@pytest.mark.parametrize(
    ("path", "split"),
    [
        ("/", (None, "/")),
        ("/token", (None, "/token")),
        ("/us-east-1", ("us-east-1", "/")),
        ("/eu-central-1/", ("eu-central-1", "/")),
        ("/ap-southeast-2/client/register", ("ap-southeast-2", "/client/register")),
        ("/us-gov-west-1/token", ("us-gov-west-1", "/token")),
        ("/us-east-1x/token", (None, "/us-east-1x/token")),
    ],
)
def test_the_first_segment_may_be_a_region(path: str, split: tuple[str | None, str]) -> None:
    assert split_region(path) == split


def test_headers_of_one_name_are_joined() -> None:
    assert join_headers([(b"A", b"1"), (b"b", b"2"), (b"a", b"3")]) == {"a": "1,3", "b": "2"}


def test_query_and_base_url() -> None:
    request = Request("GET", "/", "/", "a=1&empty=&arn=x%3Ay", {"host": "here:1"}, b"", None, "127.0.0.1", 2)
    assert request.query == {"a": "1", "empty": "", "arn": "x:y"}
    assert request.base_url == "http://here:1"
