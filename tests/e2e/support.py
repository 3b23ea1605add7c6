"""What the end to end tests share: registries, the program under test, readers that are not ours.

Import it as `from support import ...`; fixtures are in conftest.py.
"""

import base64
import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODE = os.environ.get("MODE", "release")
BINARY = ROOT / "build" / MODE / "autopack"
ENV_BIN = ROOT / "build" / "env" / "bin"

sys.path.insert(0, str(ROOT / "fixtures" / "executor"))
sys.path.insert(0, str(ROOT / "tests" / "tools"))
import run_image as run_image_tool  # noqa: E402
import layout as oci  # noqa: E402  (oci.Layout, oci.tar_of_members, oci.Link, oci.Dir ...)

# Put before argv: no network, not even loopback.  Root needs no user namespace for it, and gets none in a chroot.
NO_NETWORK = ("unshare", "-n") if os.geteuid() == 0 else ("unshare", "-rn")

MANIFEST_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)

# How this machine reaches its package index and proxies; the rest of the environment is not passed on.
_PASSED_ON = re.compile(r"^(PIP_|UV_|SSL_CERT_|REQUESTS_CA|CURL_CA|https?_proxy$|HTTPS?_PROXY$|no_proxy$|NO_PROXY$)")


def run(*argv, check=True, timeout=120, text=True, **kw):
    """subprocess.run that says what failed."""
    p = subprocess.run([str(a) for a in argv], capture_output=True, timeout=timeout, text=text, **kw)
    if check and p.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, argv))}: status {p.returncode}\n{p.stdout}\n{p.stderr}")
    return p


def index_env():
    """The settings by which pip and uv find the package index on this machine."""
    env = {k: v for k, v in os.environ.items() if _PASSED_ON.match(k)}
    for name in ("pip/pip.conf", ".pip/pip.conf"):
        conf = pathlib.Path.home() / (".config" if name[0] == "p" else "") / name
        if conf.is_file():
            env.setdefault("PIP_CONFIG_FILE", str(conf))
    # uv trusts its own list unless told; the machine's store knows the machine's proxies.
    env.setdefault("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt")
    return env


class Result:
    """What one run of autopack did."""

    def __init__(self, argv, p, seconds):
        self.argv, self.returncode, self.seconds = argv, p.returncode, seconds
        self.stdout, self.stderr = p.stdout, p.stderr

    def json(self):
        return json.loads(self.stdout)

    @property
    def digest(self):
        """The digest in `name@sha256:...` on stdout."""
        m = re.fullmatch(r"\S+@(sha256:[0-9a-f]{64})\n", self.stdout)
        assert m, f"stdout is not one NAME@DIGEST line: {self.stdout!r}"
        return m.group(1)

    @property
    def reference(self):
        self.digest
        return self.stdout.strip()

    def __repr__(self):
        return (
            f"{' '.join(self.argv)}\nstatus {self.returncode} after {self.seconds:.2f} s\n"
            f"--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"
        )


def container_store(top, driver="vfs"):
    """A storage.conf: podman and buildah keep their images below `top` and not in the machine's store."""
    top.mkdir(parents=True, exist_ok=True)
    conf = top / "storage.conf"
    conf.write_text(f'[storage]\ndriver = "{driver}"\ngraphroot = "{top}/root"\nrunroot = "{top}/run"\n')
    return conf


_RUNTIMES = ("podman", "docker", "buildah", "crun")


def path_with(tmp_path, *names):
    """A PATH with everything but the container runtimes, and of these only `names`."""
    where = tmp_path / ("only-" + "-".join(names) if names else "none")
    where.mkdir()
    for directory in (ENV_BIN, *map(pathlib.Path, "/usr/local/sbin /usr/local/bin /usr/sbin /usr/bin /sbin /bin".split())):
        for program in directory.iterdir() if directory.is_dir() else ():
            link = where / program.name
            if program.name in names or program.name not in _RUNTIMES:
                if not os.path.lexists(link):
                    link.symlink_to(program)
    return str(where)


def assert_nothing_left(autopack, store):
    """No container, no temporary file of a run."""
    left = [p.name for p in (autopack.cache / "autopack").rglob("*.tmp.*")]
    assert not left
    env = {**os.environ, "CONTAINERS_STORAGE_CONF": store}
    assert run("buildah", "containers", "-q", env=env).stdout == ""


class Autopack:
    """The program under test with an environment of its own: HOME, XDG, gcloud configuration, PATH with uv."""

    def __init__(self, home, binary=None):
        self.home = pathlib.Path(home)
        self.binary = pathlib.Path(binary or BINARY)
        self.cache = self.home / ".cache"
        for d in (self.home, self.cache, self.home / ".config", self.home / "gcloud", self.home / "tmp"):
            d.mkdir(parents=True, exist_ok=True)
        self.env = {
            "PATH": f"{ENV_BIN}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(self.home),
            "XDG_CACHE_HOME": str(self.cache),
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "CLOUDSDK_CONFIG": str(self.home / "gcloud"),
            "TMPDIR": str(self.home / "tmp"),
            "LC_ALL": "C.UTF-8",
            "GCE_METADATA_HOST": "127.0.0.1:1",  # never the real metadata server
            "CONTAINERS_STORAGE_CONF": str(container_store(self.home / "containers")),
            **index_env(),
            **{k: v for k, v in os.environ.items() if k in ("ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS", "AP_MUTANT")},
        }
        if MODE == "asan":
            self.env.setdefault("ASAN_OPTIONS", "exitcode=99")
            self.env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
        if MODE == "tsan":
            self.env.setdefault("TSAN_OPTIONS", "exitcode=99")

    def environ(self, extra=None):
        """The whole environment of a run; a None in extra takes a variable away."""
        env = {**self.env, **(extra or {})}
        return {k: str(v) for k, v in env.items() if v is not None}

    def __call__(self, *args, cwd=None, env=None, input=None, check=0, timeout=300, prefix=()):
        """Run it; `check` is the exit status wanted, None for any.  `prefix` is put before argv (strace, unshare)."""
        argv = [*map(str, prefix), str(self.binary), *map(str, args)]
        started = time.monotonic()
        p = subprocess.run(
            argv,
            cwd=cwd,
            env=self.environ(env),
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        r = Result(argv, p, time.monotonic() - started)
        self._keep_body(args, r)
        assert r.returncode not in (99, -signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS), f"crashed: {r!r}"
        assert "AddressSanitizer" not in r.stderr and "runtime error:" not in r.stderr, repr(r)
        if check is not None:
            assert r.returncode == check, f"wanted status {check}: {r!r}"
        return r

    # The bodies that dry runs printed, (message, body); conftest.py gives all of them to the API's own types.
    bodies = []
    MESSAGES = {
        "custom-jobs": "CustomJob",
        "hp-tuning-jobs": "HyperparameterTuningJob",
        "persistent-resources": "PersistentResource",
        "pipelines": "PipelineJob",
        "training-pipelines": "TrainingPipeline",
    }

    def _keep_body(self, args, r):
        words = [str(a) for a in args]
        dry = any(w.startswith("--dry-run") for w in words)
        if dry and r.returncode == 0 and words[0] in self.MESSAGES and r.stdout.startswith("{"):
            self.bodies.append((self.MESSAGES[words[0]], r.json()))

    def popen(self, *args, cwd=None, env=None, prefix=(), **kw):
        """Started and not waited for, for signals and terminals."""
        argv = [*map(str, prefix), str(self.binary), *map(str, args)]
        return subprocess.Popen(argv, cwd=cwd, env=self.environ(env), **kw)


class Registry:
    """Debian's docker-registry on a free loopback port, storage below `top`."""

    def __init__(self, top, extra=None, scheme="http", start=True):
        self.top = pathlib.Path(top)
        self.top.mkdir(parents=True, exist_ok=True)
        self.storage = self.top / "storage"
        self.scheme, self.process, self.port = scheme, None, 0
        self.extra = extra or {}
        self.log_path = self.top / "log"
        if start:
            self.start()

    def start(self):
        # JSON is YAML; port 0 lets the kernel choose, the log says which.
        config = {
            "version": 0.1,
            "log": {"level": "info", "formatter": "json", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": str(self.storage)},
                "delete": {"enabled": True},
                "maintenance": {"uploadpurging": {"enabled": False}},
            },
            "http": {"addr": f"127.0.0.1:{self.port}", "secret": "e2e"},
        }
        for key, value in self.extra.items():
            at = config
            *parents, last = key.split(".")
            for p in parents:
                at = at.setdefault(p, {})
            at[last] = value
        path = self.top / "config.yml"
        path.write_text(json.dumps(config))
        offset = self.log_path.stat().st_size if self.log_path.exists() else 0
        log = open(self.log_path, "ab")
        self.process = subprocess.Popen(
            ["docker-registry", "serve", str(path)], stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.top
        )
        log.close()
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            m = re.search(rb"listening on 127\.0\.0\.1:(\d+)", self.log_path.read_bytes()[offset:])
            if m:
                self.port = int(m.group(1))
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"docker-registry did not start:\n{self.log_path.read_text()}")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    @property
    def host(self):
        return f"127.0.0.1:{self.port}"

    def name(self, repository):
        return f"{self.host}/{repository}"

    def request(self, method, path, headers=None, body=None):
        """(status, headers, body) of one plain request."""
        conn = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(conn):
            conn.request(method, path, body=body, headers=headers or {})
            r = conn.getresponse()
            return r.status, r.headers, r.read()

    def manifest(self, repository, reference, want=200):
        """(manifest, digest, media type), the digest computed here."""
        status, headers, body = self.request(
            "GET", f"/v2/{repository}/manifests/{reference}", {"Accept": ", ".join(MANIFEST_TYPES)}
        )
        assert status == want, f"{repository}:{reference}: HTTP {status} {body!r}"
        return json.loads(body), "sha256:" + hashlib.sha256(body).hexdigest(), headers["Content-Type"]

    def settled_manifest(self, repository, reference):
        """
        manifest(), of a tag that a client was putting when it was killed: docker-registry empties a tag's file and then
        writes it, and whoever reads in between gets its 500.  Five seconds later it is an error.
        """
        until = time.monotonic() + 5
        while time.monotonic() < until:
            accept = {"Accept": ", ".join(MANIFEST_TYPES)}
            if self.request("GET", f"/v2/{repository}/manifests/{reference}", accept)[0] != 500:
                break
            time.sleep(0.05)
        return self.manifest(repository, reference)

    def has_manifest(self, repository, reference):
        return (
            self.request("HEAD", f"/v2/{repository}/manifests/{reference}", {"Accept": ", ".join(MANIFEST_TYPES)})[0]
            == 200
        )

    def blob(self, repository, digest):
        status, _, body = self.request("GET", f"/v2/{repository}/blobs/{digest}")
        assert status == 200, f"{repository} {digest}: HTTP {status}"
        assert "sha256:" + hashlib.sha256(body).hexdigest() == digest
        return body

    def put_blob(self, repository, data):
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        status, headers, body = self.request("POST", f"/v2/{repository}/blobs/uploads/", {"Content-Length": "0"})
        assert status == 202, f"{repository}: HTTP {status} {body!r}"
        where = re.sub(r"^https?://[^/]+", "", headers["Location"])
        where += ("&" if "?" in where else "?") + "digest=" + digest
        status, _, body = self.request("PUT", where, {"Content-Type": "application/octet-stream"}, data)
        assert status == 201, f"{repository}: HTTP {status} {body!r}"
        return digest

    def put_manifest(self, repository, reference, data, media_type):
        status, _, body = self.request(
            "PUT", f"/v2/{repository}/manifests/{reference}", {"Content-Type": media_type}, data
        )
        assert status == 201, f"{repository}:{reference}: HTTP {status} {body!r}"

    def push_layout(self, layout, tag, repository, reference=None):
        """An OCI layout's tag as it is, Docker media types and indexes too (skopeo reads only OCI ones from a layout)."""
        layout = pathlib.Path(layout)

        def data(desc):
            return (layout / "blobs" / "sha256" / desc["digest"][7:]).read_bytes()

        def send(desc, name):
            body = json.loads(data(desc))
            for child in body.get("manifests", []):
                send(child, child["digest"])
            for blob in [body["config"], *body["layers"]] if "config" in body else []:
                self.put_blob(repository, data(blob))
            self.put_manifest(repository, name, data(desc), desc["mediaType"])

        index = json.loads((layout / "index.json").read_text())
        ref_name = "org.opencontainers.image.ref.name"
        desc = next(m for m in index["manifests"] if m.get("annotations", {}).get(ref_name) == tag)
        send(desc, reference or tag)
        return self.name(f"{repository}:{reference or tag}")

    def config(self, repository, reference):
        manifest, _, _ = self.manifest(repository, reference)
        return json.loads(self.blob(repository, manifest["config"]["digest"]))

    def tags(self, repository):
        status, _, body = self.request("GET", f"/v2/{repository}/tags/list")
        return sorted(json.loads(body).get("tags") or []) if status == 200 else []

    def repositories(self):
        return json.loads(self.request("GET", "/v2/_catalog?n=1000")[2])["repositories"]

    def requests(self, since=0):
        """[(method, uri, status)] answered so far; pass the length of an earlier answer to see only what is new."""
        out = []
        with open(self.log_path) as f:
            for line in f:
                try:
                    e = json.loads(line)
                except ValueError:
                    continue
                if e.get("msg", "").startswith("response completed"):
                    out.append((e["http.request.method"], e["http.request.uri"], e.get("http.response.status", 0)))
        return out[since:]


def executor(name):
    """Path of the OCI layout that fixtures/executor/NAME.sh makes, kept below build/executor."""
    return pathlib.Path(run("bash", ROOT / "fixtures" / "executor" / "get.sh", name, timeout=1200).stdout.strip())


def skopeo_inspect(reference, *, raw=False, config=False):
    """What skopeo says of TRANSPORT:REF; a bare reference is docker://."""
    if "://" not in reference and not re.match(r"^(oci|dir|oci-archive|docker-archive):", reference):
        reference = "docker://" + reference
    argv = ["skopeo", "inspect", "--tls-verify=false"]
    argv += ["--raw"] if raw else []
    argv += ["--config"] if config else []
    return json.loads(run(*argv, reference).stdout)


def to_layout(reference, directory, tag="latest"):
    """A registry's image as an OCI layout, by skopeo; "DIR:TAG" for umoci."""
    if "://" not in reference and not reference.startswith(("oci:", "oci-archive:", "docker-archive:")):
        reference = "docker://" + reference
    run("skopeo", "copy", "-q", "--src-tls-verify=false", reference, f"oci:{directory}:{tag}")
    return f"{directory}:{tag}"


def umoci_unpack(image, bundle):
    """image: a registry reference, oci:DIR:TAG or DIR:TAG.  Returns the path of the root file system."""
    bundle = pathlib.Path(bundle)
    if image.startswith("oci:"):
        image = image[4:]
    elif not image.startswith(("/", ".")):
        image = to_layout(image, bundle.parent / (bundle.name + ".layout"))
    rootless = [] if os.geteuid() == 0 else ["--rootless"]
    run("umoci", "unpack", *rootless, "--image", image, bundle)
    return bundle / "rootfs"


class Dockerd:
    """Debian's docker engine with an empty store of its own."""

    def __init__(self, top):
        self.top = top
        self.socket = f"unix://{top}/s"
        self.log = open(top / "log", "wb")
        self.process = subprocess.Popen(
            [
                "dockerd",
                "--iptables=false",
                "--bridge=none",
                f"--host={self.socket}",
                f"--data-root={top}/data",
                f"--exec-root={top}/exec",
                f"--pidfile={top}/pid",
                "--storage-driver=vfs",
            ],
            stdout=self.log,
            stderr=self.log,
        )
        deadline = time.monotonic() + 60
        while self("info", check=False).returncode != 0:
            assert self.process.poll() is None and time.monotonic() < deadline, (top / "log").read_text()
            time.sleep(0.2)

    def __call__(self, *argv, **kw):
        return run("docker", "--host", self.socket, *argv, **kw)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self.log.close()


class Buildah:
    """Another builder, with storage below `top`."""

    def __init__(self, top):
        self.env = {**os.environ, "TMPDIR": str(top)}
        for driver in ("overlay", "vfs"):  # the second copies everything for each container, but works everywhere
            self.options = ["--storage-driver", driver, "--root", f"{top}/root", "--runroot", f"{top}/run"]
            if run("buildah", "info", *self.options, env=self.env, check=False).returncode == 0:
                break

    def __call__(self, *args, **kw):
        return run("buildah", args[0], *self.options, *args[1:], env=self.env, timeout=600, **kw).stdout.strip()

    def build(self, context, dockerfile, name):
        """(root file system, config)"""
        self("bud", "-q", "--isolation", "chroot", "--tls-verify=false", "--format", "oci", "-f", dockerfile, "-t", name, context)
        root = pathlib.Path(self("mount", self("from", "--pull-never", name)))
        return root, json.loads(self("inspect", "--type", "image", name))["OCIv1"]["config"]


def run_in(rootfs, argv, env=None, cwd="/", check=True, timeout=120, input=None):
    """Run argv inside a root file system: chroot in namespaces of its own, with /proc and /dev."""
    p = subprocess.run(
        run_image_tool.command(rootfs, argv, [f"{k}={v}" for k, v in (env or {}).items()], cwd),
        capture_output=True,
        text=True,
        timeout=timeout,
        input=input,
        stdin=subprocess.DEVNULL if input is None else None,
    )
    if check:
        assert p.returncode == 0, f"{argv} in {rootfs}: status {p.returncode}\n{p.stdout}\n{p.stderr}"
    return p


def run_image(reference, bundle, args=(), check=True, timeout=120, rootfs=None):
    """Unpack an image with umoci and run its entry point as its config says."""
    config = skopeo_inspect(reference, config=True)["config"]
    rootfs = rootfs or umoci_unpack(reference, bundle)
    env = dict(e.split("=", 1) for e in config.get("Env") or [])
    argv = [*(config.get("Entrypoint") or []), *(args or config.get("Cmd") or [])]
    return run_in(rootfs, argv, env=env, cwd=config.get("WorkingDir") or "/", check=check, timeout=timeout)


def tree(top):
    """{relative path: (kind, mode, content digest or link target)} of a directory."""
    out = {}
    for where, dirs, files in os.walk(top):
        for name in dirs + files:
            path = os.path.join(where, name)
            rel, st = os.path.relpath(path, top), os.lstat(path)
            if os.path.islink(path):
                out[rel] = ("link", 0, os.readlink(path))
            elif os.path.isdir(path):
                out[rel] = ("dir", st.st_mode & 0o7777, "")
            else:
                with open(path, "rb") as f:
                    out[rel] = ("file", st.st_mode & 0o7777, hashlib.sha256(f.read()).hexdigest())
    return out


def wheel(directory, name, version, files=None, tag="py3-none-any", metadata="", entry_points=None, data=None):
    """A small right wheel made here; returns its path.  `files` {path: text or bytes}, `data` the same below .data."""
    import zipfile

    dist = re.sub(r"[-_.]+", "_", name)
    info = f"{dist}-{version}.dist-info"
    members = {k: v.encode() if isinstance(v, str) else v for k, v in (files or {f"{dist}/__init__.py": ""}).items()}
    for k, v in (data or {}).items():
        members[f"{dist}-{version}.data/{k}"] = v.encode() if isinstance(v, str) else v
    members[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{metadata}".encode()
    pure = "true" if tag.endswith("-any") else "false"
    members[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: e2e\nRoot-Is-Purelib: {pure}\nTag: {tag}\n".encode()
    if entry_points:
        members[f"{info}/entry_points.txt"] = entry_points.encode()
    record = ""
    for k, v in members.items():
        h = base64.urlsafe_b64encode(hashlib.sha256(v).digest()).rstrip(b"=").decode()
        record += f"{k},sha256={h},{len(v)}\n"
    members[f"{info}/RECORD"] = (record + f"{info}/RECORD,,\n").encode()
    path = pathlib.Path(directory) / f"{dist}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        for k, v in members.items():
            z.writestr(zipfile.ZipInfo(k, (1980, 1, 1, 0, 0, 0)), v, zipfile.ZIP_DEFLATED)
    return path


# What a small base holds, for --inventory: no program of it can run.
SITE = "usr/lib/python3.11/site-packages"
INVENTORY = {
    "format": "autopack.inventory.v1",
    "os": "linux",
    "arch": "amd64",
    "libc": "glibc",
    "libcVersion": "2.36",
    "hasPython": True,
    "hasPython3": True,
    "python": "/usr/bin/python3.11",
    "pythonVersion": "3.11.2",
    "implementation": "cpython",
    "scheme": {
        "prefix": "/usr",
        "purelib": f"/{SITE}",
        "platlib": f"/{SITE}",
        "scripts": "/usr/bin",
        "data": "/usr",
        "headers": "/usr/include/python3.11",
        "interpreter": "/usr/bin/python",
    },
    "siteDirs": [f"/{SITE}"],
    "distributions": [],
    "tree": {"usr": {"bin": {"python": "python3.11", "python3.11": 1}, "lib": {"python3.11": {"site-packages": {}}}}},
}


def project(directory, files):
    """A working directory: {path: text, bytes or (mode, text)}."""
    directory = pathlib.Path(directory)
    for rel, value in files.items():
        path = directory / rel
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = None
        if isinstance(value, tuple):
            mode, value = value
        path.write_bytes(value.encode() if isinstance(value, str) else value)
        if mode is not None:
            path.chmod(mode)
    return directory


def remove(path):
    shutil.rmtree(path, ignore_errors=True)
