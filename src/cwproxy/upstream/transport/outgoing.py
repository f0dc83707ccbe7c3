"""The bytes of one request."""

import httpx


def head(request: httpx.Request, *, target: bytes, extra: tuple[tuple[bytes, bytes], ...] = ()) -> bytes:
    """Request line and headers. Raises httpx.LocalProtocolError where one of them would end its line early."""
    headers = [*request.headers.raw, *extra]
    lines = [request.method.encode("ascii") + b" " + target + b" HTTP/1.1"]
    lines += [name + b": " + value for name, value in headers]
    written = b"\r\n".join(lines) + b"\r\n\r\n"
    breaks = len(lines) + 1
    if written.count(b"\n") != breaks or written.count(b"\r") != breaks or b"\0" in written:
        raise httpx.LocalProtocolError("A header holds a line break.")
    return written


async def body(request: httpx.Request) -> bytes:
    """All of the body, framed as the headers say."""
    try:
        content = request.content
    except httpx.RequestNotRead:
        content = await request.aread()
    if "transfer-encoding" not in request.headers:
        return content
    return (b"%x\r\n%b\r\n" % (len(content), content) if content else b"") + b"0\r\n\r\n"
