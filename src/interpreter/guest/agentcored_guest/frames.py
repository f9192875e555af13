"""The framing of both channels: daemon to agent, agent to kernel.

A frame is two little-endian u32, the lengths of a JSON object and of the bytes behind it.
"""
import json
import os
import struct

HEAD = struct.Struct("<II")
HEADER_BYTES_MAX = 1 << 20
BODY_BYTES_MAX = 1 << 28


class Broken(Exception):
    """The other side speaks something else."""


def pack(header, body=b""):
    text = json.dumps(header, separators=(",", ":")).encode()
    return HEAD.pack(len(text), len(body)) + text + body


class Decoder:
    """Takes bytes in any pieces, gives whole frames."""

    def __init__(self):
        self.buffer = bytearray()

    def feed(self, data):
        self.buffer += data

    def next(self):
        if len(self.buffer) < HEAD.size:
            return None
        header_size, body_size = HEAD.unpack_from(self.buffer)
        if header_size > HEADER_BYTES_MAX or body_size > BODY_BYTES_MAX:
            raise Broken("a frame over its bound")
        end = HEAD.size + header_size + body_size
        if len(self.buffer) < end:
            return None
        try:
            header = json.loads(self.buffer[HEAD.size:HEAD.size + header_size])
        except ValueError as error:
            raise Broken(f"a frame's header is no JSON: {error}") from None
        if not isinstance(header, dict):
            raise Broken("a frame's header is no object")
        body = bytes(memoryview(self.buffer)[HEAD.size + header_size:end])
        del self.buffer[:end]
        return header, body


def write_all(fd, data):
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view):]


def read_frame(fd, decoder):
    """Blocks until there is one; None at the end."""
    while True:
        frame = decoder.next()
        if frame is not None:
            return frame
        data = os.read(fd, 1 << 16)
        if not data:
            return None
        decoder.feed(data)
