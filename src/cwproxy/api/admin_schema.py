"""The OpenAPI description of what is under `/admin`, made from the types when somebody asks for it."""

from typing import Final

import msgspec

from cwproxy import __version__
from cwproxy.accounts.oversight import AccountView
from cwproxy.api.admin import AccountList, AllStatistics

_SINCE: Final = {
    "name": "since",
    "in": "query",
    "schema": {"type": "string", "default": "month"},
    "description": "month, today, a span (90m, 12h, 7d, 2w) or a date (2026-11-01).",
}
_BY: Final = {
    "name": "by",
    "in": "query",
    "schema": {"type": "array", "items": {"enum": ["account", "model", "key", "day"]}},
    "style": "form",
    "explode": False,
    "description": "What the figures of the ledger are split by.",
}
_ACCOUNT: Final = {"name": "account_id", "in": "path", "required": True, "schema": {"type": "string"}}


def document() -> bytes:
    """JSON."""
    types = (AllStatistics, AccountList, AccountView)
    schemas, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    statistics, accounts, account = (_answers(schema) for schema in schemas)
    change = {"parameters": [_ACCOUNT], "responses": account}
    paths = {
        "/admin/stats": {"get": {"summary": "Statistics", "parameters": [_SINCE, _BY], "responses": statistics}},
        "/admin/accounts": {"get": {"summary": "The accounts, their quotas and health", "responses": accounts}},
        "/admin/accounts/{account_id}/recover": {"post": {"summary": "Clear what holds it back", **change}},
        "/admin/accounts/{account_id}/disable": {"post": {"summary": "Use it no more", **change}},
        "/admin/accounts/{account_id}/enable": {"post": {"summary": "Use it again", **change}},
    }
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {"title": "cwproxy: operating it", "version": __version__},
            "security": [{"key": []}],
            "paths": paths,
            "components": {"schemas": components, "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
        }
    )


def _answers(schema: object) -> dict[str, object]:
    return {
        "200": {"description": "As asked.", "content": {"application/json": {"schema": schema}}},
        "401": {"description": "No key, or a wrong one."},
        "403": {"description": "A client's key."},
    }
