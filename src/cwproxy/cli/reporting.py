"""What a running server says of an account: `/admin/accounts`, with the key of an operator."""

from dataclasses import dataclass

import httpx

from cwproxy.settings import Settings

SECONDS = 10.0
"""The server itself may wait five for the quotas."""


@dataclass(frozen=True, slots=True)
class Report:
    """members: what the server says, as it says it; None where there is no such report. why: the reason, a clause."""

    members: dict[str, object] | None
    why: str = ""


async def reported(settings: Settings, account_id: str) -> Report:
    """Of the server that the same settings would start. Raises nothing: it may just not be running."""
    if settings.admin_key is None:
        return Report(None, "set CWPROXY_ADMIN_KEY to an admin key (`cwproxy keys create --admin`) to ask the server")
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{host}:{settings.port}/admin/accounts"
    headers = {"authorization": f"Bearer {settings.admin_key.get_secret_value()}"}
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=SECONDS) as http:
            answer = await http.get(url, headers=headers)
        if answer.status_code != 200:
            return Report(None, f"{url} answered with {answer.status_code}")
        listing = answer.json()["accounts"]
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return Report(None, f"no server tells it at {url}")
    for members in listing:
        if isinstance(members, dict) and account_id in (members.get("id"), members.get("account_id")):
            return Report(members)
    return Report(None, "the server does not know the account yet")
