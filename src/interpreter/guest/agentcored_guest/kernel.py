"""Runs the session's Python: one process whose state lives from one execution to the next.

Forked from the agent. What it prints goes through its standard output and error, which the agent
reads; results that are more than text go to the agent as frames. Code that runs here can do to
this process what it likes: the agent believes nothing but lengths.
"""
import ast
import asyncio
import builtins
import io
import linecache
import os
import signal
import socket
import sys
import traceback
import types

from agentcored_guest import agentcored_template, descriptors, frames, magics

REPR_METHODS = (
    ("_repr_html_", "text/html"),
    ("_repr_markdown_", "text/markdown"),
    ("_repr_svg_", "image/svg+xml"),
    ("_repr_png_", "image/png"),
    ("_repr_jpeg_", "image/jpeg"),
    ("_repr_latex_", "text/latex"),
    ("_repr_json_", "application/json"),
)
DISPLAY_BYTES_MAX = 32 << 20
OWN_FILES = (__file__, frames.__file__, magics.__file__, ast.__file__)


class InputNotSupported(RuntimeError):
    """input() has nobody to ask."""

    __module__ = "builtins"  # its name alone in tracebacks


def refuse_input(*_arguments, **_options):
    raise InputNotSupported("input() is not supported: nobody can answer while the code runs")


class NoInput(io.TextIOBase):
    def readable(self):
        return True

    def readline(self, *_):
        refuse_input()

    read = readline

    def fileno(self):
        return 0


class Kernel:
    def __init__(self, channel):
        self.channel = channel
        self.socket = socket.socket(fileno=channel)
        self.descriptors = []  # came beside frames
        self.decoder = frames.Decoder()
        self.count = 0
        self.loop = None
        module = types.ModuleType("__main__")
        module.__dict__.update(__builtins__=builtins, display=self.display)
        module.__dict__[magics.NAME] = magics.run
        sys.modules["__main__"] = module
        self.names = module.__dict__

    def serve(self):
        while True:
            frame = self.read()
            if frame is None:
                return
            header, body = frame
            if header.get("op") == "snapshot":
                self.write_down(header)
            elif header.get("op") == "become":
                self.become()
            if header.get("op") == "run":
                answer = self.run(body.decode("utf-8", "replace"))
                self.send({"event": "done", "call": header.get("call"), **answer})
            elif header.get("op") == "environment":
                os.environ.update(header["variables"])

    def read(self):
        # An interrupt that comes too late is nobody's.
        while True:
            try:
                return frames.read_frame(self.channel, self.decoder, self.receive)
            except KeyboardInterrupt:
                continue

    def receive(self, size):
        data, given, _, _ = socket.recv_fds(self.socket, size, 4)
        self.descriptors += given
        return data

    def send(self, header, body=b""):
        frames.write_all(self.channel, frames.pack(header, body))

    def write_down(self, header):
        """Returns here, and in every session that is forked from this one."""
        image, *base = self.descriptors
        self.descriptors = []
        open_files, folder, variables, went_on, error = [], "/work", {}, None, ""
        try:
            open_files = descriptors.regular({image, *base})
            folder, variables = os.getcwd(), dict(os.environ)
            went_on = agentcored_template.snapshot(image, base[0] if base else -1)
        except Exception as failure:  # code of the user's may have replaced sys.stdout
            error = f"the python process cannot be forked: {failure}"
        if went_on is None:
            for fd in (image, *base):
                os.close(fd)
            self.send({"event": "snapshot", "error": error})
            return agentcored_template.settle()
        os.set_inheritable(self.channel, False)
        os.environ.clear()
        os.environ.update(variables)
        try:
            os.chdir(folder)
        except OSError:
            pass  # it was none of the session's
        self.loop = None  # its descriptors are not here
        self.decoder = frames.Decoder()
        descriptors.open_again(open_files)
        self.send({"event": "snapshot"})  # tells that we have come

    def become(self):
        """Goes on as the kernel of another session, in write_down()."""
        image, base = self.descriptors
        why = agentcored_template.become(image, base)
        self.send({"event": "snapshot", "error": f"the python process cannot go on here: {why}"})

    # -- one execution

    def rehearse(self):
        """What an execution writes to, it writes to now: nobody waits for it yet."""
        self.run("None")
        self.count = 0
        linecache.cache.clear()

    def run(self, code):
        self.count += 1
        packages = sys.path[1] if len(sys.path) > 1 else ""
        if sys.path_importer_cache.get(packages, self) is None:  # it was not there; it may be now
            del sys.path_importer_cache[packages]
        name = f"<cell {self.count}>"
        linecache.cache[name] = (len(code), None, code.splitlines(True), name)
        exit_code = 0
        try:
            self.execute(code, name)
            self.show_figures()
        except SystemExit as stop:
            exit_code = self.code_of(stop)
        except KeyboardInterrupt:
            print("KeyboardInterrupt: the execution was interrupted", file=sys.stderr)
            exit_code = 130
        except BaseException as error:  # whatever user code raises is its result
            self.print_error(error)
            exit_code = 1
        self.flush()
        return {"exitCode": exit_code}

    @staticmethod
    def code_of(stop):
        if stop.code is None or isinstance(stop.code, int):
            return stop.code or 0
        print(stop.code, file=sys.stderr)
        return 1

    def execute(self, code, name):
        tree = self.parse(code, name)
        last = None
        shown = tree.body and isinstance(tree.body[-1], ast.Expr)
        if shown and not code.rstrip().endswith(";"):
            last = ast.Expression(tree.body.pop().value)
        if tree.body:
            self.evaluate(compile(tree, name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT))
        if last is None:
            return
        value = self.evaluate(compile(last, name, "eval", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT))
        if value is not None:
            self.names["_"] = value
            self.show(value)

    @staticmethod
    def parse(code, name):
        try:
            return ast.parse(code, name)
        except SyntaxError:
            translated = magics.translated(code)
            if translated == code:
                raise
        return ast.parse(translated, name)

    def evaluate(self, compiled):
        value = eval(compiled, self.names)
        if not compiled.co_flags & 0x80:  # CO_COROUTINE: it awaits
            return value
        if self.loop is None or self.loop.is_closed():
            self.loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self.loop)
        return self.loop.run_until_complete(value)

    @staticmethod
    def print_error(error):
        report = traceback.TracebackException(type(error), error, error.__traceback__)
        Kernel.remove_own_frames(report, set())
        sys.stderr.write("".join(report.format()))

    @staticmethod
    def remove_own_frames(report, seen):
        if report is None or id(report) in seen:
            return
        seen.add(id(report))
        # What runs the cell, asyncio's loop included, comes before its first line.
        cells = [i for i, f in enumerate(report.stack) if f.filename.startswith("<cell ")]
        kept = report.stack[cells[0] if cells else 0:]
        report.stack[:] = [f for f in kept if f.filename not in OWN_FILES]
        Kernel.remove_own_frames(report.__cause__, seen)
        Kernel.remove_own_frames(report.__context__, seen)

    def flush(self):
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError, AttributeError):
                pass

    # -- rich results

    def show(self, value):
        if self.is_figure(value):
            return  # shown with all that are open, below
        print(repr(value))
        self.flush()
        for media_type, data in self.representations(value):
            self.send_display(media_type, data)

    def display(self, *values):
        """What IPython calls display: shows values wherever in the code."""
        for value in values:
            if self.is_figure(value):
                self.show_figure(value)
            else:
                self.show(value)

    @staticmethod
    def representations(value):
        bundle = getattr(type(value), "_repr_mimebundle_", None)
        if bundle is not None:
            try:
                found = bundle(value)
                found = found[0] if isinstance(found, tuple) else found
                yield from ((k, v) for k, v in (found or {}).items() if k != "text/plain")
                return
            except Exception:
                pass
        for method, media_type in REPR_METHODS:
            try:
                data = getattr(type(value), method, lambda _: None)(value)
            except Exception:
                continue
            if data is not None:
                yield media_type, data[0] if isinstance(data, tuple) else data

    def send_display(self, media_type, data):
        if isinstance(data, (dict, list)):
            import json
            data = json.dumps(data)
        body = data if isinstance(data, bytes) else str(data).encode()
        if len(body) > DISPLAY_BYTES_MAX:
            print(f"[a {media_type} of {len(body)} bytes is not shown]", file=sys.stderr)
            return
        self.send({"event": "display", "mimeType": str(media_type)[:200]}, body)

    @staticmethod
    def is_figure(value):
        figure = sys.modules.get("matplotlib.figure")
        return figure is not None and isinstance(value, figure.Figure)

    def show_figures(self):
        """As a notebook: at plt.show(), or at the end."""
        plots = sys.modules.get("matplotlib.pyplot")
        if plots is None or not hasattr(plots, "get_fignums"):
            return
        for number in plots.get_fignums():
            self.show_figure(plots.figure(number))
        plots.close("all")

    def show_figure(self, figure):
        out = io.BytesIO()
        figure.savefig(out, format="png", bbox_inches="tight")
        self.send_display("image/png", out.getvalue())


def watch_pyplot(kernel):
    """plt.show() shows from the first execution on, though pyplot is imported by the code."""

    def show(*_arguments, **_options):  # pyplot puts attributes on it
        kernel.show_figures()

    class Finder:
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name != "matplotlib.pyplot":
                return None
            sys.meta_path.remove(Finder)
            import importlib.util
            spec = importlib.util.find_spec(name)
            execute = spec.loader.exec_module

            def exec_module(module):
                execute(module)
                module.show = show

            spec.loader.exec_module = exec_module
            return spec

    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].show = show
    else:
        sys.meta_path.insert(0, Finder)


def packages_folder(folder):
    """Where pip installs to in a session, whose environment is read-only."""
    return os.path.join(folder, ".packages")


def main(channel, output, errors, folder):
    """Never returns; in a process of its own, forked a moment ago."""
    os.setsid()
    nowhere = os.open("/dev/null", os.O_RDONLY)
    for given, wanted in ((nowhere, 0), (output, 1), (errors, 2)):
        os.dup2(given, wanted)
    sys.stdin = NoInput()
    sys.stdout = open(1, "w", buffering=8192, encoding="utf-8", errors="replace", closefd=False)
    sys.stdout.reconfigure(line_buffering=True)
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False)
    sys.__stdout__, sys.__stderr__, sys.__stdin__ = sys.stdout, sys.stderr, sys.stdin
    builtins.input = refuse_input
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = [""]
    sys.path[:0] = ["", packages_folder(folder)]
    os.chdir(folder)
    agentcored_template.be_unlike_siblings()
    kernel = Kernel(channel)
    watch_pyplot(kernel)
    kernel.rehearse()
    kernel.serve()
    os._exit(0)
