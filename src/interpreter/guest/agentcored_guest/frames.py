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


def pack_head(header, body_size):
    text = json.dumps(header, separators=(",", ":")).encode()
    return HEAD.pack(len(text), body_size) + text


def pack(header, body=b""):
    return pack_head(header, len(body)) + body


class Decoder:
    """Takes bytes in any pieces, gives whole frames.

    A body that does not come with its header is read straight to where it stays: as long as room()
    is not None, the next bytes belong in there. `sink` may give, for a header and a size, what
    takes the bytes in place of a bytearray: feed(), room(size), commit(size).
    """

    def __init__(self, sink=None):
        self.sink = sink
        self.buffer = bytearray()
        self.header = None  # of a frame whose body is still on its way
        self.body = None
        self.is_sunk = False
        self.size = 0
        self.filled = 0

    def feed(self, data):
        self.buffer += data

    def room(self):
        if self.header is None:
            return None
        if self.is_sunk:
            return self.body.room(self.size - self.filled)
        return memoryview(self.body)[self.filled:]

    def commit(self, size):
        self.filled += size
        if self.is_sunk:
            self.body.commit(size)

    def next(self):
        if self.header is None and not self.take_head():
            return None
        if self.filled < self.size:
            return None
        header, body = self.header, self.body
        self.header = self.body = None
        return header, body

    def take_head(self):
        if len(self.buffer) < HEAD.size:
            return False
        header_size, body_size = HEAD.unpack_from(self.buffer)
        if header_size > HEADER_BYTES_MAX or body_size > BODY_BYTES_MAX:
            raise Broken("a frame over its bound")
        start = HEAD.size + header_size
        if len(self.buffer) < start:
            return False
        try:
            header = json.loads(self.buffer[HEAD.size:start])
        except ValueError as error:
            raise Broken(f"a frame's header is no JSON: {error}") from None
        if not isinstance(header, dict):
            raise Broken("a frame's header is no object")
        there = self.buffer[start:start + body_size]
        taker = self.sink(header, body_size) if self.sink else None
        self.is_sunk = taker is not None
        self.body = taker if self.is_sunk else bytearray(body_size)
        if self.is_sunk:
            self.body.feed(there)
        else:
            self.body[:len(there)] = there
        self.size = body_size
        self.filled = len(there)
        self.header = header
        del self.buffer[:start + len(there)]
        return True


def write_all(fd, data):
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view):]


def read_frame(fd, decoder, receive=None):
    """Blocks until there is one; None at the end."""
    while True:
        frame = decoder.next()
        if frame is not None:
            return frame
        room = decoder.room()
        if room:
            size = os.readv(fd, [room])
            decoder.commit(size)
        else:
            data = receive(1 << 16) if receive else os.read(fd, 1 << 16)
            size = len(data)
            decoder.feed(data)
        if not size:
            return None
