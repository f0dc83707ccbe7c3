"""One request, start to end: the only place where conversations, accounts and the backend meet."""

from cwproxy.service.answering import Answer, Readiness, Service
from cwproxy.service.options import Options

__all__ = ["Answer", "Options", "Readiness", "Service"]
