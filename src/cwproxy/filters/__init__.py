"""What a client may demand of an answer and the backend does not know: done to the events as they pass."""

from cwproxy.filters.buffered import Buffering
from cwproxy.filters.chain import Demands, Filters
from cwproxy.filters.document import Kind
from cwproxy.filters.offer import Offer, Offered

__all__ = ["Buffering", "Demands", "Filters", "Kind", "Offer", "Offered"]
