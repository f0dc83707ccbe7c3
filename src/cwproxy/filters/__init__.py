"""What a client may demand of an answer and the backend does not know: done to the events as they pass."""

from cwproxy.filters.chain import Demands, Filters

__all__ = ["Demands", "Filters"]
