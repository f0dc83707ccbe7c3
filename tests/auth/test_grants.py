import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwproxy.auth.grants import (
    MAX_DETAIL,
    ClientRegistration,
    DeviceAuthorization,
    Grant,
    Reason,
    lifetime,
    presentable,
    reason_of,
)


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (3600, 3600.0),
        ("1800", 1800.0),
        (0, 60.0),
        (-1, 60.0),
        (10**12, 86_400.0),
        (math.inf, 86_400.0),
        (math.nan, 3600.0),
        (None, 3600.0),
        ("soon", 3600.0),
        ("", 3600.0),
        (True, 3600.0),
        ([], 3600.0),
    ],
)
def test_lifetimes_are_clamped(sent: object, read: float) -> None:
    assert lifetime(sent, default=3600.0, least=60.0, most=86_400.0) == read


@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers()))
def test_no_lifetime_is_outside_its_bounds(sent: object) -> None:
    assert 60.0 <= lifetime(sent, default=3600.0, least=60.0, most=86_400.0) <= 86_400.0


@pytest.mark.parametrize(
    ("error", "name", "reason"),
    [
        ("authorization_pending", "400", Reason.AUTHORIZATION_PENDING),
        (None, "AuthorizationPendingException", Reason.AUTHORIZATION_PENDING),
        ("slow_down", "400", Reason.SLOW_DOWN),
        ("expired_token", "400", Reason.EXPIRED),
        (None, "ExpiredTokenException", Reason.EXPIRED),
        ("access_denied", "400", Reason.DENIED),
        ("invalid_grant", "400", Reason.INVALID_GRANT),
        ("invalid_client", "401", Reason.INVALID_CLIENT),
        ("unauthorized_client", "400", Reason.INVALID_CLIENT),
        (None, "UnauthorizedClientException", Reason.INVALID_CLIENT),
        ("server_error", "500", Reason.UNAVAILABLE),
        ("temporarily_unavailable", "400", Reason.UNAVAILABLE),
        ("invalid_scope", "InvalidScopeException", Reason.UNKNOWN),
        ("interaction_required", "400", Reason.UNKNOWN),
        (None, "NewException", Reason.UNKNOWN),
        ("invalid_request", "InvalidRequestRegionException", Reason.WRONG_REGION),
        ("InvalidRequestRegionException", "400", Reason.WRONG_REGION),
    ],
)
def test_the_bodys_word_counts_and_then_the_exceptions_name(error: str | None, name: str, reason: Reason) -> None:
    assert reason_of(error, name, status=400, message="", is_json=True) is reason


@pytest.mark.parametrize(
    ("status", "is_json", "message", "reason"),
    [
        (400, True, "Invalid refresh token provided", Reason.INVALID_GRANT),
        (400, True, "Bad credentials", Reason.INVALID_REQUEST),
        (401, True, "", Reason.INVALID_REQUEST),
        (400, False, "<html>", Reason.UNAVAILABLE),
        (403, True, "Forbidden", Reason.UNAVAILABLE),
        (302, False, "", Reason.UNAVAILABLE),
        (503, True, "", Reason.UNAVAILABLE),
    ],
)
def test_answers_without_a_code(status: int, is_json: bool, message: str, reason: Reason) -> None:
    assert reason_of(None, str(status), status=status, message=message, is_json=is_json) is reason


def test_what_people_read_is_one_short_line_without_secrets() -> None:
    text = presentable("no\r\n\x1b[31m canary-1 and canary-2" + "x" * 500, ["canary-1", "canary-2"])
    assert text.startswith("no [31m [secret] and [secret]x")
    assert len(text) == MAX_DETAIL
    assert text.isprintable()


def test_secrets_stay_out_of_reprs() -> None:
    shown = (
        repr(ClientRegistration("id", "canary", 0.0, "r", ()))
        + repr(DeviceAuthorization("canary", "ABCD", "u", "c", 1.0, 1.0))
        + repr(Grant("canary", "canary", 1.0))
    )
    assert "canary" not in shown
