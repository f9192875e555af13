"""The file tools: paths are relative to the session's folder and stay in it."""
import contextlib
import mimetypes
import os
import shutil
import stat

from agentcored_guest import peers

FILE_BYTES_MAX = 100_000_000
CALL_BYTES_MAX = 200_000_000
LISTED_MAX = 10_000
BUFFER = bytearray(1 << 18)
FOLDER_FLAGS = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW


class Refused(Exception):
    """What the caller asked for cannot be done; the text says why."""


def inside(folder, path):
    """The absolute path, whose folder is inside; what it names may be a link."""
    if "\0" in path:
        raise Refused("a path holds a NUL character")
    joined = os.path.normpath(os.path.join(folder, path))
    parent, name = os.path.split(joined)
    resolved = os.path.join(os.path.realpath(parent), name) if joined != folder else folder
    if resolved != folder and not resolved.startswith(folder + "/"):
        raise Refused(f"{path}: is outside of the session's folder")
    return resolved


def resolved_inside(folder, path):
    """The same with the last link followed."""
    target = os.path.realpath(inside(folder, path))
    if target != folder and not target.startswith(folder + "/"):
        raise Refused(f"{path}: leads out of the session's folder")
    return target


@contextlib.contextmanager
def opened_folder(folder, target, make=False):
    """(descriptor of the folder that holds `target`, its name in there). A resolved path has no
    links; the session's code may put some there meanwhile, so none is followed any more."""
    parts = os.path.relpath(target, folder).split("/")
    at = os.open(folder, FOLDER_FLAGS)
    try:
        for part in parts[:-1]:
            if make:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, 0o755, dir_fd=at)
            below = os.open(part, FOLDER_FLAGS, dir_fd=at)
            os.close(at)
            at = below
        yield at, parts[-1]
    finally:
        os.close(at)


def media_type(path):
    return mimetypes.guess_type(path)[0] or "application/octet-stream"


def reason(error):
    return error.strerror or str(error)


class Incoming:
    """Files that are written as their bytes come, one behind the other: `entries` are
    [{path, size}]. What cannot be written is told at the end; the rest of the bytes is let pass."""

    def __init__(self, folder, entries):
        self.folder = folder
        self.count = len(entries)
        self.entries = iter(entries)
        self.fd = -1
        self.path = ""
        self.left = 0  # of the file that is open
        self.refused = None

    def room(self, size):
        return memoryview(BUFFER)[:size]

    def commit(self, size):
        self.feed(memoryview(BUFFER)[:size])

    def feed(self, data):
        view = memoryview(data)
        try:
            while view and self.refused is None:
                if not self.left and not self.open_next():
                    return
                size = os.write(self.fd, view[:self.left])
                self.left -= size
                view = view[size:]
        except OSError as error:
            self.refused = Refused(f"{self.path}: {reason(error)}")
        except Refused as refused:
            self.refused = refused

    def open_next(self):
        """False: there is none."""
        self.close()
        entry = next(self.entries, None)
        if entry is None:
            return False
        self.path, self.left = str(entry["path"]), int(entry["size"])
        if self.left > FILE_BYTES_MAX:
            raise Refused(f"{self.path}: a file is at most {FILE_BYTES_MAX} bytes")
        target = inside(self.folder, self.path)
        if os.path.islink(target):
            target = resolved_inside(self.folder, self.path)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK
        with opened_folder(self.folder, target, make=True) as (at, name):
            self.fd = os.open(name, flags, 0o644, dir_fd=at)
        if not stat.S_ISREG(os.fstat(self.fd).st_mode):
            raise Refused(f"{self.path}: is no ordinary file")
        return bool(self.left) or self.open_next()

    def close(self):
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1

    def finish(self):
        try:
            if self.refused is None and not self.left:
                self.open_next()  # empty ones are left
        except OSError as error:
            self.refused = Refused(f"{self.path}: {reason(error)}")
        except Refused as refused:
            self.refused = refused
        self.close()
        if self.refused is not None:
            raise self.refused
        return f"Successfully wrote all {self.count} files"


def write(folder, entries, body):
    incoming = Incoming(folder, entries)
    incoming.feed(body)
    return incoming.finish()


def read(folder, paths):
    """[{path, size, mimeType}] and where their bytes are to be had, as peers.FileRange."""
    found, ranges, total = [], [], 0
    try:
        for path in paths:
            target = resolved_inside(folder, path)
            try:
                flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
                with opened_folder(folder, target) as (at, name):
                    fd = os.open(name, flags, dir_fd=at)
            except OSError as error:
                raise Refused(f"{path}: {reason(error)}") from None
            ranges.append(peers.FileRange(fd, 0))
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise Refused(f"{path}: is no ordinary file")
            total += status.st_size
            if status.st_size > FILE_BYTES_MAX or total > CALL_BYTES_MAX:
                raise Refused(f"{path}: more than {FILE_BYTES_MAX} bytes a file or "
                              f"{CALL_BYTES_MAX} a call cannot be read")
            ranges[-1].left = status.st_size
            found.append({"path": path, "size": status.st_size, "mimeType": media_type(target)})
    except Refused:
        for part in ranges:
            part.close()
        raise
    return found, ranges


def listing(folder, path):
    target = resolved_inside(folder, path or ".")
    below = os.path.relpath(target, folder)
    entries, cut = [], False
    try:
        with opened_folder(folder, target) as (at, name):
            fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
        try:
            with os.scandir(fd) as scan:
                for entry in scan:
                    if len(entries) == LISTED_MAX:
                        cut = True
                        break
                    entries.append(entry_of(below, entry))
        finally:
            os.close(fd)
    except OSError as error:
        raise Refused(f"{path}: {reason(error)}") from None
    return sorted(entries, key=lambda entry: entry["name"]), cut


def entry_of(below, entry):
    is_folder = entry.is_dir(follow_symlinks=False)
    out = {"name": entry.name.encode("utf-8", "replace").decode(), "isFolder": is_folder}
    path = os.path.normpath(os.path.join(below, entry.name))
    out["path"] = path.encode("utf-8", "replace").decode()
    if not is_folder:
        out["mimeType"] = media_type(entry.name)
        out["size"] = entry.stat(follow_symlinks=False).st_size
    return out


def remove(folder, paths):
    for path in paths:
        target = inside(folder, path)
        if target == folder:
            raise Refused(f"{path}: the session's folder itself cannot be removed")
        try:
            with opened_folder(folder, target) as (at, name):
                if stat.S_ISDIR(os.stat(name, dir_fd=at, follow_symlinks=False).st_mode):
                    shutil.rmtree(f"/proc/self/fd/{at}/{name}")
                else:
                    os.unlink(name, dir_fd=at)
        except OSError as error:
            raise Refused(f"{path}: {reason(error)}") from None
    return f"Successfully removed {len(paths)} files"
