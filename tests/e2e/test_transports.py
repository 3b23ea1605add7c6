"""Images in layouts and archives, read by programs that are not ours."""

import gzip
import hashlib
import io
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time
import zlib

import pytest

import support
from support import run

CODE = {
    "trainer/__init__.py": "",
    "trainer/task.py": "print('trained')\n",
    "trainer/data/" + "n" * 120 + ".txt": "long name\n",
    "trainer/" + "/".join(["deep" * 12] * 6) + "/f.txt": "deep\n",
    "trainer/\u00fcn\u00ef.txt": "name beyond ASCII\n",
    "trainer/run.sh": "#!/bin/sh\n",
}
CHECKED = {f"usr/app/{k}": v for k, v in CODE.items()}


def build(autopack, where, executor, image, *flags, **kw):
    return autopack(
        "build",
        f"--executor-image-uri={executor}",
        f"--local-package-path={where}",
        "--script=trainer/task.py",
        f"--image={image}",
        *flags,
        **kw,
    )


def blobs(layout):
    return pathlib.Path(layout) / "blobs" / "sha256"


def manifest_of(layout, digest):
    return json.loads((blobs(layout) / digest[7:]).read_text())


def check_root(root):
    for path, text in CHECKED.items():
        assert (pathlib.Path(root) / path).read_text() == text


def big_tree():
    """Enough for several blocks: text that shrinks, bytes that do not, many small files."""
    noise = b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(100_000))
    text = "".join(f"line {i} of {i * i % 97}\n" for i in range(200_000))
    files = {"trainer/task.py": "print(1)\n", "trainer/noise.bin": noise, "trainer/text.txt": text}
    files.update({f"trainer/many/{i}.py": f"x = {i}\n" * (i % 50) for i in range(500)})
    return files


@pytest.mark.parametrize("kind", ["latest", "docker"])
def test_a_layout_is_read_by_skopeo_umoci_and_buildah(autopack, base, project, tmp_path, unpack, kind):
    out = f"oci:{tmp_path}/out:v1"
    r = build(autopack, project(CODE), f"oci:{base('tiny-python')}:{kind}", out)
    assert r.stdout.startswith(f"oci:{tmp_path}/out@sha256:")
    assert support.skopeo_inspect(out)["Digest"] == r.digest
    check_root(unpack(out))
    with_buildah(tmp_path, out)


@pytest.fixture
def short():
    """A directory with a short name: socket paths and podman's runroot have limits."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="ap-"))
    yield path
    support.remove(path)


def with_buildah(tmp_path, reference):
    """A fresh store each time: layers already known by diff_id prove nothing."""
    store = ["--root", tmp_path / "store", "--runroot", tmp_path / "run", "--storage-driver", "vfs"]
    image = run("buildah", *store, "pull", "-q", reference).stdout.strip()
    container = run("buildah", *store, "from", "--pull-never", image).stdout.strip()
    try:
        root = run("buildah", *store, "mount", container).stdout.strip()
        check_root(root)
        run("buildah", *store, "umount", container)
    finally:
        run("buildah", *store, "rm", container, check=False)
        run("buildah", *store, "rmi", "-a", "-f", check=False)


def test_an_oci_archive_is_read_by_skopeo_and_buildah(autopack, base, project, tmp_path, unpack):
    out = f"oci-archive:{tmp_path}/image.tar:v1"
    r = build(autopack, project(CODE), f"oci:{base('tiny-python')}:docker", out)
    assert support.skopeo_inspect(out)["Digest"] == r.digest
    support.run("skopeo", "copy", "-q", out, f"oci:{tmp_path}/again:v1")
    check_root(unpack(f"oci:{tmp_path}/again:v1"))
    with_buildah(tmp_path, out)


@pytest.mark.parametrize("kind", ["latest", "docker"])
def test_a_docker_archive_is_read_by_skopeo_and_podman(autopack, base, project, tmp_path, short, unpack, kind):
    path = tmp_path / "image.tar"
    build(autopack, project(CODE), f"oci:{base('tiny-python')}:{kind}", f"docker-archive:{path}:example.com/t:v1")
    config = support.skopeo_inspect(f"docker-archive:{path}", config=True)["config"]
    assert config["Entrypoint"] == ["python", "trainer/task.py"]
    run("skopeo", "copy", "-q", f"docker-archive:{path}", f"oci:{tmp_path}/again:v1")
    check_root(unpack(f"oci:{tmp_path}/again:v1"))
    store = ["--root", short / "store", "--runroot", short / "run", "--storage-driver", "vfs"]
    assert "example.com/t:v1" in run("podman", *store, "load", "-q", "-i", path).stdout


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


@pytest.fixture
def dockerd(short):
    d = Dockerd(short)
    yield d
    d.stop()


@pytest.mark.parametrize("kind", ["latest", "docker"])
def test_a_docker_archive_is_loaded_by_dockerd(autopack, base, project, tmp_path, dockerd, kind):
    path = tmp_path / "image.tar"
    build(
        autopack, project(CODE), f"oci:{base('tiny-python')}:{kind}", f"docker-archive:{path}:example.com/t:v1",
        "--no-vcs-labels",
    )
    assert "example.com/t:v1" in dockerd("load", "-i", path).stdout
    container = dockerd("create", "example.com/t:v1").stdout.strip()
    exported = tmp_path / "export.tar"
    dockerd("export", "-o", exported, container)
    with tarfile.open(exported) as tar:
        for name, text in CHECKED.items():
            assert tar.extractfile(name).read().decode() == text
        assert tar.getmember("usr/app").mode & 0o7777 == 0o777


def test_what_docker_saves_is_a_base(autopack, base, project, tmp_path, dockerd, unpack):
    first = tmp_path / "first.tar"
    build(autopack, project(CODE), f"oci:{base('tiny-python')}:docker", f"docker-archive:{first}:t:v1")
    dockerd("load", "-i", first)
    dockerd("save", "-o", tmp_path / "saved.tar", "t:v1")
    r = build(autopack, project({"trainer/task.py": "2\n"}), f"docker-archive:{tmp_path}/saved.tar:t:v1",
              f"oci:{tmp_path}/out:v2")
    assert r.digest
    root = unpack(f"oci:{tmp_path}/out:v2")
    assert (root / "usr/app/trainer/task.py").read_text() == "2\n"
    assert (root / "usr/app/trainer/run.sh").read_text() == CODE["trainer/run.sh"]


@pytest.mark.parametrize("transport", ["oci:{}/b:t", "oci-archive:{}/b.tar:t", "docker-archive:{}/b.tar:n:t"])
def test_every_transport_is_a_base_too(autopack, base, project, tmp_path, unpack, transport):
    first = transport.format(tmp_path)
    build(autopack, project(CODE), f"oci:{base('tiny-python')}:latest", first)
    build(autopack, project({"trainer/task.py": "2\n"}), first, f"oci:{tmp_path}/out:v2")
    root = unpack(f"oci:{tmp_path}/out:v2")
    assert (root / "usr/app/trainer/task.py").read_text() == "2\n"


def test_two_tags_live_in_one_layout(autopack, base, project, tmp_path):
    a = build(autopack, project(CODE), f"oci:{base('tiny-python')}:latest", f"oci:{tmp_path}/out:a")
    b = build(autopack, project({"trainer/task.py": "2\n"}), f"oci:{base('tiny-python')}:latest", f"oci:{tmp_path}/out:b")
    assert support.skopeo_inspect(f"oci:{tmp_path}/out:a")["Digest"] == a.digest
    assert support.skopeo_inspect(f"oci:{tmp_path}/out:b")["Digest"] == b.digest


def test_an_archive_has_the_same_bytes_every_time(autopack, base, project, tmp_path):
    where = project(CODE)
    seen = set()
    for i in range(2):
        path = tmp_path / f"{i}.tar"
        build(autopack, where, f"oci:{base('tiny-python')}:latest", f"docker-archive:{path}:t:v1")
        seen.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(seen) == 1


def test_a_directory_of_something_else_is_refused(autopack, base, project, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "precious").write_text("x")
    r = build(autopack, project(CODE), f"oci:{base('tiny-python')}:latest", f"oci:{tmp_path}/out:v1", check=2)
    assert "holds something else" in r.stderr
    assert os.listdir(tmp_path / "out") == ["precious"]


def one_shot(data):
    """zlib as a careless reader uses it: it stops at the end of the first member."""
    d = zlib.decompressobj(31)
    out = d.decompress(data)
    assert d.eof and not d.unused_data
    return out


GO_READER = r"""package main

import (
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
)

func main() {
	z, err := gzip.NewReader(os.Stdin)
	if err != nil {
		panic(err)
	}
	z.Multistream(false)
	h := sha256.New()
	if _, err := io.Copy(h, z); err != nil {
		panic(err)
	}
	fmt.Printf("sha256:%x\n", h.Sum(nil))
}
"""


def test_a_layer_is_one_gzip_member_for_every_reader(autopack, base, project, tmp_path):
    r = build(autopack, project(big_tree()), f"oci:{base('tiny-python')}:latest", f"oci:{tmp_path}/out:v1")
    manifest = manifest_of(tmp_path / "out", r.digest)
    config = manifest_of(tmp_path / "out", manifest["config"]["digest"])
    path = blobs(tmp_path / "out") / manifest["layers"][-1]["digest"][7:]
    want = config["rootfs"]["diff_ids"][-1]
    data = path.read_bytes()
    assert data[:10] == bytes([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF])
    plain = one_shot(data)
    assert "sha256:" + hashlib.sha256(plain).hexdigest() == want
    assert gzip.decompress(data) == plain
    assert run("gzip", "-dc", text=False, input=data).stdout == plain
    if shutil.which("go"):
        (tmp_path / "r.go").write_text(GO_READER)
        env = {**os.environ, "GOCACHE": str(tmp_path / "gocache"), "GOFLAGS": "-mod=mod", "GO111MODULE": "off"}
        p = run("go", "run", tmp_path / "r.go", text=False, input=data, env=env)
        assert p.stdout.decode().strip() == want
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        members = tar.getmembers()
        assert {m.mtime for m in members} == {315532800}
        assert {(m.uid, m.gid, m.uname, m.gname) for m in members} == {(0, 0, "", "")}
        assert {m.mode for m in members if m.isfile()} <= {0o644, 0o755}
        got = {m.name: tar.extractfile(m).read() for m in members if m.isfile()}
    assert got == {f"usr/app/{k}": v if isinstance(v, bytes) else v.encode() for k, v in big_tree().items()}


def test_a_zstd_layer_is_read_by_zstd_and_skopeo(autopack, base, project, tmp_path, unpack):
    out = f"oci:{tmp_path}/out:v1"
    r = build(autopack, project(CODE), f"oci:{base('tiny-python')}:docker", out, "--compression=zstd")
    manifest = manifest_of(tmp_path / "out", r.digest)
    assert manifest["layers"][-1]["mediaType"].endswith("tar+zstd")
    config = manifest_of(tmp_path / "out", manifest["config"]["digest"])
    data = (blobs(tmp_path / "out") / manifest["layers"][-1]["digest"][7:]).read_bytes()
    plain = run("zstd", "-dc", text=False, input=data).stdout
    assert "sha256:" + hashlib.sha256(plain).hexdigest() == config["rootfs"]["diff_ids"][-1]
    run("skopeo", "copy", "-q", out, f"dir:{tmp_path}/dir")


def test_the_bytes_do_not_depend_on_processors(autopack, base, project, tmp_path):
    where = project(big_tree())
    digests = set()
    for i, prefix in enumerate([[], ["taskset", "-c", "0"]]):
        for features in ({}, {"OPENSSL_ia32cap": "~0x200000200000000:~0x20000020"}, {"LIBDEFLATE_DISABLE_CPU_FEATURES": "avx2,bmi2,pclmul,avx"}):
            r = build(autopack, where, f"oci:{base('tiny-python')}:latest", f"oci:{tmp_path}/out{i}:v1", prefix=prefix, env=features)
            digests.add(r.digest)
    assert len(digests) == 1


def test_onbuild_instructions_of_a_base_are_told_of(autopack, project, tmp_path):
    layout = support.oci.Layout(tmp_path / "base")
    tar = support.oci.tar_of_members({"usr/bin/python": (0o755, "#!x\n"), "home": support.oci.Dir(0o755)})
    layout.tag(layout.image([tar], {"Env": ["PATH=/usr/bin"], "OnBuild": ["RUN make"]}), "latest")
    r = build(autopack, project(CODE), f"oci:{tmp_path}/base", f"oci:{tmp_path}/out:v1")
    assert "ONBUILD" in r.stderr
    assert "OnBuild" not in support.skopeo_inspect(f"oci:{tmp_path}/out:v1", config=True)["config"]
