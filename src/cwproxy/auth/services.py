"""The login services of the world, made on demand."""

import msgspec

from cwproxy.auth.external import ExternalIdp
from cwproxy.auth.oidc import Oidc
from cwproxy.auth.social import Social
from cwproxy.auth.web import Web


class LoginServices(msgspec.Struct, frozen=True):
    """How to reach them.

    endpoint: a base URL for all of them instead of their own; `{region}` in it becomes the region.
    proxy: the HTTP proxy to use. ca_bundle: path of a PEM file.
    """

    endpoint: str | None = None
    proxy: str | None = None
    ca_bundle: str | None = None

    def oidc(self, region: str) -> Oidc:
        """Raises nothing; what the region is worth shows with the first call. The caller closes it."""
        return Oidc(region, endpoint=self.endpoint, proxy=self.proxy, ca_bundle=self.ca_bundle)

    def web(self) -> Web:
        """The client for the two below. The caller closes it."""
        return Web(proxy=self.proxy, ca_bundle=self.ca_bundle)

    def social(self, region: str, web: Web) -> Social:
        """Raises SettingsError for what is no region."""
        return Social(region, web, endpoint=self.endpoint)

    def external(self, region: str, web: Web) -> ExternalIdp:
        return ExternalIdp(web, endpoint=None if self.endpoint is None else self.endpoint.replace("{region}", region))
