"""What must survive a restart: accounts, their registrations and tokens."""

from cwproxy.store.records import Account, AccountKind, AccountState, Registration, Reservation, Secret, Token
from cwproxy.store.sqlite import Store

__all__ = ["Account", "AccountKind", "AccountState", "Registration", "Reservation", "Secret", "Store", "Token"]
