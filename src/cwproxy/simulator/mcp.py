"""InvokeMCP: JSON-RPC with one tool, a search of the web that always finds the same two pages (protocol.md 7 4)."""

import json
from typing import Any

from cwproxy.simulator.accounts import Account
from cwproxy.simulator.envelope import Refused, ServiceError
from cwproxy.simulator.request import Request
from cwproxy.simulator.routing import Route

TOOL = {
    "name": "web_search",
    "description": "Searches the web.",
    "inputSchema": {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
}
_INVALID = -32602


def answer(request: Request, route: Route, account: Account) -> dict[str, Any]:
    """The JSON-RPC answer. Raises Refused for what is no JSON-RPC, and for a profile that is not the account's."""
    arn = request.headers.get("x-amzn-kiro-profile-arn")
    if arn is None and route.surface == "kiro" and account.profile_arns:
        raise Refused(_invalid("profileArn is required for this request."), rule=52)
    if arn is not None and arn not in account.profile_arns:
        raise Refused(_invalid("Improperly formed request."), rule=53)
    try:
        message = json.loads(request.body)
    except ValueError:
        message = None
    match message:
        case {"jsonrpc": "2.0", "id": id, "method": "tools/list"}:
            return {"jsonrpc": "2.0", "id": id, "result": {"tools": [TOOL]}}
        case {"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": dict() as params}:
            return {"jsonrpc": "2.0", "id": id, **_call(params)}
        case _:
            raise Refused(_invalid("Improperly formed request."))


def _call(params: dict[str, Any]) -> dict[str, Any]:
    match params:
        case {"name": "web_search", "arguments": {"query": str() as query}} if query:
            return {"result": {"content": [{"type": "text", "text": json.dumps(_pages(query))}], "isError": False}}
        case _:
            return {"error": {"code": _INVALID, "message": "Invalid params"}}


def _pages(query: str) -> dict[str, Any]:
    results = [
        {
            "title": f"Page {number} about {query}",
            "url": f"https://page{number}.example/",
            "snippet": f"What page {number} says of {query}.",
            "publishedDate": None if number > 1 else "2026-11-01",
            "id": str(number),
            "domain": f"page{number}.example",
        }
        for number in (1, 2)
    ]
    return {"results": results, "totalResults": len(results), "query": query, "error": None}


def _invalid(message: str) -> ServiceError:
    return ServiceError(400, "ValidationException", message)
