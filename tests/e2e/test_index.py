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
from support import INVENTORY, SITE

CODE = {"trainer/task.py": "import helper; print('helper', helper.VALUE)\n"}
SECRET = "geheim8471passwort"


class Index:
    """A simple index over HTTP; files may be served by another origin.  Every request is kept."""

    def __init__(self, user=None):
        self.files, self.requests, self.other = {}, [], None
        self.yanked = {}  # {file: why}
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
        link = '<a href="http://{}/files/{}#sha256={}"{}>{}</a>'
        why = lambda n: f' data-yanked="{at.yanked[n]}"' if n in at.yanked else ""  # noqa: E731
        lines = [link.format(at.host, n, hashlib.sha256(at.files[n]).hexdigest(), why(n), n) for n in sorted(names)]
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


def watch_processes(stop, seen, given):
    """The command lines of everything that runs meanwhile; of uv also whether the secret is in its environment."""
    while not stop.is_set():
        for p in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                line = (p / "cmdline").read_bytes().replace(b"\0", b" ")
                seen.add(line)
                if b"pip compile" in line and SECRET.encode() in (p / "environ").read_bytes():
                    given.add(line)
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
                elif data[:4] == b"\x28\xb5\x2f\xfd":
                    data += support.run("zstd", "-dc", path, text=False).stdout
                if secret.encode() in data:
                    found.append(str(path))
    return found


# How a password is given: what requirements.txt holds, what the environment has; {i} is the index, {files} its files.
WITH, AS_ME = f"http://me:{SECRET}@", "http://me@"
WAYS = {
    "file": ("-i " + WITH + "{i}/simple\nhelper\n", {}),
    "file, second index": ("-i http://{other}/simple\n--extra-index-url " + WITH + "{i}/simple\nhelper\n", {}),
    "file, links": ("--no-index\n--find-links " + WITH + "{i}/simple/helper/\nhelper\n", {}),
    "file, address without name": (WITH + "{i}/files/helper-1.0-py3-none-any.whl\n", {}),
    "file, address": ("helper @ " + WITH + "{i}/files/helper-1.0-py3-none-any.whl\n", {}),
    "variable": ("-i http://me:${{INDEX_PW}}@{i}/simple\nhelper\n", {"INDEX_PW": SECRET}),
    "PIP_INDEX_URL": ("helper\n", {"PIP_INDEX_URL": WITH + "{i}/simple"}),
    "PIP_EXTRA_INDEX_URL": ("helper\n", {"PIP_INDEX_URL": "http://{other}/simple", "PIP_EXTRA_INDEX_URL": WITH + "{i}/simple"}),
    "UV_INDEX": (
        "helper\n",
        {"PIP_INDEX_URL": "http://{other}/simple", "UV_INDEX": "corp=http://{i}/simple", "UV_INDEX_CORP_USERNAME": "me", "UV_INDEX_CORP_PASSWORD": SECRET},
    ),
    "pip.conf": ("helper\n", {"PIP_CONFIG_FILE": "{outside}/pip.conf"}),
    "netrc": ("helper\n", {"PIP_INDEX_URL": "http://{i}/simple", "NETRC": "{outside}/netrc"}),
    "keyring": (
        "helper\n",
        {"PIP_INDEX_URL": AS_ME + "{i}/simple", "PIP_KEYRING_PROVIDER": "subprocess", "PATH": "{outside}:" + f"{support.ENV_BIN}:/usr/bin:/bin"},
    ),
}  # fmt: skip


def keep_outside(where, i):
    """Where the user keeps a password: files of his, not of ours."""
    where.mkdir()
    (where / "pip.conf").write_text(f"[global]\nindex-url = {WITH}{i.host}/simple\n")
    (where / "netrc").write_text(f"machine 127.0.0.1 login me password {SECRET}\n")
    (where / "keyring").write_text(f'#!/bin/sh\n[ "$1" = get ] && [ "$3" = me ] && echo {SECRET}\n')
    (where / "netrc").chmod(0o600)
    (where / "keyring").chmod(0o755)


@pytest.mark.parametrize("right", [True, False], ids=["right", "wrong"])
@pytest.mark.parametrize("way", WAYS)
def test_a_password_of_the_index_is_used_and_is_found_nowhere(build, project, index, tmp_path, way, right):
    i, other = index(f"me:{SECRET if right else 'another'}"), index()
    i.files.update([wheel(tmp_path, "helper", "1.0")])
    outside = tmp_path / "outside"
    keep_outside(outside, i)
    places = {"i": i.host, "other": other.host, "outside": outside}
    text, env = WAYS[way]
    where = project({**CODE, "requirements.txt": text.format(**places)})
    stop, seen, given = threading.Event(), set(), set()
    watcher = threading.Thread(target=watch_processes, args=(stop, seen, given))
    watcher.start()
    try:
        r = build(
            where,
            f"--lock-out={tmp_path}/lock.toml",
            f"--metadata-file={tmp_path}/m.json",
            f"--sbom-out={tmp_path}/sbom.json",
            "--verbosity=debug",
            env={k: v.format(**places) for k, v in env.items()},
            check=0 if right else 1,
        )
    finally:
        stop.set()
        watcher.join()
    assert any("pip compile" in s.decode(errors="replace") for s in seen)
    assert not [s for s in seen if SECRET.encode() in s]
    assert not given
    assert SECRET not in r.stdout + r.stderr
    if right:
        assert "helper" in (tmp_path / "lock.toml").read_text()
    found = set(files_with(SECRET, tmp_path)) - {str(where / "requirements.txt")}
    assert not [f for f in found if not f.startswith(f"{outside}/")]


def test_the_index_is_asked_while_the_base_is_read(autopack, base, project, index, tmp_path):
    i = index(f"me:{SECRET}")
    i.files.update([wheel(tmp_path, "helper", "1.0", metadata="Requires-Dist: other\n"), wheel(tmp_path, "other", "2.0")])
    where = project({**CODE, "requirements.txt": f"-i {i.url(f'me:{SECRET}@')}\nhelper\n"})
    flags = [f"--executor-image-uri={base.push('debian')}", f"--local-package-path={where}", "--script=trainer/task.py"]
    env = {"PIP_CONFIG_FILE": "/dev/null", "PIP_INDEX_URL": None, "UV_INDEX_URL": None}
    r = autopack("build", *flags, f"--image=oci:{tmp_path}/out:1", f"--lock-out={tmp_path}/lock.toml", "--verbosity=debug", env=env)
    assert "the index was asked before the base was read: status 0" in r.stderr
    assert "other" in (tmp_path / "lock.toml").read_text()
    # Without a resolver nothing of the base is read.
    none = {**env, "PATH": "/usr/bin:/bin"}
    r = autopack("build", *flags, f"--image=oci:{tmp_path}/out:2", f"--cache-dir={tmp_path}/empty", env=none, check=1)
    assert "dependencies are resolved by uv" in r.stderr and "inventory" not in r.stderr
    assert not list((autopack.cache / "autopack").glob("uv-run.tmp.*"))
    assert not files_with(SECRET, autopack.cache)
    # A base that is known leaves nothing to wait for.
    r = autopack("build", *flags, f"--image=oci:{tmp_path}/out:2", "--refresh", "--verbosity=debug", env=env)
    assert "the index was asked" not in r.stderr


def test_what_the_resolver_warns_of_is_passed_on_once(build, project, index, tmp_path):
    i = index()
    i.files.update([wheel(tmp_path, "helper", "1.0"), wheel(tmp_path, "helper", "2.0"), wheel(tmp_path, "other", "1.0")])
    i.yanked["helper-1.0-py3-none-any.whl"] = "it eats files"
    where = project({**CODE, "requirements.txt": f"-i {i.url()}\nhelper==1.0\nother[no-such]\n"})
    r = build(where)
    warned = [line for line in r.stderr.splitlines() if "warning" in line]
    assert len(warned) == 2, r.stderr
    assert any("helper==1.0" in w and "it eats files" in w for w in warned)
    assert any("other==1.0" in w and "no-such" in w for w in warned)
    # Of what the base has, the resolver sees no more than name, version and requirements.
    here = [{"name": "helper", "version": "1.0", "normalized": "helper", "path": f"/{support.SITE}/helper-1.0.dist-info", "site": f"/{support.SITE}"}]
    (tmp_path / "inventory.json").write_text(json.dumps({**INVENTORY, "distributions": here}))
    (where / "requirements.txt").write_text(f"-i {i.url()}\nhelper[more]==1.0\nother\n")
    r = build(where)
    assert "warning" not in r.stderr


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


@pytest.mark.parametrize("way", ["PIP_CONSTRAINT", "UV_CONSTRAINT", "pip.conf"])
def test_constraints_of_the_environment_and_of_pip_conf_count(build, project, index, tmp_path, way):
    i, lock = index(), tmp_path / "pylock.toml"
    i.files.update([wheel(tmp_path, "helper", "1.0"), wheel(tmp_path, "helper", "2.0")])
    where = project({**CODE, "requirements.txt": f"-i {i.url()}\nhelper\n"})
    (tmp_path / "limits.txt").write_text("helper<2\n")
    (tmp_path / "pip.conf").write_text(f"[install]\nconstraint =\n    {tmp_path}/limits.txt\n")
    build(where, f"--lock-out={lock}")
    assert "helper-2.0" in lock.read_text()
    env = {"PIP_CONFIG_FILE": tmp_path / "pip.conf"} if way == "pip.conf" else {way: "limits.txt"}
    build(where, f"--lock-out={lock}", env=env, cwd=tmp_path)
    assert "helper-1.0" in lock.read_text()
    (tmp_path / "limits.txt").unlink()
    r = build(where, env=env, cwd=tmp_path, check=2)
    assert re.search(rf"error: .*{re.escape(way)}: .*limits.txt.*no such file", r.stderr)
    # Of code alone nobody asks for limits.
    build(project({"trainer/task.py": ""}), env=env, cwd=tmp_path)


# name: (constraint, requirement, what comes); {at} is where wheels of helper 1.0 and 2.0 are, 3.0 is in the index alone.
ADDRESSES = {
    "an address": ("helper @ {http}/helper-1.0-py3-none-any.whl", "helper", "1.0"),
    "its name is enough": ("{http}/helper-1.0-py3-none-any.whl", "helper>=1", "1.0"),
    "a file": ("helper @ file://{dir}/helper-1.0-py3-none-any.whl", "helper", "1.0"),
    "a path": ("./helper-1.0-py3-none-any.whl", "helper", "1.0"),
    "a file that something else needs": ("helper @ file://{dir}/helper-1.0-py3-none-any.whl", "other", "1.0"),
    "an address that something else needs": ("helper @ {http}/helper-1.0-py3-none-any.whl", "other", "1.0"),
    "the same file asked for, too": ("./helper-1.0-py3-none-any.whl", "./helper-1.0-py3-none-any.whl", "1.0"),
    "nobody needs it": ("helper @ file://{dir}/helper-1.0-py3-none-any.whl", "lonely", None),
    "nobody needs the address": ("helper @ {http}/helper-1.0-py3-none-any.whl", "lonely", None),
    "for another Python": ("helper @ {http}/helper-1.0-py3-none-any.whl ; python_version < '3'", "helper", "3.0"),
    "another version is wanted": ("helper @ file://{dir}/helper-1.0-py3-none-any.whl", "helper==2.0", "conflict"),
}


@pytest.mark.parametrize("name", ADDRESSES)
def test_constraints_to_an_address_say_where_a_package_comes_from(build, project, index, tmp_path, unpack, name):
    """As with pip: only if it is needed at all, direct_url.json included, REQUESTED for what was asked for."""
    i, lock = index(), tmp_path / "pylock.toml"
    limit, wanted, version = ADDRESSES[name]
    where = project({**CODE, "requirements.txt": f"-i {i.url()}\n-c c.txt\n{wanted}\n"})
    i.files.update([wheel(tmp_path, "helper", "3.0"), wheel(tmp_path, "lonely", "1.0"), wheel(tmp_path, "helper", "2.0")])
    i.files.update([wheel(tmp_path, "other", "1.0", metadata="Requires-Dist: helper\n"), wheel(where, "helper", "1.0")])
    (where / "c.txt").write_text(limit.format(http=f"http://{i.host}/files", dir=where) + "\n")
    if version == "conflict":
        r = build(where, check=1)
        assert re.search(r"c\.txt:1 says helper @ file:///.*/helper-1\.0", r.stderr)
        return
    for _ in range(2):  # the second time from the lock of the first
        build(where, f"--lock-out={lock}")
        found = dict(re.findall(r'^name = "(.*)"\nversion = "(.*)"', lock.read_text(), re.M))
        assert found.get("helper") == version
    root = unpack(f"oci:{tmp_path}/out:latest")
    info = root / SITE / f"helper-{version}.dist-info"
    assert info.exists() == bool(version)
    if version == "1.0":
        assert (info / "REQUESTED").exists() == (wanted != "other")
        assert json.loads((info / "direct_url.json").read_text())["url"].endswith("/helper-1.0-py3-none-any.whl")
    build(where, f"--lock={lock}")


@pytest.mark.parametrize(
    "line, says",
    [
        ("other", "has no other, and requirements.txt:3 wants other;"),
        ("helper>=2", "has helper 1.0, and requirements.txt:3 wants helper>=2;"),
        ("six>=99", "has no six, the base has 1.16.0, and requirements.txt:3 wants six>=99;"),
        ("other; python_version < '3'", None),
        ("six", None),
    ],
    ids=["not there", "another version", "the base's is too old", "not for this Python", "the base has it"],
)
def test_a_lock_that_is_not_what_is_wanted_is_refused(build, project, index, tmp_path, line, says):
    i = index()
    where = project({**CODE, "requirements.txt": f"-i {i.url()}\nhelper\n"})
    i.files.update([wheel(tmp_path, "helper", "1.0")])
    six = {"name": "six", "version": "1.16.0", "normalized": "six", "path": f"/{SITE}/six-1.16.0.dist-info", "site": f"/{SITE}"}
    (tmp_path / "inventory.json").write_text(json.dumps({**INVENTORY, "distributions": [six]}))
    build(where, f"--lock-out={tmp_path}/pylock.toml")
    (where / "requirements.txt").write_text(f"-i {i.url()}\nhelper\n{line}\n")
    r = build(where, f"--lock={tmp_path}/pylock.toml", check=2 if says else 0)
    assert not says or f"{tmp_path}/pylock.toml: {says} write the lock anew with --lock-out" in r.stderr


def test_a_variable_that_is_not_set_is_named(build, project):
    for line in ("--index-url https://me:${AP_TEST_TOKEN}@index.example/simple", "helper @ https://${AP_TEST_TOKEN}/helper-1.0.zip", "-r ${AP_TEST_TOKEN}/x"):
        r = build(project({**CODE, "requirements.txt": f"# first\n{line}\n"}), check=2)
        assert "requirements.txt:2: ${AP_TEST_TOKEN} is not set in the environment" in r.stderr


def test_a_project_that_names_no_build_system_is_told_of(build, project):
    poetry = '[tool.poetry]\nname = "mine"\n[tool.poetry.dependencies]\nhelper = "*"\n'
    says = "pyproject.toml: [tool.poetry] without [build-system]: neither the project nor what it depends on is installed"
    assert says in build(project({**CODE, "pyproject.toml": poetry}), "--dry-run").stderr
    assert says not in build(project({**CODE, "pyproject.toml": "[tool.black]\n"}), "--dry-run").stderr


def test_no_binary_is_told_to_be_without_effect(build, project, index, tmp_path):
    i = index()
    i.files.update([wheel(tmp_path, "helper", "1.0")])
    r = build(project({**CODE, "requirements.txt": f"-i {i.url()}\n--no-binary=helper\nhelper\n"}))
    assert "requirements.txt:2: --no-binary: wheels are taken from an index all the same" in r.stderr


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


@pytest.fixture
def offered(tmp_path, autopack):
    """helper 1.0 as a wheel: in a directory, in an index of files, in the user's home.  Its sha256."""
    for d in ("links", "simple/helper", f"{autopack.home}/wheels"):
        (tmp_path / d).mkdir(parents=True)
        name, data = wheel(tmp_path / d, "helper", "1.0")
    (tmp_path / "simple/helper/index.html").write_text(f'<a href="{name}">{name}</a>')
    return hashlib.sha256(data).hexdigest()


# name: (requirements.txt, environment); {top} is the directory above links/ and simple/.
LOCAL = {
    "from here": ("helper\n", {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "links"}),
    "from here, uv's word": ("helper\n", {"PIP_NO_INDEX": "1", "UV_FIND_LINKS": "links"}),
    "an address": ("helper\n", {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "file://{top}/links"}),
    "an index of files": ("helper\n", {"PIP_INDEX_URL": "file://{top}/simple"}),
    "an index of files in the file": ("-i file://{top}/simple\nhelper\n", {}),
    "the home": ("--no-index\n-f ~/wheels\nhelper\n", {}),
    "an included file": ("-r sub/more.txt\n", {}),
    "BOM, CRLF, continuation": ("\ufeff--no-index\r\n-f sub/wheels \\\r\n  # why\r\nhelper \\\r\n >=1 \r\n", {}),
    "a hash": ("--no-index\n-f sub/wheels\nhelper==1.0 --hash=sha256:{sha}\n", {}),
}


@pytest.mark.parametrize("name", LOCAL)
def test_packages_are_taken_from_directories_of_this_machine(build, project, autopack, tmp_path, offered, name):
    text, env = LOCAL[name]
    env = {k: v.format(top=tmp_path) for k, v in env.items()}
    where = project({**CODE, "requirements.txt": text.format(top=tmp_path, sha=offered), "sub/more.txt": "--no-index\n-f wheels\nhelper\n"})
    (where / "sub/wheels").mkdir()
    wheel(where / "sub/wheels", "helper", "1.0")
    first = build(where, f"--lock-out={tmp_path}/lock.toml", env=env, cwd=tmp_path)
    lock = (tmp_path / "lock.toml").read_text()
    assert f'path = "helper-1.0-py3-none-any.whl", size = ' in lock and offered in lock
    assert str(tmp_path) not in lock and "file:" not in lock
    again = build(where, env=env, cwd=tmp_path)
    assert again.digest == first.digest
    if "index" not in name:
        assert "same inputs on the same base" in again.stderr
        # The lock of one machine is good for another that has the directory, too.
        other = build(where, f"--lock={tmp_path}/lock.toml", "--cache-dir=none", env=env, cwd=tmp_path)
        assert other.digest == first.digest


def test_a_wheel_that_was_made_anew_in_a_directory_is_taken_anew(build, project, tmp_path, offered):
    where = project({**CODE, "requirements.txt": "helper\n"})
    env = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path / "links")}
    first = build(where, env=env)
    wheel(tmp_path / "links", "helper", "1.0", value=2)
    assert build(where, env=env).digest != first.digest
    wheel(tmp_path / "links", "helper", "1.1")
    assert build(where, f"--lock-out={tmp_path}/lock.toml", env=env).digest != first.digest
    assert 'version = "1.1"' in (tmp_path / "lock.toml").read_text()


@pytest.mark.parametrize(
    "line,status,said",
    [
        ("helper==1.0 --hash=sha256:{bad}", 1, "is none of the 1 hashes"),
        ("helper==1.0", 2, "has hashes, and none for helper==1.0"),
        ("helper==1.0 --hash=sha512:{bad}{bad}", 2, "want at least one --hash=sha256"),
        ("./sub/wheels/helper-1.0-py3-none-any.whl --hash=sha256:{bad}", 2, "is none of the 1 hashes"),
        ("./sub/wheels/helper-1.0-py3-none-any.whl --hash=sha512:{bad}{bad}", 2, "want at least one --hash=sha256"),
        ("./sub/helper-1.0.tar.gz --hash=sha256:{bad}", 2, "is none of the 1 hashes"),
        ("./sub/project --hash=sha256:{bad}", 2, "a directory cannot be compared"),
        ("helper==1.0 --hash=md5:00", 2, "want --hash=sha256:"),
    ],
)
def test_a_hash_that_does_not_fit_is_refused_before_anything_runs(build, project, tmp_path, line, status, said):
    marker = tmp_path / "it-ran"
    setup = MALICIOUS.format(marker=str(marker))
    text = "--require-hashes\n--no-index\n-f sub/wheels\n" + line.format(bad="0" * 64) + "\n"
    where = project({**CODE, "requirements.txt": text, "sub/project/setup.py": setup})
    (where / "sub/wheels").mkdir()
    wheel(where / "sub/wheels", "helper", "1.0")
    (where / "sub/helper-1.0.tar.gz").write_bytes(sdist("helper", "1.0", setup)[1])
    r = build(where, check=status)
    assert said in r.stderr and not marker.exists()


# A source that needs nothing to be built: its own backend runs, and leaves a mark, as soon as anybody asks it.
EVIL = {
    "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "evil"\nbackend-path = ["."]\n',
    "evil.py": "open({marker!r}, 'a').write('ran')\ndef build_wheel(*a, **k): raise SystemExit('it ran')\n",
}


def evil(name, version, marker):
    out = io.BytesIO()
    files = {**EVIL, "PKG-INFO": f"Metadata-Version: 1.0\nName: {name}\nVersion: {version}\n"}
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for path, text in files.items():
            info = tarfile.TarInfo(f"{name}-{version}/{path}")
            data = (text.format(marker=str(marker)) if path.endswith(".py") else text).encode()
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return f"{name}-{version}.tar.gz", out.getvalue()


OWN = '[project]\nname = "mine"\nversion = "1"\n{more}[build-system]\nrequires = {requires}\nbuild-backend = "{backend}"\n'
LOCKED = """lock-version = "1.0"
created-by = "test"
[[packages]]
name = "evil"
version = "2.0"
sdist = {{ name = "evil-2.0.tar.gz", url = "http://{i}/files/evil-2.0.tar.gz", hashes = {{ sha256 = "{sha}" }} }}
"""
UV_LOCK = """version = 1
requires-python = ">=3.8"
[[package]]
name = "mine"
version = "1"
source = {{ virtual = "." }}
dependencies = [{{ name = "evil" }}]
[package.metadata]
requires-dist = [{{ name = "evil" }}]
[[package]]
name = "evil"
version = "2.0"
source = {{ registry = "http://{i}/simple" }}
sdist = {{ url = "http://{i}/files/evil-2.0.tar.gz", hash = "sha256:{sha}", size = {size} }}
"""
# How it may come in: the files of the working directory, flags.
WAYS_IN = {
    "a requirement": ({"requirements.txt": "evil\n"}, []),
    "the flag": ({}, ["--requirements=evil"]),
    "a dependency of a wheel": ({"requirements.txt": "needs-evil\n"}, []),
    "an address": ({"requirements.txt": "evil @ http://{i}/files/evil-2.0.tar.gz\n"}, []),
    "an address without name": ({"requirements.txt": "http://{i}/files/evil-2.0.tar.gz\n"}, []),
    "a page of links": ({"requirements.txt": "--no-index\n-f http://{i}/simple/evil/\nevil\n"}, []),
    "a directory of links": ({"requirements.txt": "--no-index\n-f links\nevil\n"}, []),
    "a constraint": ({"requirements.txt": "helper\n-c c.txt\n", "c.txt": "helper @ http://{i}/files/evil-2.0.tar.gz\n"}, []),
    "--no-binary": ({"requirements.txt": "--no-binary :all:\nevil\n"}, []),
    "a lock": ({"pylock.toml": LOCKED}, ["--lock=pylock.toml"]),
    "uv.lock": ({"pyproject.toml": '[project]\nname = "mine"\nversion = "1"\ndependencies = ["evil"]\n', "uv.lock": UV_LOCK}, []),
    "a dependency of the user's project": (
        {"pyproject.toml": OWN.format(more='dependencies = ["evil"]\n', requires=[], backend="mine") + 'backend-path = ["."]\n', "mine.py": "{backend}"},
        [],
    ),
    "what builds the user's project": ({"pyproject.toml": OWN.format(more="", requires='["evil"]', backend="evil")}, []),
    "another one is allowed": ({"requirements.txt": "evil\n"}, ["--allow-build=helper"]),
}
# The user's own project may be built by its own means: a wheel as a zip, by hand.
BACKEND = """import zipfile
def build_wheel(d, *a, **k):
    n = 'mine-1-py3-none-any.whl'
    i = 'mine-1.dist-info/'
    with zipfile.ZipFile(d + '/' + n, 'w') as z:
        z.writestr(i + 'METADATA', 'Metadata-Version: 2.1\\nName: mine\\nVersion: 1\\nRequires-Dist: evil\\n')
        z.writestr(i + 'WHEEL', 'Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
        z.writestr(i + 'RECORD', i + 'METADATA,,\\n' + i + 'WHEEL,,\\n' + i + 'RECORD,,\\n')
    return n
"""


@pytest.fixture
def evil_index(index, tmp_path):
    i = index()
    i.marker = tmp_path / "it-ran"
    name, data = evil("evil", "2.0", i.marker)
    i.files.update([(name, data), wheel(tmp_path, "helper", "1.0"), wheel(tmp_path, "needs_evil", "1.0", metadata="Requires-Dist: evil\n")])
    return i


def evil_project(project, i, files):
    data = i.files["evil-2.0.tar.gz"]
    words = {"i": i.host, "sha": hashlib.sha256(data).hexdigest(), "size": len(data), "backend": BACKEND}
    where = project({**CODE, **{k: v.format(**words) if k != "pyproject.toml" else v for k, v in files.items()}})
    (where / "links").mkdir()
    (where / "links/evil-2.0.tar.gz").write_bytes(data)
    return where


@pytest.mark.parametrize("way", WAYS_IN)
def test_a_stranger_who_comes_as_source_does_not_run(build, project, evil_index, way):
    files, flags = WAYS_IN[way]
    where = evil_project(project, evil_index, files)
    flags = [f.replace("=pylock", f"={where}/pylock") for f in flags]
    r = build(where, *flags, env={"PIP_INDEX_URL": evil_index.url()}, check=None)
    assert not evil_index.marker.exists()
    assert r.returncode in (1, 2) and ("evil" in r.stderr or "helper" in r.stderr), repr(r)


def test_the_stranger_runs_when_the_user_allows_it(build, project, evil_index):
    """The test above could see it."""
    where = evil_project(project, evil_index, WAYS_IN["a requirement"][0])
    r = build(where, "--allow-build=evil", env={"PIP_INDEX_URL": evil_index.url()}, check=None)
    assert evil_index.marker.exists() and r.returncode != 0
    evil_index.marker.unlink()
    where = evil_project(project, evil_index, WAYS_IN["what builds the user's project"][0])
    r = build(where, env={"PIP_INDEX_URL": evil_index.url()}, check=2)
    assert "--allow-build=:all:" in r.stderr and not evil_index.marker.exists()
    build(where, "--allow-build=:all:", env={"PIP_INDEX_URL": evil_index.url()}, check=2)
    assert evil_index.marker.exists()


# Builds a wheel by hand, so that no index is needed for what builds.
BY_HAND = """import zipfile
def build_wheel(directory, *args, **kw):
    info = '{name}-1.dist-info/'
    with zipfile.ZipFile(directory + '/{name}-1-py3-none-any.whl', 'w') as z:
        z.writestr('{name}/__init__.py', '')
        z.writestr(info + 'METADATA', 'Metadata-Version: 2.1\\nName: {name}\\nVersion: 1\\n{requires}')
        z.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
        z.writestr(info + 'RECORD', info + 'METADATA,,\\n' + info + 'WHEEL,,\\n' + info + 'RECORD,,\\n')
    return '{name}-1-py3-none-any.whl'
"""


def member(name, requires, more=""):
    """pyproject.toml and backend of a project."""
    project = f'[project]\nname = "{name}"\nversion = "1"\nrequires-python = ">=3.9"\ndependencies = {json.dumps(requires)}\n{more}'
    project += '[build-system]\nrequires = []\nbuild-backend = "by_hand"\nbackend-path = ["."]\n'
    lines = "".join(f"Requires-Dist: {r}\\n" for r in requires)
    return {"pyproject.toml": project, "by_hand.py": BY_HAND.format(name=name, requires=lines)}


@pytest.mark.parametrize("where", [".", "packages/member"])
def test_a_workspace_is_installed_as_its_uv_lock_says(build, project, index, autopack, tmp_path, where):
    """Members and path dependencies from their sources, others at the locked version though there is a newer one."""
    i = index()
    i.files.update([wheel(tmp_path, "helper", "1.0")])
    root = f'[project]\nname = "root"\nversion = "1"\nrequires-python = ">=3.9"\ndependencies = ["member"]\n[tool.uv.workspace]\n'
    root += f'members = ["packages/*"]\n[tool.uv.sources]\nmember = {{ workspace = true }}\n[[tool.uv.index]]\nurl = "{i.url()}"\ndefault = true\n'
    near = '[tool.uv.sources]\nvendored = { path = "../../third/vendored" }\n'
    files = {"pyproject.toml": root, "trainer/task.py": "", "packages/member/trainer/task.py": ""}
    files |= {f"packages/member/{k}": v for k, v in member("member", ["helper", "vendored"], near).items()}
    files |= {f"third/vendored/{k}": v for k, v in member("vendored", ["helper"]).items()}
    top = project(files)
    support.run(support.ENV_BIN / "uv", "lock", cwd=top, env=autopack.environ({"UV_INDEX_URL": None, "PIP_INDEX_URL": None}))
    i.files.update([wheel(tmp_path, "helper", "2.0")])
    build(top / where, f"--lock-out={tmp_path}/lock.toml", env={"PIP_INDEX_URL": i.url()})
    got = re.findall(r'^name = "(.*)"\nversion = "(.*)"', (tmp_path / "lock.toml").read_text(), re.M)
    assert got == [("helper", "1.0"), ("member", "1"), ("vendored", "1")]
    # What is known needs no index: an edit of the code when it is gone.
    i.server.shutdown()
    i.server.server_close()
    (top / where / "trainer/task.py").write_text("print('edited')\n")
    r = build(top / where, env={"PIP_INDEX_URL": i.url()})
    assert "same inputs on the same base" in r.stderr and "uv.lock only" not in r.stderr
    build(top / where, f"--lock={tmp_path}/lock.toml", env={"PIP_INDEX_URL": i.url()})


def test_tables_of_uv_without_its_lock_are_told(build, project, index, tmp_path):
    i = index()
    i.files.update([wheel(tmp_path, "helper", "1.0")])
    table = '[project]\nname = "top"\nversion = "1"\n[build-system]\nrequires = []\nbuild-backend = "b"\nbackend-path = ["."]\n'
    backend = (
        "import zipfile\n"
        "def build_wheel(d, *a, **k):\n"
        "    n = 'top-1-py3-none-any.whl'\n"
        "    with zipfile.ZipFile(d + '/' + n, 'w') as z:\n"
        "        z.writestr('top-1.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: top\\nVersion: 1\\nRequires-Dist: helper\\n')\n"
        "        z.writestr('top-1.dist-info/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')\n"
        "        z.writestr('top-1.dist-info/RECORD', '')\n"
        "    return n\n"
    )
    files = {**CODE, "b.py": backend, "requirements.txt": f"-i {i.url()}\n"}
    told = "[tool.uv] sources counts by way of a uv.lock only"
    r = build(project({**files, "pyproject.toml": table + '[tool.uv.sources]\nhelper = { path = "lib" }\n'}))
    assert told in r.stderr


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
    # Where it is in the way, uv's explanation is followed by what the base has.
    i.files.update([wheel(tmp_path, "old", "1.0", metadata="Requires-Dist: torch<2.3\n")])
    (where / "requirements.txt").write_text(f"-i {i.url()}\nold\n")
    r = build(where, check=1)
    assert "torch<2.3" in r.stderr and "; the base has torch 2.3.0+cu121\n" in r.stderr
    (where / "requirements.txt").write_text(f"-i {i.url()}\naccelerate\n")
    build(where, f"--lock-out={tmp_path}/lock.toml", "--requirements=torch")
    text = (tmp_path / "lock.toml").read_text()
    assert 'version = "2.9.0"' in text and 'removes = ["torch"]' in text
