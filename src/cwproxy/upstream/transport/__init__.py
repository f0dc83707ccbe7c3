"""HTTP/1.1 under httpx's interface: connections that are read as the bytes come, and kept for the next call.

httpx's own pool collapses at a thousand streams and costs 15 times as much per chunk, aiohttp under httpx twice as much
(performance.md 1). Here every read of the socket is one item of the body, and no call has a task of its own.
"""

from cwproxy.upstream.transport.transport import Transport

__all__ = ["Transport"]
