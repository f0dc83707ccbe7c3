"""AWS's JavaScript codec and ours write the same bytes and read the same frames."""

import json
import random
from pathlib import Path
from typing import TypedDict, assert_never
from uuid import UUID

import pytest
from tests.support.frames import CASES
from tests.support.node import run_node

from cwproxy.eventstream import Decoder, Frame, HeaderValue, Int8, Int16, Int32, Int64, Timestamp, Uuid, encode

pytestmark = pytest.mark.contract

SCRIPT = Path(__file__).with_name("node") / "eventstream_codec.cjs"

# No digits in names: JavaScript moves keys that look like numbers to the front of an object.
NAME_LETTERS = ":-abcxyzÄß€😀"
TEXT_LETTERS = NAME_LETTERS + '\x00\n"\\\u2028\ufeff0123'
DATE_LIMIT = 8_640_000_000_000_000  # milliseconds; a JavaScript Date goes no further


class CodecAnswer(TypedDict):
    """What the script says about one frame."""

    encoded: str
    headers: list[list[str | int | bool]]
    payload: str


def described(name: str, value: HeaderValue) -> list[str | int | bool]:
    """A header as the script has it: its name, the codec's word for its type, its value."""
    match value:
        case bool():
            return [name, "boolean", value]
        case Int8():
            return [name, "byte", value.value]
        case Int16():
            return [name, "short", value.value]
        case Int32():
            return [name, "integer", value.value]
        case Int64():
            return [name, "long", value.value.to_bytes(8, "big", signed=True).hex()]
        case bytes():
            return [name, "binary", value.hex()]
        case str():
            return [name, "string", value]
        case Timestamp():
            return [name, "timestamp", value.milliseconds]
        case Uuid():
            return [name, "uuid", str(UUID(bytes=value.octets))]
        case _:
            assert_never(value)


def random_value(rng: random.Random) -> HeaderValue:
    makers = (
        lambda: rng.random() < 0.5,
        lambda: Int8(rng.randint(-(2**7), 2**7 - 1)),
        lambda: Int16(rng.randint(-(2**15), 2**15 - 1)),
        lambda: Int32(rng.randint(-(2**31), 2**31 - 1)),
        lambda: Int64(rng.randint(-(2**63), 2**63 - 1)),
        lambda: rng.randbytes(rng.choice([0, 1, 40, 32_767])),
        lambda: "".join(rng.choices(TEXT_LETTERS, k=rng.choice([0, 1, 40, 8_000]))),
        lambda: Timestamp(rng.randint(-DATE_LIMIT, DATE_LIMIT)),
        lambda: Uuid(rng.randbytes(16)),
    )
    return rng.choice(makers)()


def random_frame(rng: random.Random) -> Frame:
    names = ("".join(rng.choices(NAME_LETTERS, k=rng.choice([1, 8, 60]))) for _ in range(rng.randint(0, 6)))
    return Frame({name: random_value(rng) for name in names}, rng.randbytes(rng.choice([0, 1, 100, 3_000])))


def ask_codec(node_project: Path, sent: list[Frame]) -> list[CodecAnswer]:
    questions = [
        {
            "headers": [described(*header) for header in frame.headers.items()],
            "payload": frame.payload.hex(),
            "frame": encode(frame.headers, frame.payload).hex(),
        }
        for frame in sent
    ]
    run = run_node(SCRIPT, project=node_project, stdin=json.dumps(questions).encode())
    assert run.returncode == 0, run.stderr.decode()
    answers: list[CodecAnswer] = json.loads(run.stdout)
    return answers


def test_both_directions(node_project: Path) -> None:
    rng = random.Random("event stream")
    sent = [case.frame for case in CASES] + [random_frame(rng) for _ in range(300)]
    kinds = {type(value) for frame in sent for value in frame.headers.values()}
    assert kinds == {bool, Int8, Int16, Int32, Int64, bytes, str, Timestamp, Uuid}
    answers = ask_codec(node_project, sent)
    for frame, answer in zip(sent, answers, strict=True):
        assert list(Decoder().feed(bytes.fromhex(answer["encoded"]))) == [frame]
        assert answer["encoded"] == encode(frame.headers, frame.payload).hex()
        assert answer["headers"] == [described(*header) for header in frame.headers.items()]
        assert answer["payload"] == frame.payload.hex()
