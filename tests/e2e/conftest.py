"""Fixtures of the end to end tests; the parts behind them are in support.py.

registry        docker-registry, one for the session; use repositories of your own (`repo`)
fresh_registry  one of its own for this test
repo            a repository name nobody else uses in this session
autopack        the program with an environment of its own; autopack(*args, check=STATUS)
base            base(NAME) -> OCI layout directory of an executor image; base.push(NAME) -> its reference in `registry`
project         project({path: text}) -> a working directory
buildah         another builder with a storage of its own: support.Buildah
short           a directory with a short name
dockerd         a docker engine with an empty store of its own: support.Dockerd
container_store where podman and buildah keep images in this session: a storage.conf
inside          inside(BASE, DIRECTORY, *flags): a build that may run the base's own programs; the image is TMP/OUT:x
unpack          unpack(reference) -> root file system, by skopeo and umoci
"""

import itertools
import os
import pathlib
import sys
import tempfile

import pytest

import support
from support import oci

sys.path.insert(0, str(support.ROOT / "tests" / "server"))
import vertex_types  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "full: long, run by make check-full only")
    config.addinivalue_line("markers", "golden: compares with fixtures/golden, rewritten by make golden")


# A skipped test proves nothing: it fails, whoever skips it.
@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: skipping is not allowed: {report.longrepr}"


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report(collector):
    report = (yield).get_result()
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid}: skipping is not allowed: {report.longrepr}"


@pytest.fixture(scope="session", autouse=True)
def bodies_are_messages_of_the_api():
    """Every body that a dry run printed in this session parses as the API's own message, no field unknown."""
    yield
    if not support.Autopack.bodies:
        return
    types = vertex_types.Types()
    try:
        for message, body in support.Autopack.bodies:
            wrong = types("v1", message, body) and types("v1beta1", message, body)
            assert wrong is None, f"{message}: {wrong}: {body}"
    finally:
        types.close()


@pytest.fixture(scope="session")
def registry(tmp_path_factory):
    r = support.Registry(tmp_path_factory.mktemp("registry"))
    yield r
    r.stop()
    support.remove(r.storage)


@pytest.fixture
def fresh_registry(tmp_path):
    r = support.Registry(tmp_path / "registry")
    yield r
    r.stop()
    support.remove(r.storage)


@pytest.fixture(scope="session")
def _numbers():
    return itertools.count(1)


@pytest.fixture
def repo(_numbers):
    return f"e2e/r{next(_numbers)}"


@pytest.fixture
def autopack(tmp_path):
    assert support.BINARY.exists(), f"{support.BINARY} is missing: make MODE={support.MODE}"
    return support.Autopack(tmp_path / "home")


def _script(text):
    return (0o755, text)


# Bases in which no program can run: enough where only the image's shape matters.
_PATH = ["PATH=/usr/local/bin:/usr/bin:/bin"]
_DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n'
_ROOT = {
    "bin": oci.Dir(0o755),
    "etc": oci.Dir(0o755),
    "etc/os-release": _DEBIAN,
    "home": oci.Dir(0o755),
    "tmp": oci.Dir(0o1777),
    "usr": oci.Dir(0o755),
    "usr/bin": oci.Dir(0o755),
    "bin/bash": _script("#!stand-in\n"),
}
TINY = {
    "tiny-python": {"usr/bin/python": _script("#!stand-in\n")},
    "tiny-python3": {"usr/bin/python3": _script("#!stand-in\n")},
    "tiny-both": {"usr/bin/python3": _script("#!stand-in\n"), "usr/bin/python": oci.Link("python3")},
    "tiny-neither": {},
    "tiny-empty-layerless": None,
}


def _make_tiny(name, path):
    layout = oci.Layout(path)
    members = TINY[name]
    tars = [] if members is None else [oci.tar_of_members(_ROOT), oci.tar_of_members(members or {"opt": oci.Dir(0o755)})]
    config = {"Env": _PATH, "Cmd": ["/bin/bash"], "Labels": {"base.label": "kept"}}
    layout.tag(layout.image(tars, config), "latest")
    layout.tag(layout.image(tars, config, docker=True), "docker")
    both = [layout.image(tars, config, platform=p) for p in ("linux/arm64", "linux/amd64")]
    layout.tag(layout.index(both), "index")
    both = [layout.image(tars, config, docker=True, platform=p) for p in ("linux/arm64", "linux/amd64")]
    layout.tag(layout.index(both, docker=True), "list")
    arm = layout.image(tars, config, platform="linux/arm64")
    layout.tag(layout.index([arm]), "arm-index")


class Bases:
    """Executor images by name: the scripts of fixtures/executor, and tiny-* made here.

    tiny-python, tiny-python3, tiny-both, tiny-neither hold stand-in files only and
    have the tags latest (OCI), docker (schema 2), index, list (linux/arm64 and
    linux/amd64), arm-index (linux/arm64 alone).  The others have the tag latest.
    """

    def __init__(self, registry, tmp):
        self.registry, self.tmp, self.pushed = registry, tmp, {}

    def __call__(self, name):
        if name not in TINY:
            return support.executor(name)
        path = self.tmp / name
        if not path.exists():
            _make_tiny(name, path)
        return path

    def push(self, name, tag="latest"):
        """127.0.0.1:PORT/base/NAME:TAG in the session's registry."""
        if (name, tag) not in self.pushed:
            self.pushed[name, tag] = self.registry.push_layout(self(name), tag, f"base/{name}")
        return self.pushed[name, tag]


@pytest.fixture(scope="session")
def base(registry, tmp_path_factory):
    return Bases(registry, tmp_path_factory.mktemp("bases"))


@pytest.fixture
def project(tmp_path):
    count = itertools.count()

    def make(files, name=None):
        return support.project(tmp_path / (name or f"project{next(count) or ''}"), files)

    return make


@pytest.fixture
def short():
    """A directory with a short name: socket paths and podman's runroot have limits."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="ap-"))
    yield path
    support.remove(path)


@pytest.fixture
def unpack(tmp_path):
    count = itertools.count()
    made = []

    def go(reference):
        bundle = pathlib.Path(tmp_path) / f"bundle{next(count)}"
        made.append(bundle)
        return support.umoci_unpack(reference, bundle)

    yield go
    for bundle in made:
        support.remove(bundle)
        support.remove(f"{bundle}.layout")


@pytest.fixture
def buildah(tmp_path):
    (tmp_path / "buildah").mkdir()
    b = support.Buildah(tmp_path / "buildah")
    yield b
    b("rm", "--all")
    support.remove(tmp_path / "buildah")


@pytest.fixture
def dockerd(short):
    d = support.Dockerd(short)
    yield d
    d.stop()


@pytest.fixture(scope="session")
def container_store(tmp_path_factory):
    """One store for the session: a base is brought to it once, as on a user's machine."""
    top = tmp_path_factory.mktemp("containers")
    for driver in ("overlay", "vfs"):
        env = {**os.environ, "CONTAINERS_STORAGE_CONF": str(support.container_store(top, driver))}
        if support.run("buildah", "info", env=env, check=False).returncode == 0:
            break
    yield env["CONTAINERS_STORAGE_CONF"]
    support.run("buildah", "rm", "--all", env=env, check=False)
    support.run("buildah", "rmi", "--all", "--force", env=env, check=False)
    support.remove(top)


@pytest.fixture
def inside(autopack, base, container_store, tmp_path):
    """What it needs of the base comes from the shared store."""
    autopack.env["CONTAINERS_STORAGE_CONF"] = container_store

    def build(name, directory, *flags, out="image", **kw):
        layout = base(name) if isinstance(name, str) else name
        return autopack("build", f"--executor-image-uri=oci:{layout}:latest", f"--local-package-path={directory}",
                        "--script=trainer/task.py", f"--image=oci:{tmp_path}/{out}:x", *flags, timeout=900, **kw)  # fmt: skip

    return build
