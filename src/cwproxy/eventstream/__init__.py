"""`application/vnd.amazon.eventstream`, the binary framing of the backend's answers: bytes <-> frames, without I/O."""

from cwproxy.eventstream.decoder import Decoder
from cwproxy.eventstream.encoder import encode
from cwproxy.eventstream.frame import Frame, HeaderValue, Int8, Int16, Int32, Int64, Timestamp, Uuid

__all__ = ["Decoder", "Frame", "HeaderValue", "Int8", "Int16", "Int32", "Int64", "Timestamp", "Uuid", "encode"]
