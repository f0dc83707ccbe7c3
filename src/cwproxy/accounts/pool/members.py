"""What goes into a choice and what comes out of it: the accounts, the wish, and the three possible answers."""

import enum
from collections.abc import Mapping
from typing import TypeAlias

import msgspec


class Standing(enum.Enum):
    """What the store says of an account. The values are those of `store.AccountState`, and `disabled`.

    NEEDS_LOGIN is healed by a newer token; SUSPENDED and MISCONFIGURED are the permanent blacklist, which only a
    person ends (`Pool.recover`); DISABLED is a person's wish.
    """

    READY = "active"
    DISABLED = "disabled"
    NEEDS_LOGIN = "needs_login"
    SUSPENDED = "suspended"
    MISCONFIGURED = "misconfigured"


class Member(msgspec.Struct, frozen=True):
    """What is known of an account from outside.

    weight: its part of the load, relative to the others'; above 0.
    models: what it lists, None while that is not known: then it may serve anything.
    endpoint: the host that its calls go to; accounts of one endpoint share that one's breaker.
    firm: the standing says how the account is set up, so that neither a call nor a person's word changes it.
    fraction_left: of its quota, 0 to 1, and resets_at: when that begins anew, epoch seconds; both of GetUsageLimits.
    in_flight_limit, model_limits: calls at the same time, at least 1: in all (None: what the policy says), and for
    single models.
    """

    id: str
    label: str
    weight: float = 1.0
    models: frozenset[str] | None = None
    standing: Standing = Standing.READY
    firm: bool = False
    endpoint: str = ""
    fraction_left: float | None = None
    resets_at: float | None = None
    in_flight_limit: int | None = None
    model_limits: Mapping[str, int] = msgspec.field(default_factory=dict)


class Want(msgspec.Struct, frozen=True):
    """One attempt's wish.

    model: the backend's id of it, None for the backend's own choice.
    sticky: what holds a conversation on its account (API key and conversation), or None.
    tried: accounts that this request has left for good. To call the same account again, leave it out.
    """

    model: str | None = None
    sticky: str | None = None
    tried: frozenset[str] = frozenset()


class Lease(msgspec.Struct, frozen=True):
    """The permission to make one call with an account. It counts as in flight until it is settled, which its holder
    owes in every case: a failure, a cancelled task, a client that is gone.

    probe: the account, its endpoint or the model is not known to be well, and this call finds out. It is a user's
    request like any other.
    number: unique in this pool.
    """

    account_id: str
    probe: bool
    number: int
    model: str | None = None


class Busy(msgspec.Struct, frozen=True):
    """Accounts could serve, but each has as many calls in flight as it may: wait until one is settled."""


class Shortage(enum.Enum):
    """Why no account can serve.

    NONE_LOGGED_IN: there is no account, or all are disabled.
    CREDENTIALS: those that there are need a login, are misconfigured or are refused.
    THROTTLED: all that could serve are cooling down after too many requests.
    QUOTA: all that could serve have used up their allowance.
    SUSPENDED: by AWS; a person must help.
    MODEL: none may use the model.
    CAPACITY: the model is overloaded for everybody.
    BREAKER: accounts or their endpoint have failed too often just now.
    TRIED: this request has been everywhere; nothing is known against those accounts. Its last failure is the reason.
    """

    NONE_LOGGED_IN = "none_logged_in"
    CREDENTIALS = "credentials"
    THROTTLED = "throttled"
    QUOTA = "quota"
    SUSPENDED = "suspended"
    MODEL = "model"
    CAPACITY = "capacity"
    BREAKER = "breaker"
    TRIED = "tried"


class Exhausted(msgspec.Struct, frozen=True):
    """No account can serve, and waiting in the queue would not help.

    retry_after: seconds until the first of the accounts that are out for `reason` may be asked again; None when only a
    person can help, when it is not known, or for TRIED.
    detail: one sentence for people, without identities.
    """

    reason: Shortage
    retry_after: float | None
    detail: str


Choice: TypeAlias = Lease | Busy | Exhausted
