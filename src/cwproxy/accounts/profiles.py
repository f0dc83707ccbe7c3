"""What is asked of the control plane during a login: the profiles of a person, who that is, and whether a key is any
good.
"""

import logging

import httpx

from cwproxy.codewhisperer import failures
from cwproxy.codewhisperer.catalog import Profile, parse_profiles, parse_usage
from cwproxy.codewhisperer.surfaces import Call, Surface, Target, models_call, profiles_call, usage_call
from cwproxy.errors import BackendUnavailable, CwproxyError, LoginFailed

log = logging.getLogger("cwproxy.accounts")

API_REGIONS = ("us-east-1", "eu-central-1")
"""Where profiles live, whatever the region of the login (backend-rules.md C 6)."""

MAX_PAGES = 50


class ControlPlane:
    """endpoint: a base URL instead of AWS's."""

    def __init__(self, http: httpx.AsyncClient, endpoint: str | None) -> None:
        self._http = http
        self.endpoint = endpoint

    async def profiles(self, surface: Surface, access_token: str) -> list[Profile]:
        """All of them, one at least. Raises LoginFailed where there is none, and the failure of the last region where
        that may be why.
        """
        profiles: list[Profile] = []
        failure: CwproxyError | None = None
        for region in API_REGIONS:
            try:
                profiles += await self._in(Target(surface, region, self.endpoint), access_token)
            except CwproxyError as error:
                log.warning("profiles of %s cannot be listed: %s", region, error.message)
                failure = error
        distinct = list({profile.arn: profile for profile in profiles}.values())
        if distinct:
            return distinct
        if failure is not None:
            raise failure
        raise LoginFailed(
            "The login worked, but no Q Developer or Kiro profile is assigned to this user. "
            "Ask the administrator of the Identity Center for a subscription, then run `cwproxy login` again."
        )

    async def check(self, surface: Surface, region: str, access_token: str, token_type: str | None) -> None:
        """Raises what the service says to a token that it does not take in that region."""
        target = Target(surface, region, self.endpoint, token_type=token_type)
        await self._fetch(models_call(target), access_token)

    async def person(self, target: Target, access_token: str) -> str | None:
        """Whose token it is, as the service calls them (`userInfo.userId`, protocol.md 1.5); None where it does not
        tell, for whatever reason.
        """
        try:
            return parse_usage(await self._fetch(usage_call(target), access_token)).user_id
        except CwproxyError as error:
            log.info("whose login it is cannot be asked: %s", error.message)
            return None

    async def _in(self, target: Target, access_token: str) -> list[Profile]:
        profiles: list[Profile] = []
        next_token: str | None = None
        for _ in range(MAX_PAGES):
            page = parse_profiles(await self._fetch(profiles_call(target, next_token=next_token), access_token))
            profiles += page.profiles
            next_token = page.next_token
            if next_token is None:
                break
        return profiles

    async def _fetch(self, call: Call, access_token: str) -> bytes:
        headers = {**call.headers, "authorization": f"Bearer {access_token}"}
        host = httpx.URL(call.url).host
        try:
            response = await self._http.request(call.method, call.url, headers=headers, content=call.body)
        except httpx.HTTPError as error:
            raise BackendUnavailable(f"{host} cannot be reached to look at the account.") from error
        if response.status_code != 200:
            raise failures.from_response(response.status_code, response.headers, response.content)
        return response.content
