"""The HTTP server: routes, access control, error envelopes, and serving them with uvicorn."""

from cwproxy.api.access import AccessPolicy
from cwproxy.api.app import create_app
from cwproxy.api.limits import Limits
from cwproxy.api.server import loop_factory, serve

__all__ = ["AccessPolicy", "Limits", "create_app", "loop_factory", "serve"]
