"""Wheels that only the base itself can build: made inside it by a container runtime."""

import functools
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tarfile
import threading
import time
import zipfile

import pytest

import support
from support import oci

TASK = "import fast; print(fast.answer())\n"
SETUP = """
from setuptools import Extension, setup
setup(name="fast", version="1.0", ext_modules=[Extension("fast", ["src/fast.c"])])
"""
FAST_C = """
#include <Python.h>
static PyObject *answer(PyObject *self, PyObject *args) { return PyLong_FromLong(42); }
static PyMethodDef methods[] = { { "answer", answer, METH_NOARGS, "" }, { 0 } };
static struct PyModuleDef module = { PyModuleDef_HEAD_INIT, "fast", 0, -1, methods };
PyMODINIT_FUNC PyInit_fast(void) { return PyModule_Create(&module); }
"""
NATIVE = {"trainer/task.py": TASK, "setup.py": SETUP, "src/fast.c": FAST_C}
PURE = "from setuptools import setup\nsetup(name='mine', version='1', py_modules=['mine'])\n"


@pytest.fixture
def old_libc(autopack, base, tmp_path):
    """old_libc(BASE): what the base holds, with an older C library than this machine's: nothing built here fits."""

    def make(name):
        path = tmp_path / f"{name}.json"
        autopack("inspect", f"oci:{base(name)}:latest", f"--inventory-out={path}")
        inventory = json.loads(path.read_text())
        inventory["libcVersion"] = "2.17"
        path.write_text(json.dumps(inventory))
        return f"--inventory={path}"

    return make


@pytest.fixture
def no_such_python(tmp_path):
    """A directory for PATH with a uv that finds no Python of the base here, and does all else."""
    shim = tmp_path / "no-such-python" / "uv"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\n[ "$1 $2" != "python find" ] || exit 2\nexec {support.ENV_BIN}/uv "$@"\n')
    shim.chmod(0o755)
    return shim.parent


def runs(tmp_path, out="image"):
    root = support.umoci_unpack(f"oci:{tmp_path}/{out}:x", tmp_path / f"{out}.root")
    config = support.skopeo_inspect(f"oci:{tmp_path}/{out}:x", config=True)["config"]
    env = dict(e.split("=", 1) for e in config["Env"])
    return support.run_in(root, config["Entrypoint"], env=env, cwd="/usr/app").stdout


def test_an_extension_that_does_not_fit_is_built_inside_once(inside, autopack, old_libc, project, container_store, tmp_path):
    directory = project(NATIVE)
    before = sorted(map(str, directory.rglob("*")))
    inventory = old_libc("compiler")
    first = inside("compiler", directory, inventory)
    assert f"building {directory} inside the base" in first.stderr
    assert runs(tmp_path) == "42\n"
    assert sorted(map(str, directory.rglob("*"))) == before, "a build writes nothing into the project"
    support.assert_nothing_left(autopack, container_store)
    again = inside("compiler", directory, inventory, out="again")
    assert "building" not in again.stderr and again.digest == first.digest
    # Built anew, the bytes are the same.
    shutil.rmtree(autopack.cache / "autopack" / "builds")
    anew = inside("compiler", directory, inventory, out="anew")
    assert "inside the base" in anew.stderr and anew.digest == first.digest


def test_what_asks_for_the_python_that_builds_it_is_built_by_the_bases(inside, autopack, project, no_such_python, tmp_path):
    asks = "import sys\n" + PURE.replace("version='1'", "version='1.%d' % sys.version_info[1]")
    directory = project({"trainer/task.py": "import mine; print(mine.N)\n", "setup.py": asks, "mine.py": "N = 7\n"})
    r = inside("venv", directory, env={"PATH": f"{no_such_python}:{autopack.env['PATH']}"})
    assert "inside the base" in r.stderr
    assert runs(tmp_path) == "7\n"
    info = list((tmp_path / "image.root" / "rootfs/opt/venv/lib").glob("python3.*/site-packages/mine-*.dist-info"))
    minor = info[0].parts[-3].split(".")[1]
    assert info[0].name == f"mine-1.{minor}.dist-info"


def test_a_build_inside_that_fails_gives_its_last_words(inside, autopack, old_libc, project, container_store):
    directory = project({**NATIVE, "src/fast.c": FAST_C.replace("42", "such_a_thing")})
    r = inside("compiler", directory, old_libc("compiler"), check=2)
    said = r.stderr.split("the build inside the base fails")[1].splitlines()
    assert any("such_a_thing" in line for line in said) and all(line.startswith("  ") for line in said[1:])
    support.assert_nothing_left(autopack, container_store)


def test_a_base_without_a_compiler_is_named(inside, old_libc, project):
    r = inside("minbase", project(NATIVE), old_libc("minbase"), check=2)
    assert re.search(r"the build inside the base fails; the base has no C compiler \(\S*gcc\):\n  ", r.stderr), r.stderr


def test_without_a_runtime_the_error_names_them(inside, old_libc, project, tmp_path):
    r = inside("compiler", project(NATIVE), old_libc("compiler"), env={"PATH": support.path_with(tmp_path)}, check=1)
    last = r.stderr.strip().splitlines()[-1]
    assert "fast-1.0-" in last and "glibc 2.17" in last and "give the wheel as an extra package" in last
    assert last.endswith("none of podman, docker, buildah and crun is on PATH")
    assert not list((tmp_path / "image").glob("blobs/sha256/*"))


def test_runtimes_that_cannot_start_are_named_with_what_they_said(inside, old_libc, project, tmp_path):
    path = pathlib.Path(support.path_with(tmp_path))
    for name in ("podman", "docker"):
        (path / name).write_text(f"#!/bin/sh\necho {name} has no room >&2\nexit 125\n")
        (path / name).chmod(0o755)
    r = inside("compiler", project(NATIVE), old_libc("compiler"), env={"PATH": str(path)}, check=1)
    assert "podman has no room" in r.stderr and "docker has no room" in r.stderr


BACKEND = """
import json, os, pathlib, zipfile
def get_requires_for_build_wheel(config_settings=None):
    return ["iniconfig==2.0.0"]
def build_wheel(directory, config_settings=None, metadata_directory=None):
    import iniconfig  # what was asked for is there
    seen = {"env": dict(os.environ), "cwd": os.getcwd()}
    name = "inner-1-py2-none-any.whl" if os.path.exists("misfit") else "inner-1-py3-none-any.whl"
    files = {"inner.py": "SEEN = %r\\n" % json.dumps(seen),
             "inner-1.dist-info/METADATA": "Metadata-Version: 2.1\\nName: inner\\nVersion: 1\\n",
             "inner-1.dist-info/WHEEL": "Wheel-Version: 1.0\\nGenerator: own\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"}
    record = "".join("%s,,\\n" % f for f in [*files, "inner-1.dist-info/RECORD"])
    with zipfile.ZipFile(pathlib.Path(directory) / name, "w") as z:
        for f, text in {**files, "inner-1.dist-info/RECORD": record}.items():
            z.writestr(f, text)
    return name
"""
INNER = {
    "trainer/task.py": "import inner; print(inner.SEEN)\n",
    "pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['tools']\n",
    "tools/backend.py": "import shutil\nif not shutil.which('only-inside'): raise SystemExit('no cargo here')\n" + BACKEND,
    "mine/__init__.py": "",
}


def test_a_backend_of_its_own_gets_what_it_asks_for_and_sees_nothing_of_ours(inside, base, project, tmp_path):
    """On this machine the tool that it wants is missing; the base has it."""
    with_tool = oci.Layout(tmp_path / "with-tool")
    config = support.skopeo_inspect(f"oci:{base('venv')}:latest", config=True)["config"]
    tar = oci.tar_of_members({"usr/bin/only-inside": (0o755, "#!/bin/sh\n")})
    with_tool.tag(with_tool.image([tar], config, base=(str(base("venv")), "latest")), "latest")
    secrets = {"MARKER_SECRET": "s3cret-marker", "AUTOPACK_CACHE_KEY": "s3cret-marker", "https_proxy_user": "s3cret-marker"}
    r = inside(tmp_path / "with-tool", project(INNER), env=secrets)
    assert "inside the base" in r.stderr
    said = runs(tmp_path)
    seen = json.loads(said)
    assert "s3cret-marker" not in said and str(tmp_path) not in said
    assert seen["env"]["VIRTUAL_ENV"].startswith("/tmp/")
    for where, _, files in os.walk(tmp_path / "image"):
        for f in files:
            assert b"s3cret-marker" not in (pathlib.Path(where) / f).read_bytes()


def test_a_source_of_the_index_is_built_inside_when_it_may_be(inside, old_libc, project, tmp_path):
    source = project({f"fast-1.0/{k}": v for k, v in NATIVE.items()} | {"fast-1.0/PKG-INFO": "Metadata-Version: 2.1\nName: fast\nVersion: 1.0\n"})
    (tmp_path / "links").mkdir()
    with tarfile.open(tmp_path / "links" / "fast-1.0.tar.gz", "w:gz") as t:
        t.add(source / "fast-1.0", "fast-1.0")
    served = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path / "links")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), served)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    links = f"http://127.0.0.1:{server.server_port}/"
    directory = project({"trainer/task.py": TASK, "requirements.txt": f"--find-links {links}\nfast==1.0\n"})
    refused = inside("compiler", directory, old_libc("compiler"), check=1)
    assert "--allow-build" in refused.stderr
    r = inside("compiler", directory, old_libc("compiler"), "--allow-build=fast")
    server.shutdown()
    server.server_close()
    assert "inside the base" in r.stderr
    assert runs(tmp_path) == "42\n"


LONELY = {
    "trainer/task.py": "import mine; print(mine.SEEN)\n",
    "setup.py": "import sys\nopen('mine.py', 'w').write('SEEN = %r\\n' % open('/proc/net/dev').read())\n# sys.version_info\n" + PURE,
    "mine.py": "",
}


@pytest.mark.full
def test_a_wheel_built_inside_is_what_pip_builds_there(inside, autopack, base, old_libc, project, tmp_path):
    """The same members with the same bytes; the compiled one names its directory, and must only be there."""
    directory = project({**NATIVE, "pyproject.toml": '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'})
    inside("compiler", directory, old_libc("compiler"))
    (ours,) = (autopack.cache / "autopack" / "builds").rglob("*.whl")
    root = support.umoci_unpack(f"oci:{base('compiler')}:latest", tmp_path / "root")
    support.run(support.ENV_BIN / "python", "-m", "pip", "download", "-q", "--no-deps", "-d", root / "tmp/links", "setuptools",
                env={**os.environ, **support.index_env()}, timeout=300)  # fmt: skip
    shutil.copytree(directory, root / "tmp/p")
    support.run_in(root, ["python3", "-m", "pip", "wheel", "-q", "--no-index", "--no-deps", "--find-links=/tmp/links", "-w", "/tmp/out", "/tmp/p"],
                   env={"PATH": "/usr/bin:/bin", "HOME": "/root", "SOURCE_DATE_EPOCH": "315532800"}, timeout=300)  # fmt: skip
    (theirs,) = (root / "tmp/out").glob("*.whl")
    assert ours.name == theirs.name

    def members(path):
        with zipfile.ZipFile(path) as z:
            return {n: None if n.endswith((".so", "RECORD")) else z.read(n) for n in z.namelist()}

    assert members(ours) == members(theirs)


def test_docker_builds_inside_with_no_network(inside, autopack, project, no_such_python, dockerd, tmp_path):
    env = {"PATH": f"{no_such_python}:{support.path_with(tmp_path, 'docker')}", "DOCKER_HOST": dockerd.socket}
    r = inside("venv", project(LONELY), env=env)
    assert "inside the base" in r.stderr
    interfaces = [l.split(":")[0].strip() for l in runs(tmp_path).splitlines() if ":" in l]
    assert set(interfaces) <= {"lo", "sit0", "tunl0", "ip6tnl0"}
    assert dockerd("ps", "--all", "--quiet").stdout == ""


PRIVATE_MOUNTS = ("unshare", "-m" if os.geteuid() == 0 else "-rm")
UNIFIED = ("sh", "-c", 'mount -t cgroup2 none /sys/fs/cgroup 2>/dev/null; exec "$0" "$@"')


def test_crun_builds_inside(inside, autopack, old_libc, project, tmp_path):
    path = {"PATH": support.path_with(tmp_path, "crun")}
    r = inside("compiler", project(NATIVE), old_libc("compiler"), env=path, prefix=(*PRIVATE_MOUNTS, *UNIFIED))
    assert "inside the base" in r.stderr and runs(tmp_path) == "42\n"
    assert not list((autopack.cache / "autopack").rglob("*.tmp.*"))


def test_a_signal_ends_a_build_inside_and_leaves_nothing(autopack, base, project, no_such_python, container_store, tmp_path):
    slow = "import time\nprint('waiting', flush=True)\ntime.sleep(600)\n"
    directory = project({"trainer/task.py": "", "setup.py": slow + "# sys.platform\n" + PURE, "mine.py": ""})
    autopack.env["CONTAINERS_STORAGE_CONF"] = container_store
    p = autopack.popen("build", f"--executor-image-uri=oci:{base('venv')}:latest", f"--local-package-path={directory}",
                       "--script=trainer/task.py", f"--image=oci:{tmp_path}/image:x", stderr=subprocess.PIPE, text=True,
                       env={"PATH": f"{no_such_python}:{autopack.env['PATH']}"})  # fmt: skip
    for line in p.stderr:
        if "inside the base" in line:
            break
    deadline = time.monotonic() + 60
    while b"autopack-build/venv" not in _command_lines() and time.monotonic() < deadline:
        time.sleep(0.1)
    p.send_signal(signal.SIGINT)
    assert p.wait(20) == 130
    p.stderr.close()
    support.assert_nothing_left(autopack, container_store)


def _command_lines():
    out = b""
    for f in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            out += f.read_bytes()
        except OSError:
            pass
    return out
