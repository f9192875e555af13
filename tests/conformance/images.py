"""Container images made here: a Python of this machine and an agent, as an OCI layout."""
import gzip
import hashlib
import io
import json
import pathlib
import platform
import re
import subprocess
import sysconfig
import tarfile

AGENT = '''
import http.server, json, os
def changed(path):
    """What the file held, and that it can be changed and removed again."""
    if path is None:
        return None
    before = open(path).read()
    open(path, "a").write("more")
    after = open(path).read()
    os.rename(path, path + ".moved")
    os.unlink(path + ".moved")
    return [before, after, os.path.exists(path)]
class Agent(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_): pass
    def say(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        self.say({"status": "Healthy"})
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        def tried(path):
            try:
                open(path, "w").close()
                return True
            except OSError:
                return False
        self.say({"folder": os.getcwd(), "files": sorted(os.listdir("/app")),
                  "environment": {k: os.environ.get(k) for k in ("COLOUR", "GIVEN", "HOME")},
                  "writes": {p: tried(p + "/new") for p in
                             ("/tmp", "/work", "/app", "/", "/etc", "/proc/sys", "/dev")},
                  "changed": changed(asked.get("change")),
                  "user": [os.getuid(), os.getgid()],
                  "greeting": open("/greeting").read(), "asked": asked})
http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Agent).serve_forever()
'''
MACHINE = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]


def tar_of(entries):
    """entries: {name: bytes, a path to copy, or ("link", target)}."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in entries.items():
            if isinstance(content, pathlib.Path):
                tar.add(content, name, filter=without_caches)
                continue
            info = tarfile.TarInfo(name)
            if isinstance(content, tuple):
                info.type, info.linkname = tarfile.SYMTYPE, content[1]
                tar.addfile(info)
            else:
                info.size, info.mode = len(content), 0o755
                tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def without_caches(info):
    return None if re.search(r"__pycache__|/(test|idlelib|lib2to3|dist-packages)(/|$)", info.name) \
        else info


def python_layer():
    """This machine's own Python and the libraries that it loads."""
    python = pathlib.Path("/usr/bin/python3").resolve()
    entries = {"usr/bin/python3": python, "lib64": ("link", "usr/lib64"),
               "lib": ("link", "usr/lib")}
    listed = subprocess.run(["ldd", python], check=True, capture_output=True, text=True).stdout
    for path in re.findall(r"(/\S+) \(0x", listed):
        entries["usr" + path.removeprefix("/usr")] = pathlib.Path(path).resolve()
    library = pathlib.Path(f"/usr/lib/python3.{sysconfig.get_python_version().split('.')[1]}")
    entries[str(library)[1:]] = library
    return tar_of(entries)


def layout(layers, architecture=MACHINE, **config):
    """An OCI layout as a tar; layers are plain tars."""
    blobs = {}

    def keep(data, kind):
        digest = hashlib.sha256(data).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = data
        return {"mediaType": f"application/vnd.oci.image.{kind}", "size": len(data),
                "digest": f"sha256:{digest}"}

    document = {"architecture": architecture, "os": "linux", "config": config, "rootfs": {
        "type": "layers",
        "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest() for layer in layers]}}
    manifest = {
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": keep(json.dumps(document).encode(), "config.v1+json"),
        "layers": [keep(gzip.compress(layer, 1), "layer.v1.tar+gzip") for layer in layers]}
    entry = keep(json.dumps(manifest).encode(), "manifest.v1+json")
    return tar_of({"oci-layout": b'{"imageLayoutVersion": "1.0.0"}', **blobs,
                   "index.json": json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()})


def agent_layout(**changed):
    """An image whose agent tells what it sees; its second layer changes the first."""
    first = tar_of({"app/agent.py": AGENT.encode(), "app/removed": b"x", "greeting": b"hello",
                    "etc/passwd": b"root:x:0:0::/root:/bin/sh\nagent:x:1234:99::/app:/bin/sh\n",
                    "etc/group": b"agents:x:77:agent\n", "etc/settings": b"as built"})
    second = tar_of({"app/.wh.removed": b"", "greeting": b"good day"})
    config = {"Entrypoint": ["python3", "-u"], "Cmd": ["agent.py"], "WorkingDir": "/app",
              "Env": ["PATH=/usr/local/bin:/usr/bin", "COLOUR=blue", "GIVEN=image"],
              "User": "agent"}
    return layout([python_layer(), first, second], **{**config, **changed})


def with_manifest(archive, change):
    """The same layout with a manifest that `change` has edited; its own digest is right."""
    files = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            files[member.name] = tar.extractfile(member).read()
    index = json.loads(files["index.json"])
    entry = index["manifests"][0]
    manifest = json.loads(files.pop("blobs/sha256/" + entry["digest"].removeprefix("sha256:")))
    change(manifest)
    data = json.dumps(manifest).encode()
    digest = hashlib.sha256(data).hexdigest()
    entry.update(digest=f"sha256:{digest}", size=len(data))
    return tar_of({**files, f"blobs/sha256/{digest}": data,
                   "index.json": json.dumps(index).encode()})
