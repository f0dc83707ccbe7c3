import pytest
from tests.support.spoken_corpus import LONG, OFFER, PARIS

from cwproxy.filters.notation import Written
from cwproxy.filters.spoken_calls import Call


@pytest.mark.parametrize(
    ("written", "call"),
    [
        (Written("get_weather", PARIS), Call("get_weather", PARIS)),
        (Written("get_weather", '"{\\"city\\": \\"Paris\\"}"'), Call("get_weather", PARIS)),
        (Written("short_for_long", "{}"), Call(LONG, "{}")),
        (Written("nobody", "{}"), None),
        (Written("get_weather", "{}"), None),
        (Written("now", "[]"), None),
        (Written("now", '"[]"'), None),
        (Written("broken", "{}"), None),
        (Written("endless", "{}"), None),
    ],
)
def test_only_what_is_right_for_the_tool_is_a_call(written: Written, call: Call | None) -> None:
    assert OFFER.call(written) == call
    assert OFFER.call(written) == call  # the second time, all is known of the schema
