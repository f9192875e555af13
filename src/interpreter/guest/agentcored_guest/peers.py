"""A descriptor that is read and written without ever waiting for the other side."""
import os
import socket

from agentcored_guest import frames

READ_BYTES = 1 << 18
PADDING = bytes(1 << 16)


class FileRange:
    """The first bytes of an open file, on their way without a copy. Owns the descriptor."""

    def __init__(self, fd, size):
        self.fd = fd
        self.offset = 0
        self.left = size

    def __len__(self):
        return self.left

    def send(self, target):
        """How much has left. What the file has lost since it was measured is sent as zeros: the
        frame's length was promised."""
        size = os.sendfile(target, self.fd, self.offset, self.left)
        if size == 0 and self.left:
            size = os.write(target, PADDING[:self.left])
        self.offset += size
        self.left -= size
        if not self.left:
            self.close()
        return size

    def close(self):
        os.close(self.fd)


class Peer:
    """Frames both ways over one socket."""

    def __init__(self, fd, sink=None):
        os.set_blocking(fd, False)
        self.fd = fd
        self.decoder = frames.Decoder(sink)
        self.pending = []  # memoryviews and FileRanges
        self.pending_bytes = 0

    def send(self, header, body=b""):
        self.queue(memoryview(frames.pack(header, body)))
        self.write()

    def send_files(self, header, ranges):
        self.queue(memoryview(frames.pack_head(header, sum(map(len, ranges)))))
        for part in ranges:
            if part.left:
                self.queue(part)
            else:
                part.close()
        self.write()

    def queue(self, part):
        self.pending.append(part)
        self.pending_bytes += len(part)

    def write(self):
        """What can be written now. OSError: nobody is there any more."""
        while self.pending:
            part = self.pending[0]
            try:
                if isinstance(part, FileRange):
                    size = part.send(self.fd)
                else:
                    size = os.write(self.fd, part)
                    part = self.pending[0] = part[size:]
            except BlockingIOError:
                return
            self.pending_bytes -= size
            if not len(part):
                self.pending.pop(0)

    def receive(self):
        return os.read(self.fd, READ_BYTES)

    def read(self):
        """Whole frames that have come, and whether the other side has ended."""
        found, ended = [], False
        room = self.decoder.room()
        try:
            if room:
                size = os.readv(self.fd, [room])
                self.decoder.commit(size)
            else:
                data = self.receive()
                size = len(data)
                self.decoder.feed(data)
            ended = not size
        except BlockingIOError:
            pass
        except OSError:
            ended = True
        while (frame := self.decoder.next()) is not None:
            found.append(frame)
        return found, ended


class DescriptorPeer(Peer):
    """Of the daemon, which sends descriptors beside frames; nobody else's are taken."""

    def __init__(self, fd, sink=None):
        super().__init__(fd, sink)
        self.socket = socket.socket(fileno=fd)
        self.descriptors = []

    def receive(self):
        data, descriptors, _, _ = socket.recv_fds(self.socket, READ_BYTES, 8)
        for fd in descriptors:
            os.set_inheritable(fd, False)
        self.descriptors += descriptors
        return data


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
