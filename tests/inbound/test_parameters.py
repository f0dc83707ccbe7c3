"""What a table says happens, whatever the dialect; the dialects' own tables are tested beside them."""

from typing import Annotated, Literal

import msgspec
import pytest
from msgspec import Meta

from cwproxy.errors import InvalidRequest
from cwproxy.inbound.parameters import Effects, Kind, Parameter, accepted, effects, markdown


class Asked(msgspec.Struct):
    plain: str | None = None
    tuned: Annotated[float, Meta(ge=0, le=1)] | None = None
    counted: Annotated[int, Meta(ge=1)] | None = None
    listed: Annotated[list[str], Meta(max_length=2)] | None = None
    chosen: list[Literal["a", "b"]] | None = None
    nested: msgspec.Raw = msgspec.Raw()
    object: dict[str, int] | None = None
    quiet: bool | None = None


TABLE = (
    Parameter("plain", Kind.HONOURED, "As it is."),
    Parameter("tuned", Kind.IGNORED, "No such setting."),
    Parameter("counted", Kind.EMULATED, "By us.", lambda value: value != 1),
    Parameter("chosen", Kind.REFUSED, "Not `b`.", lambda value: isinstance(value, list) and "b" in value),
    Parameter("quiet", Kind.IGNORED, "Nothing to see.", told=False),
)


@pytest.mark.parametrize(
    ("request_of", "expected"),
    [
        (Asked(), Effects()),
        (Asked(plain="x", quiet=True, chosen=["a"]), Effects()),
        (Asked(tuned=0.5, counted=1), Effects(("tuned",))),
        (Asked(counted=2), Effects((), ("counted",))),
    ],
)
def test_effects(request_of: Asked, expected: Effects) -> None:
    assert effects(request_of, TABLE) == expected


def test_what_is_refused_says_why() -> None:
    with pytest.raises(InvalidRequest) as caught:
        effects(Asked(chosen=["b"]), TABLE)
    assert (caught.value.param, caught.value.code) == ("chosen", "unsupported_value")
    assert caught.value.message == "`chosen` cannot be served. Not `b`."


def test_what_is_accepted_in_words() -> None:
    assert accepted(Asked) == {
        "plain": "string",
        "tuned": "number from 0 to 1",
        "counted": "integer from 1",
        "listed": "list of up to 2",
        "chosen": "list of `a`, `b`",
        "nested": "object",
        "object": "object",
        "quiet": "true or false",
    }


def test_the_table_for_people() -> None:
    assert markdown(Asked, TABLE[:1]).splitlines()[-1] == "| `plain` | string | honoured | As it is. |"
