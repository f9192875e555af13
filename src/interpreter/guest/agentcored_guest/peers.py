"""A descriptor that is read and written without ever waiting for the other side."""
import os

from agentcored_guest import frames

READ_BYTES = 1 << 18


class Peer:
    """Frames both ways over one socket."""

    def __init__(self, fd):
        os.set_blocking(fd, False)
        self.fd = fd
        self.decoder = frames.Decoder()
        self.pending = []  # memoryviews
        self.pending_bytes = 0

    def send(self, header, body=b""):
        self.pending.append(memoryview(frames.pack(header, body)))
        self.pending_bytes += len(self.pending[-1])
        self.write()

    def write(self):
        """What can be written now. OSError: nobody is there any more."""
        while self.pending:
            try:
                size = os.write(self.fd, self.pending[0])
            except BlockingIOError:
                return
            self.pending_bytes -= size
            rest = self.pending[0][size:]
            if rest:
                self.pending[0] = rest
            else:
                self.pending.pop(0)

    def read(self):
        """Whole frames that have come, and whether the other side has ended."""
        found, ended = [], False
        try:
            data = os.read(self.fd, READ_BYTES)
            ended = not data
            self.decoder.feed(data)
        except BlockingIOError:
            pass
        except OSError:
            ended = True
        while (frame := self.decoder.next()) is not None:
            found.append(frame)
        return found, ended


def read_available(fd, bytes_max=1 << 20):
    """What is in a pipe now, and whether all of its writers have gone."""
    parts, total = [], 0
    while total < bytes_max:
        try:
            data = os.read(fd, READ_BYTES)
        except BlockingIOError:
            return b"".join(parts), False
        except OSError:
            return b"".join(parts), True
        if not data:
            return b"".join(parts), True
        parts.append(data)
        total += len(data)
    return b"".join(parts), False
