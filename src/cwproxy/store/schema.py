"""Which tables there are in which version. The tables themselves are in `migrations`.

A released migration is never edited, only followed by another, which raises HEAD.
"""

from typing import Final

from cwproxy.errors import StoreError

HEAD: Final = 5
"""The number of the newest migration: revision "0005" in Alembic's table, 5 in `user_version` of a SQLite file."""

VERSION_TABLE: Final = "cwproxy_schema"
"""Alembic's table, under a name of ours, so that another program's database is not taken for ours."""

APPLICATION_ID: Final = 0x63777078
"""Written into a SQLite file's header ("cwpx"), so that another program's database is not taken for ours."""

TABLES: Final = ("account", "registration", "token", "api_key", "usage", "cooldown", "response")
"""What `store export` takes along, in an order in which it can be put back."""

PASSING_TABLES: Final = ("refresh_started", "counter")
"""What means nothing in another database."""

SECRET_TABLES: Final = ("token", "registration", "refresh_started")
"""The tables that hold what a login can be used with."""

NUMBERED: Final = {"usage": "id"}
"""Columns that the database numbers by itself."""


def newer(name: str, version: int) -> StoreError:
    return StoreError(
        f"{name} was written by a newer cwproxy (schema {version}, this one knows {HEAD}). "
        "Install that version again, or use another store and log in anew."
    )


def foreign(name: str) -> StoreError:
    return StoreError(f"{name} is a database of another program. Point cwproxy elsewhere.")
