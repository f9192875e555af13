"""Forks of a live session: what it is, written to files by its agent, is taken up by the agents of
other sessions. Files travel as a tar archive, the Python kernel as a snapshot of its process.
"""
import os
import socket
import tarfile

from agentcored_guest import files, frames

FOLDERS = ("work", "tmp")


def take_descriptors(agent, count):
    found = agent.daemon.descriptors[:count]
    del agent.daemon.descriptors[:count]
    if len(found) != count:
        raise files.Refused("a descriptor is missing")
    return found


def private_bytes(pid):
    """Of memory that only this process has."""
    total = 0
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("RssAnon"):
                total += int(line.split()[1]) << 10
    return total


def bytes_of_files():
    total = 0
    for folder in FOLDERS:
        state = os.statvfs("/" + folder)
        total += (state.f_blocks - state.f_bfree) * state.f_frsize
    return total


class Bounded:
    """A file that refuses more than it may hold: sparse files are small until they are copied."""

    def __init__(self, file, bytes_max):
        self.file = file
        self.left = bytes_max

    def write(self, data):
        self.left -= len(data)
        if self.left < 0:
            raise files.Refused("the session is too large to fork: its files")
        return self.file.write(data)

    def tell(self):
        return self.file.tell()


class FromStart:
    """A file that others read too, whose descriptors share one position."""

    def __init__(self, fd):
        self.fd = fd
        self.offset = 0

    def read(self, size):
        data = os.pread(self.fd, size, self.offset)
        self.offset += len(data)
        return data


def write_down(agent, call, header):
    """Answers at once where there is no Python kernel, else when that has been written down."""
    snapshot, archive = take_descriptors(agent, 2)
    try:
        if agent.is_busy():
            raise files.Refused("the session is running code; fork it when that has ended")
        kernel = agent.kernels.get("python")
        needed = bytes_of_files() + (private_bytes(kernel.pid) if kernel else 0)
        if needed > header["bytesMax"]:
            raise files.Refused(f"the session is too large to fork: {needed >> 20} MiB of files "
                                f"and memory, of at most {header['bytesMax'] >> 20}")
        if agent.forking is not None:
            raise files.Refused("the session is being forked already")
        with open(archive, "wb", closefd=False) as out:
            bounded = Bounded(out, header["bytesMax"])
            with tarfile.open(fileobj=bounded, mode="w", format=tarfile.PAX_FORMAT) as tar:
                for folder in FOLDERS:
                    for name in sorted(os.listdir("/" + folder)):
                        tar.add(f"/{folder}/{name}", f"{folder}/{name}", filter=portable)
        languages = {name: name == "python" for name in agent.kernels}
        agent.fork_answer = {"languages": languages}
        if kernel is None:
            return agent.fork_answer
        ask_kernel(agent, kernel, "snapshot", snapshot)
        agent.forking = call
        return None
    finally:
        os.close(snapshot)
        os.close(archive)


def portable(entry):
    return entry if entry.isfile() or entry.isdir() or entry.issym() or entry.islnk() else None


def ask_kernel(agent, kernel, op, snapshot):
    given = [snapshot]
    if agent.options["image"] >= 0:
        given.append(agent.options["image"])
    with socket.socket(fileno=os.dup(kernel.peer.fd)) as channel:
        frame = frames.pack({"op": op})
        if kernel.peer.pending or socket.send_fds(channel, [frame], given) != len(frame):
            raise files.Refused("the python process does not read")


def settle(agent):
    """The end of the kernel that was here before took place beside the other's beginning, or its
    failure."""
    while agent.replaced:
        os.waitpid(agent.replaced.pop(), 0)


def go_on(agent, call, header):
    """In a session that was nobody's until now: becomes one that was written down."""
    snapshot, archive = take_descriptors(agent, 2)
    try:
        with tarfile.open(fileobj=FromStart(archive), mode="r|") as tar:
            # It cannot reach further than the session's own code.
            tar.extraction_filter = staticmethod(lambda entry, _path: entry)
            tar.extractall("/")
        if header["python"]:
            if header["hasBase"] and "python" in agent.kernels:
                # Nobody's code has run in it, and most of its memory is the other's already.
                ask_kernel(agent, agent.kernels["python"], "become", snapshot)
                agent.forking, agent.fork_answer = call, {}
                return None
            if "python" in agent.kernels:
                replaced = agent.drop_kernel("python")
                replaced.end()
                agent.replaced.append(replaced.pid)
            agent.start_kernel("python", (snapshot, header["hasBase"]))
            agent.forking, agent.fork_answer = call, {}
            return None
        return {}
    except (tarfile.TarError, ValueError) as error:
        raise files.Refused(f"the files cannot be taken over: {error}") from None
    finally:
        os.close(snapshot)
        os.close(archive)
