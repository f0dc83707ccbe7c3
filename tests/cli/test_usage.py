"""`cwproxy usage`: tables and JSON of the ledger."""

import json
import time
from pathlib import Path

import pytest
from tests.cli.conftest import Cli
from tests.support.records import a_record, an_account

from cwproxy.store import Store
from cwproxy.store.keys import Keys, new_key
from cwproxy.store.ledger import Ledger


@pytest.fixture
def used(home: Path) -> str:
    """The id of a key with two answers of one account and one failure of another."""
    now = time.time()
    with Store.open(home / "data") as store:
        store.add(an_account("one", label="mine [bold]"))
        key, _ = new_key("laptop", now=now)
        Keys(store.database).add(key)
        mine = {"key_id": key.id, "at": now - 5}
        Ledger(store.database).write(
            [
                a_record(**mine, credits=0.25, input_tokens=1200),
                a_record(**mine, credits=0.5, seconds=4.0),
                a_record(**mine, account_id="gone", outcome="failed", failure_class="throttled"),
                a_record(**(mine | {"at": now - 50 * 86_400})),
            ]
        )
    return key.id


def test_everything_in_one_line(cli: Cli, used: str) -> None:
    done = cli("usage", "--since", "7d")
    assert done.code == 0
    heading, line = done.out.splitlines()
    assert heading.split()[:4] == ["requests", "served", "failed", "left"]
    assert line.split() == [
        "3",
        "2",
        "1",
        "0",
        "66.7%",
        "3.00",
        "2.00",
        "4.00",
        "0.50",
        "1,200",
        "0",
        "0.75",
        "throttled",
        "1",
    ]
    assert done.err.startswith("from 20")


def test_split_by_what_is_asked_with_the_names_that_people_know(cli: Cli, used: str) -> None:
    done = cli("usage", "--since", "7d", "--by", "account", "--by", "key")
    lines = done.out.splitlines()[1:]
    assert [line.startswith(name) for line, name in zip(lines, ["mine [bold]", "gone"], strict=True)] == [True, True]
    assert all("laptop" in line for line in lines)


def test_by_day(cli: Cli, used: str) -> None:
    lines = cli("usage", "--since", "9w", "--by", "day").out.splitlines()[1:]
    assert [line.split()[1] for line in lines] == ["1", "3"]


def test_as_json(cli: Cli, used: str) -> None:
    answer = json.loads(cli("usage", "--since", "7d", "--by", "key", "--json").out)
    assert set(answer) == {"since", "until", "groups"}
    (group,) = answer["groups"]
    assert (group["key"], group["requests"], group["credits"]) == (used, 3, 0.75)
    assert group["failures"] == {"throttled": 1}
    assert "day" not in group


def test_nothing_yet(cli: Cli) -> None:
    assert cli("usage").out.splitlines()[1].split()[:5] == ["0", "0", "0", "0", "-"]
    assert json.loads(cli("usage", "--json", "--by", "model").out)["groups"] == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [(("--since", "soon"), "--since: The period"), (("--by", "colour"), "--by takes account")],
)
def test_a_wrong_argument_is_one_sentence(arguments: tuple[str, ...], sentence: str, cli: Cli) -> None:
    done = cli("usage", *arguments)
    assert (done.code, done.out) == (2, "")
    assert sentence in done.err
