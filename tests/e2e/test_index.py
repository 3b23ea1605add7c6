"""A package index of our own: credentials, other origins, hashes, sources, what the base has."""

import base64
import gzip
import hashlib
import http.server
import io
import json
import os
import pathlib
import re
import tarfile
import threading
import time

import pytest

import support

CODE = {"trainer/task.py": "import helper; print('helper', helper.VALUE)\n"}
SECRET = "geheim8471passwort"


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


class Index:
    """A simple index over HTTP; files may be served by another origin.  Every request is kept."""

    def __init__(self, user=None):
        self.files, self.requests, self.other = {}, [], None
        self.want = "Basic " + base64.b64encode(f"{user}".encode()).decode() if user else None
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def do_GET(self):
                outer.requests.append((self.path, dict(self.headers)))
                if outer.want and self.headers.get("Authorization") != outer.want:
                    return self.answer(401, b"", {"WWW-Authenticate": 'Basic realm="x"'})
                name = self.path.rsplit("/", 1)[1]
                if name in outer.files:
                    data, start = outer.files[name], 0
                    m = re.match(r"bytes=(\d+)-(\d*)$", self.headers.get("Range", ""))
                    if m:
                        start = int(m[1])
                        end = int(m[2]) + 1 if m[2] else len(data)
                        extra = {"Content-Range": f"bytes {start}-{end - 1}/{len(data)}"}
                        return self.answer(206, data[start:end], extra)
                    return self.answer(200, data)
                m = re.match(r"/simple/([^/]+)/$", self.path)
                page = outer.page(m[1]) if m else None
                return self.answer(200, page, {"Content-Type": "text/html"}) if page else self.answer(404, b"")

            def answer(self, status, body, headers=None):
                self.send_response(status)
                for k, v in {"Content-Length": len(body), "Accept-Ranges": "bytes", **(headers or {})}.items():
                    self.send_header(k, str(v))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_HEAD = do_GET

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def page(self, project):
        at = self.other or self
        names = [n for n in at.files if re.sub(r"[-_.]+", "-", re.split(r"-\d", n)[0]).lower() == project]
        link = '<a href="http://{}/files/{}#sha256={}">{}</a>'
        lines = [link.format(at.host, n, hashlib.sha256(at.files[n]).hexdigest(), n) for n in sorted(names)]
        return "<!doctype html><body>{}</body>".format("\n".join(lines)).encode() if names else None

    def url(self, user=""):
        return f"http://{user}{self.host}/simple"


@pytest.fixture
def index():
    made = []

    def make(user=None):
        made.append(Index(user))
        return made[-1]

    yield make
    for i in made:
        i.server.shutdown()
        i.server.server_close()


def wheel(tmp_path, name, version, value=1, **kw):
    path = support.wheel(tmp_path, name, version, {f"{name}/__init__.py": f"VALUE = {value}\n"}, **kw)
    return path.name, path.read_bytes()


def sdist(name, version, setup):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        top = f"{name}-{version}"
        for path, text in {
            "setup.py": setup,
            "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
            f"{name}.py": "VALUE = 2\n",
        }.items():
            info = tarfile.TarInfo(f"{top}/{path}")
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    return f"{name}-{version}.tar.gz", out.getvalue()


@pytest.fixture
def build(autopack, base, tmp_path):
    """Into a layout, on a base that is known from a file, with no index but the one a test names."""
    (tmp_path / "inventory.json").write_text(json.dumps(INVENTORY))

    def go(where, *flags, executor="tiny-python", env=None, **kw):
        return autopack(
            "build",
            f"--executor-image-uri={base.push(executor)}",
            f"--local-package-path={where}",
            "--script=trainer/task.py",
            f"--image=oci:{tmp_path}/out:latest",
            f"--inventory={tmp_path}/inventory.json",
            *flags,
            env={"PIP_CONFIG_FILE": "/dev/null", "PIP_INDEX_URL": None, "UV_INDEX_URL": None, **(env or {})},
            **kw,
        )

    return go


def watch_arguments(stop, seen):
    """The command lines of everything that runs meanwhile."""
    while not stop.is_set():
        for p in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                seen.add(p.read_bytes().replace(b"\0", b" "))
            except OSError:
                pass
        time.sleep(0.003)


def files_with(secret, *tops):
    """Files below that hold the secret, plain or compressed."""
    found = []
    for top in tops:
        for d, _, names in os.walk(top):
            for n in names:
                path = pathlib.Path(d) / n
                if path.is_symlink() or not path.is_file():
                    continue
                data = path.read_bytes()
                if data[:2] == b"\x1f\x8b":
                    data += gzip.decompress(data)
                if secret.encode() in data:
                    found.append(str(path))
    return found


@pytest.mark.parametrize("way", ["file", "environment", "netrc", "variable", "keyring"])
def test_a_password_of_the_index_is_used_and_is_found_nowhere(build, project, index, autopack, tmp_path, way):
    i = index(f"me:{SECRET}")
    i.files.update([wheel(tmp_path, "helper", "1.0")])
    where = project({**CODE, "requirements.txt": "helper\n"})
    outside, env = [], {}
    if way == "file":
        (where / "requirements.txt").write_text(f"-i {i.url(f'me:{SECRET}@')}\nhelper\n")
    elif way == "environment":
        env = {"PIP_INDEX_URL": i.url(f"me:{SECRET}@")}
    elif way == "variable":
        (where / "requirements.txt").write_text(f"-i http://me:${{INDEX_PW}}@{i.host}/simple\nhelper\n")
        env = {"INDEX_PW": SECRET}
    elif way == "keyring":
        tool = tmp_path / "bin" / "keyring"
        tool.parent.mkdir()
        tool.write_text(f'#!/bin/sh\n[ "$1" = get ] && [ "$3" = me ] && echo {SECRET}\n')
        tool.chmod(0o755)
        outside = [str(tool)]
        env = {
            "PATH": f"{tool.parent}:{autopack.env['PATH']}", "PIP_KEYRING_PROVIDER": "subprocess",
            "UV_KEYRING_PROVIDER": "subprocess", "PIP_INDEX_URL": i.url("me@"),
        }  # fmt: skip
    else:
        netrc = pathlib.Path(autopack.home) / ".netrc"
        netrc.write_text(f"machine 127.0.0.1 login me password {SECRET}\n")
        netrc.chmod(0o600)
        outside = [str(netrc)]
        env = {"PIP_INDEX_URL": i.url()}
    stop, seen = threading.Event(), set()
    watcher = threading.Thread(target=watch_arguments, args=(stop, seen))
    watcher.start()
    try:
        r = build(
            where,
            f"--lock-out={tmp_path}/lock.toml",
            f"--metadata-file={tmp_path}/m.json",
            "--verbosity=debug",
            env=env,
        )
    finally:
        stop.set()
        watcher.join()
    assert any("pip compile" in s.decode(errors="replace") for s in seen)
    assert not [s for s in seen if SECRET.encode() in s]
    assert SECRET not in r.stdout + r.stderr
    assert "helper" in (tmp_path / "lock.toml").read_text()
    assert set(files_with(SECRET, tmp_path)) - {str(where / "requirements.txt")} <= set(outside)


def test_the_index_is_asked_while_the_base_is_read(autopack, base, project, index, tmp_path):
    i = index(f"me:{SECRET}")
    i.files.update([wheel(tmp_path, "helper", "1.0", metadata="Requires-Dist: other\n"), wheel(tmp_path, "other", "2.0")])
    where = project({**CODE, "requirements.txt": f"-i {i.url(f'me:{SECRET}@')}\nhelper\n"})
    flags = [f"--executor-image-uri={base.push('debian')}", f"--local-package-path={where}", "--script=trainer/task.py"]
    env = {"PIP_CONFIG_FILE": "/dev/null", "PIP_INDEX_URL": None, "UV_INDEX_URL": None}
    r = autopack("build", *flags, f"--image=oci:{tmp_path}/out:1", f"--lock-out={tmp_path}/lock.toml", "--verbosity=debug", env=env)
    assert "the index was asked before the base was read: status 0" in r.stderr
    assert "other" in (tmp_path / "lock.toml").read_text()
    assert not list((autopack.cache / "autopack").glob("uv-run.tmp.*"))
    assert not files_with(SECRET, autopack.cache)
    # A base that is known leaves nothing to wait for.
    r = autopack("build", *flags, f"--image=oci:{tmp_path}/out:2", "--refresh", "--verbosity=debug", env=env)
    assert "the index was asked" not in r.stderr


def test_a_password_is_not_sent_to_where_the_files_lie(build, project, index, tmp_path):
    i, files = index(f"me:{SECRET}"), index()
    files.files.update([wheel(tmp_path, "helper", "1.0")])
    i.other = files
    where = project({**CODE, "requirements.txt": f"-i {i.url(f'me:{SECRET}@')}\nhelper\n"})
    build(where)
    assert [p for p, _ in files.requests if p.endswith(".whl")]
    assert not [h for _, h in files.requests if "Authorization" in h]


def test_a_wheel_that_is_not_the_one_the_index_named_is_refused(build, project, index, tmp_path):
    i = index()
    name, data = wheel(tmp_path, "helper", "1.0")
    i.files[name] = data
    page = i.page("helper")
    i.page = lambda project: page.replace(hashlib.sha256(data).hexdigest().encode(), b"0" * 64)
    where = project({**CODE, "requirements.txt": f"-i {i.url()}\nhelper\n"})
    r = build(where, check=1)
    assert "want sha256:0000" in r.stderr
    assert json.loads((tmp_path / "out/index.json").read_text())["manifests"] == []


MALICIOUS = "import os\nopen({marker!r}, 'w')\nfrom setuptools import setup\nsetup(name='helper', version='2.0', py_modules=['helper'])\n"


def test_a_source_from_the_index_never_runs_unless_it_is_allowed(build, project, index, tmp_path):
    i = index()
    marker = tmp_path / "it-ran"
    i.files.update([wheel(tmp_path, "helper", "1.0"), sdist("helper", "2.0", MALICIOUS.format(marker=str(marker)))])
    where = project({**CODE, "requirements.txt": f"-i {i.url()}\nhelper\n"})
    build(where, f"--lock-out={tmp_path}/lock.toml")
    assert 'version = "1.0"' in (tmp_path / "lock.toml").read_text() and not marker.exists()
    (where / "requirements.txt").write_text(f"-i {i.url()}\nhelper>=2\n")
    r = build(where, check=1)
    assert not marker.exists() and "--allow-build" in r.stderr
    r = build(where, "--allow-build=another", check=1)
    assert not marker.exists()


def test_a_resolution_leaves_alone_what_only_the_base_has(build, project, index, tmp_path):
    """torch==2.3.0+cu121 of a vendor's image: no index has it, and nothing may replace it."""
    torch = {
        "name": "torch",
        "version": "2.3.0+cu121",
        "path": f"/{SITE}/torch-2.3.0+cu121.dist-info",
        "site": f"/{SITE}",
        "removable": True,
        "hasRecord": True,
        "requires": ["helper>=1"],
        "files": [],
    }
    (tmp_path / "inventory.json").write_text(json.dumps({**INVENTORY, "distributions": [torch]}))
    i = index()
    i.files.update(
        [
            wheel(tmp_path, "helper", "1.0"),
            wheel(tmp_path, "torch", "2.9.0"),
            wheel(tmp_path, "accelerate", "1.0", metadata="Requires-Dist: torch>=2.0\n"),
        ]
    )
    where = project({**CODE, "requirements.txt": f"-i {i.url()}\naccelerate\n"})
    build(where, f"--lock-out={tmp_path}/lock.toml")
    names = re.findall(r'^name = "(.*)"', (tmp_path / "lock.toml").read_text(), re.M)
    assert names == ["accelerate", "helper"]
    build(where, f"--lock-out={tmp_path}/lock.toml", "--requirements=torch")
    text = (tmp_path / "lock.toml").read_text()
    assert 'version = "2.9.0"' in text and 'removes = ["torch"]' in text
