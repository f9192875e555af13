"""Templates: a process whose imports are done is written down once, and goes on in many guests.

    import agentcored_template as template
    template.begin()                          # before anything can remember a process id
    import numpy, pandas                      # what takes long
    arguments = template.freeze()             # this process ends here
    ...                                       # each process thawed of it goes on here

freeze() is for programs that the platform starts as a template: descriptor 3 is the file, 4 the
library. A thawed process has other arguments, another environment, other descriptors 0 to 2 and
those that it was given; all others that were open are not. Pages that it does not write to are
shared with its siblings. What was random is random again, but for the seed of str.__hash__, which
every dict depends on: siblings of one template have the same.
"""
import array
import ctypes
import gc
import os
import sys

LIBRARY = None
UNSETTLED = []
# A library that tells a fork by its process id must see that this is another process: thawed
# processes have low ids, so the one that is written down gets a high one.
PROCESS_ID_MIN = 300
PAGE = 4096


def load(path="/proc/self/fd/4"):
    """Before anything else is of use; a snapshot has it loaded already."""
    global LIBRARY
    LIBRARY = ctypes.PyDLL(path)
    LIBRARY.agentcored_arrival.restype = ctypes.c_void_p


def begin():
    """Returns in a child with a high process id; this process ends as that does."""
    load()
    LIBRARY.agentcored_spend_process_ids(PROCESS_ID_MIN)
    pid = os.fork()
    if pid:
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os._exit(status if status >= 0 else 1)


def expect_writes(pid):
    """A child of this process has done, since it was forked, what thawed processes will do first:
    the pages that it wrote to are theirs from the start then, which costs less than one by one."""
    spans = []
    for line in open("/proc/self/maps", encoding="ascii", errors="replace"):
        region, permissions, _, _, inode, *name = line.split()
        start, end = (int(text, 16) for text in region.split("-"))
        if permissions != "rw-p" or name[:1] == ["[vvar]"]:
            continue
        here = inode != "0" or pages_of("self", start, end)
        for number, page in enumerate(pages_of(pid, start, end)):
            # proc(5): present, no file's page, mapped by nobody else. And there is something here.
            if page >> 61 & 5 == 4 and page >> 56 & 1 and (here is True or here[number] >> 63):
                at = start + number * PAGE
                if spans and spans[-1][0] >= start and at == sum(spans[-1]):
                    spans[-1][1] += PAGE
                else:
                    spans.append([at, PAGE])
    numbers = ctypes.c_uint64 * len(spans)
    LIBRARY.agentcored_expect_writes(numbers(*(start for start, _ in spans)),
                                     numbers(*(size for _, size in spans)),
                                     ctypes.c_uint32(len(spans)))


def pages_of(pid, start, end):
    pages = array.array("Q")
    with open(f"/proc/{pid}/pagemap", "rb", buffering=0) as file:
        file.seek(start // PAGE * 8)
        pages.frombytes(file.read((end - start) // PAGE * 8))
    return pages


def freeze(image=3):
    """Returns the arguments in each process that is thawed; ends this one."""
    if LIBRARY is None:
        load()
    gc.collect()
    gc.freeze()
    try:
        arguments = snapshot(image)
    except OSError as error:
        print(f"this process cannot be a template: {error}", file=sys.stderr, flush=True)
        os._exit(1)
    if arguments is None:
        os._exit(0)
    return arguments


def snapshot(image, base=-1):
    """None here, as soon as it is written; in each process thawed of it the arguments.

    Threads other than the caller's are not in it. `base` is the file this process was thawed of.
    Who goes on here calls settle() when there is time."""
    sys.stdout.flush()
    sys.stderr.flush()
    if base >= 0 and len(os.listdir("/proc/self/task")) == 1:
        return write_itself(image, base)
    told, tell = os.pipe()
    pid = os.fork()
    if pid:
        UNSETTLED.append(pid)
        os.close(tell)
        said = os.read(told, 1)
        os.close(told)
        if said != b"\0":
            settle()
            number = said[0] if said else 5
            raise OSError(number, os.strerror(number))
        return None
    result = LIBRARY.agentcored_freeze(image, base)
    if result != 1:
        os.write(tell, bytes([-result & 0xff]))
        os._exit(0)
    UNSETTLED.clear()
    return arrive()


def write_itself(image, base):
    """As snapshot(), without the copy that other threads make necessary. What Python, and who has
    asked it to, does around a fork is done here too: it is one, of which the child comes later."""
    ctypes.pythonapi.PyOS_BeforeFork()
    result = LIBRARY.agentcored_freeze(image, base)
    if result == 1:
        ctypes.pythonapi.PyOS_AfterFork_Child()
        return arrive()
    ctypes.pythonapi.PyOS_AfterFork_Parent()
    if result:
        raise OSError(-result, os.strerror(-result))
    return None


def become(image, base):
    """Goes on as the process that `image` is of; both were thawed of `base`. Returns only where
    that cannot be, with the reason."""
    return os.strerror(-LIBRARY.agentcored_become(image, base))


def settle():
    """Waits for the end of what snapshot() has left behind: it takes as long as the writing."""
    while UNSETTLED:
        try:
            os.waitpid(UNSETTLED.pop(), 0)
        except ChildProcessError:
            pass


def arrive():
    size = ctypes.c_uint64()
    count = ctypes.c_uint32()
    address = LIBRARY.agentcored_arrival(ctypes.byref(size), ctypes.byref(count))
    texts = ctypes.string_at(address, size.value).split(b"\0")[:-1]
    os.environ.clear()
    for text in texts[count.value:]:
        name, _, value = os.fsdecode(text).partition("=")
        if name:
            os.environ[name] = value
    be_unlike_siblings()
    return [os.fsdecode(text) for text in texts[:count.value]]


def be_unlike_siblings():
    """What was random in the process that was written down is random again."""
    loaded = sys.modules.get
    if loaded("random"):
        loaded("random").seed()
    if loaded("numpy.random"):
        loaded("numpy.random").seed(int.from_bytes(os.urandom(4), "little"))
    if loaded("tempfile"):
        loaded("tempfile")._name_sequence = None
    if loaded("uuid"):
        loaded("uuid")._node = None
        loaded("uuid")._last_timestamp = None
    if loaded("ssl"):
        loaded("ssl").RAND_add(os.urandom(32), 32.0)
    if loaded("threading"):
        loaded("threading").main_thread()._set_native_id()
