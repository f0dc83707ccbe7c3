import pickle

import pytest
from tests.support.records import a_registration, a_token

from cwproxy.store import Secret


def test_secrets_show_themselves_only_when_asked() -> None:
    secret = Secret("canary")
    assert secret.reveal() == "canary"
    for shown in (repr(secret), str(secret), f"{secret}", "%s" % secret, repr({secret: [secret]})):  # noqa: UP031
        assert "canary" not in shown


def test_secrets_compare_by_what_they_hide() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1


def test_secrets_do_not_leave_by_pickle() -> None:
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(Secret("canary"))


def test_records_do_not_show_secrets() -> None:
    assert "canary" not in repr(a_token()) + repr(a_registration())
