"""Who may call: logins, their tokens, and which of them is next."""

from cwproxy.accounts.identity import Request
from cwproxy.accounts.leasing import Accounts, Turn
from cwproxy.accounts.login import LoginDesk, first_profile
from cwproxy.accounts.selection import Routing, Selected, Selector, default_surface, target_of
from cwproxy.accounts.tokens import AccountTokens, TokenKeeper

__all__ = [
    "AccountTokens",
    "Accounts",
    "LoginDesk",
    "Request",
    "Routing",
    "Selected",
    "Selector",
    "TokenKeeper",
    "Turn",
    "default_surface",
    "first_profile",
    "target_of",
]
