"""What the pool has found out and others should know: written to the store, and read there by other replicas.

Only what AWS has said of an account is shared. Breakers are not: what one replica cannot reach may well be reachable
from another.
"""

from typing import Final

import msgspec

ACCOUNT: Final = "account"
"""Scope of an account's standing; `state` is a value of `Standing`. It belongs into the account's own row."""

THROTTLED: Final = "throttled"
REFUSED: Final = "refused"
QUOTA: Final = "quota"
MODEL: Final = "model:"
"""Prefix of the scope of a model that the account may not use."""

RECOVERED: Final = "recovered"
"""Scope of a person's word that the account is well: what each replica holds against it by itself ends, too."""

ON: Final = "on"
OFF: Final = "off"
"""`state` of all scopes but the account's own: whether it holds the account back."""

LONG: Final = "long"
"""ON for a quota whose end the calendar knows."""


class Change(msgspec.Struct, frozen=True):
    """One fact about one account, which replaces the earlier one of the same scope.

    scope: ACCOUNT, THROTTLED, REFUSED, QUOTA, RECOVERED, or MODEL and the model's id.
    until: when it ends by itself, epoch seconds, or None.
    level: how often the back-off has been doubled.
    state: `Standing`'s value for ACCOUNT, else ON, LONG or OFF.
    detail: for people, without secrets.
    changed_at: epoch seconds; of two, the later one counts.
    """

    account_id: str
    scope: str
    until: float | None
    level: int
    state: str
    detail: str
    changed_at: float
