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


def new_layers(layout, r, base):
    """(bytes, diff_id) of each layer above the base's."""
    manifest = manifest_of(layout, r.digest)
    diff_ids = manifest_of(layout, manifest["config"]["digest"])["rootfs"]["diff_ids"]
    n = len(support.skopeo_inspect(f"oci:{base}:latest")["Layers"])
    for layer, diff_id in list(zip(manifest["layers"], diff_ids))[n:]:
        yield (blobs(layout) / layer["digest"][7:]).read_bytes(), diff_id


def wheel_of_every_block(where):
    """A wheel whose members end in every kind of block, long enough to be spliced: by zlib's levels, fixed codes, stored, empty last blocks."""
    big = big_tree()
    text, noise = big["trainer/text.txt"].encode(), big["trainer/noise.bin"]
    files = {"blocks/__init__.py": "", "blocks/noise.bin": noise, "blocks/small.txt": "x" * 100}
    for n in (17_000, 70_001, 300_000, 600_007, len(text)):
        files[f"blocks/text{n}.txt"] = text[:n]
        files[f"blocks/mixed{n}.bin"] = text[: n // 2] + noise[: n // 2]
        files[f"blocks/zeros{n}.bin"] = bytes(n)
    return support.wheel(where, "blocks", "1.0", files), files


@pytest.fixture
def spliced(autopack, base, project, tmp_path):
    """An image with a layer put together from the deflate streams of a wheel: (layout, result, base, files)."""
    where = project({**big_tree(), "task.py": "print(1)\n"})
    wheel, files = wheel_of_every_block(where)
    r = autopack(
        "build", f"--executor-image-uri=oci:{base('debian')}:latest", f"--local-package-path={where}",
        "--script=task.py", f"--extra-packages={pathlib.Path(wheel).name}", f"--image=oci:{tmp_path}/out:v1",
    )  # fmt: skip
    return tmp_path / "out", r, base("debian"), {**files, **big_tree()}


def test_a_layer_is_one_gzip_member_for_every_reader(spliced, tmp_path):
    layout, r, base, files = spliced
    got = {}
    go_reader = None
    if shutil.which("go"):
        (tmp_path / "r.go").write_text(GO_READER)
        env = {**os.environ, "GOCACHE": str(tmp_path / "gocache"), "GOFLAGS": "-mod=mod", "GO111MODULE": "off"}
        run("go", "build", "-o", tmp_path / "reader", tmp_path / "r.go", env=env)
        go_reader = tmp_path / "reader"
    for data, want in new_layers(layout, r, base):
        assert data[:10] == bytes([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF])
        plain = one_shot(data)
        assert "sha256:" + hashlib.sha256(plain).hexdigest() == want
        assert gzip.decompress(data) == plain
        for reader in (["gzip", "-dc"], ["busybox", "gunzip", "-c"], ["igzip", "-dc"]):
            assert run(*reader, text=False, input=data).stdout == plain, reader
        listed = run("busybox", "tar", "tz", text=False, input=data).stdout.decode().splitlines()
        if go_reader:
            assert run(go_reader, text=False, input=data).stdout.decode().strip() == want
        with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
            members = tar.getmembers()
            assert [m.name for m in members] == [x.rstrip("/") for x in listed]
            assert {m.mtime for m in members} == {315532800}
            assert {(m.uid, m.gid, m.uname, m.gname) for m in members} == {(0, 0, "", "")}
            assert {m.mode for m in members if m.isfile()} <= {0o644, 0o755}
            got.update({m.name: tar.extractfile(m).read() for m in members if m.isfile()})
    for name, content in files.items():
        at = name if name in got else next(k for k in got if k.endswith("/" + name))
        assert got[at] == (content if isinstance(content, bytes) else content.encode()), name


def _same_files(root, files):
    for name, content in files.items():
        path = next(root.glob(f"usr/*/{name}"), None) or next(root.glob(f"usr/*/lib/python3*/*-packages/{name}"))
        assert path.read_bytes() == (content if isinstance(content, bytes) else content.encode()), name


def test_spliced_layers_are_read_by_containerd_and_dockerd(spliced, tmp_path, dockerd, short):
    """Fresh stores; containerd is asked by its own client, docker unpacks and exports."""
    layout, r, base, files = spliced
    archive, docker_archive = tmp_path / "a.tar", tmp_path / "d.tar"
    run("skopeo", "copy", "-q", f"oci:{layout}:v1", f"oci-archive:{archive}:example.com/t:v1")
    run("skopeo", "copy", "-q", f"oci:{layout}:v1", f"docker-archive:{docker_archive}:example.com/t:v1")
    dockerd("load", "-i", docker_archive)
    container = dockerd("create", "example.com/t:v1").stdout.strip()
    dockerd("export", "-o", tmp_path / "export.tar", container)
    (tmp_path / "docker").mkdir()
    run("tar", "xf", tmp_path / "export.tar", "-C", tmp_path / "docker", "--exclude=dev")
    _same_files(tmp_path / "docker", files)

    (short / "c.toml").write_text(f'version = 2\nroot = "{short}/root"\nstate = "{short}/state"\n[grpc]\n  address = "{short}/c.sock"\n')
    with open(short / "c.log", "wb") as log:
        daemon = subprocess.Popen(["containerd", "-c", short / "c.toml"], stdout=log, stderr=log)
        try:
            ctr = ["ctr", "-a", short / "c.sock"]
            deadline = time.monotonic() + 60
            while run(*ctr, "version", check=False).returncode:
                assert time.monotonic() < deadline, (short / "c.log").read_text()
                time.sleep(0.2)
            run(*ctr, "images", "import", "--snapshotter", "native", archive)
            (short / "m").mkdir()
            name = run(*ctr, "images", "ls", "-q").stdout.split()[0]
            run(*ctr, "images", "mount", "--snapshotter", "native", name, short / "m")
            try:
                _same_files(short / "m", files)
            finally:
                run("umount", short / "m")
        finally:
            daemon.terminate()
            daemon.wait(30)


def test_spliced_layers_are_read_by_skopeo_umoci_buildah_and_crane(spliced, tmp_path, unpack, registry, repo):
    layout, r, base, files = spliced
    _same_files(unpack(f"oci:{layout}:v1"), files)
    run("skopeo", "copy", "-q", f"oci:{layout}:v1", f"dir:{tmp_path}/dir")
    store = ["--root", tmp_path / "store", "--runroot", tmp_path / "run", "--storage-driver", "vfs"]
    image = run("buildah", *store, "pull", "-q", f"oci:{layout}:v1").stdout.strip()
    container = run("buildah", *store, "from", "--pull-never", image).stdout.strip()
    _same_files(pathlib.Path(run("buildah", *store, "mount", container).stdout.strip()), files)
    run("buildah", *store, "umount", container)
    run("buildah", *store, "rm", container)
    crane = shutil.which("crane") or shutil.which("crane", path=str(pathlib.Path.home() / "go/bin"))
    if crane:
        run(crane, "push", "--insecure", layout, registry.name(repo))
        run(crane, "validate", "--insecure", "--remote", registry.name(repo), timeout=300)


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


def test_the_bytes_do_not_depend_on_the_number_of_processors(autopack, base, project, tmp_path):
    where = project(big_tree())
    digests = {
        build(autopack, where, f"oci:{base('tiny-python')}:latest", f"oci:{tmp_path}/out{i}:v1", prefix=prefix).digest
        for i, prefix in enumerate([[], ["taskset", "-c", "0"]])
    }
    assert len(digests) == 1


@pytest.mark.full
def test_the_bytes_do_not_depend_on_what_the_processor_can(spliced, autopack, tmp_path):
    """The same build on emulated processors: one without SHA-NI, AVX and carry-less multiplication, and one with all that qemu knows."""
    layout, r, base, _ = spliced
    for cpu in ("Nehalem-v1", "max"):
        other = support.Autopack(tmp_path / cpu)
        argv = [a.replace(f"oci:{layout}:", f"oci:{tmp_path}/{cpu}.oci:") for a in r.argv[1:]]
        again = other(*argv, prefix=["qemu-x86_64", "-cpu", cpu], timeout=900)
        assert again.digest == r.digest


def test_onbuild_instructions_of_a_base_are_told_of(autopack, project, tmp_path):
    layout = support.oci.Layout(tmp_path / "base")
    tar = support.oci.tar_of_members({"usr/bin/python": (0o755, "#!x\n"), "home": support.oci.Dir(0o755)})
    layout.tag(layout.image([tar], {"Env": ["PATH=/usr/bin"], "OnBuild": ["RUN make"]}), "latest")
    r = build(autopack, project(CODE), f"oci:{tmp_path}/base", f"oci:{tmp_path}/out:v1")
    assert "ONBUILD" in r.stderr
    assert "OnBuild" not in support.skopeo_inspect(f"oci:{tmp_path}/out:v1", config=True)["config"]
