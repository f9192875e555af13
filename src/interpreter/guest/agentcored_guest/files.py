"""The file tools: paths are relative to the session's folder and stay in it."""
import mimetypes
import os
import shutil
import stat

from agentcored_guest import peers

FILE_BYTES_MAX = 100_000_000
CALL_BYTES_MAX = 200_000_000
LISTED_MAX = 10_000


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


def media_type(path):
    return mimetypes.guess_type(path)[0] or "application/octet-stream"


def reason(error):
    return error.strerror or str(error)


def write(folder, files, body):
    """`files`: [{path, size}], their bytes one behind the other in `body`."""
    offset = 0
    for entry in files:
        path, size = str(entry["path"]), int(entry["size"])
        if size > FILE_BYTES_MAX:
            raise Refused(f"{path}: a file is at most {FILE_BYTES_MAX} bytes")
        target = inside(folder, path)
        if os.path.islink(target):
            target = resolved_inside(folder, path)
        try:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK
            fd = os.open(target, flags, 0o644)
            try:
                if not stat.S_ISREG(os.fstat(fd).st_mode):
                    raise Refused(f"{path}: is no ordinary file")
                view = memoryview(body)[offset:offset + size]
                while view:
                    view = view[os.write(fd, view):]
            finally:
                os.close(fd)
        except OSError as error:
            raise Refused(f"{path}: {reason(error)}") from None
        offset += size
    return f"Successfully wrote all {len(files)} files"


def read(folder, paths):
    """[{path, size, mimeType}] and where their bytes are to be had, as peers.FileRange."""
    found, ranges, total = [], [], 0
    try:
        for path in paths:
            target = resolved_inside(folder, path)
            try:
                fd = os.open(target, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
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
    entries, cut = [], False
    try:
        with os.scandir(target) as scan:
            for entry in scan:
                if len(entries) == LISTED_MAX:
                    cut = True
                    break
                entries.append(entry_of(folder, entry))
    except OSError as error:
        raise Refused(f"{path}: {reason(error)}") from None
    return sorted(entries, key=lambda entry: entry["name"]), cut


def entry_of(folder, entry):
    is_folder = entry.is_dir(follow_symlinks=False)
    out = {"name": entry.name.encode("utf-8", "replace").decode(), "isFolder": is_folder}
    out["path"] = os.path.relpath(entry.path, folder).encode("utf-8", "replace").decode()
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
            if os.path.isdir(target) and not os.path.islink(target):
                shutil.rmtree(target)
            else:
                os.unlink(target)
        except OSError as error:
            raise Refused(f"{path}: {reason(error)}") from None
    return f"Successfully removed {len(paths)} files"
