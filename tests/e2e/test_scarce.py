"""A full disk, a home that cannot be written, several runs at once: worked around, or one clear error."""

import json
import os
import random
import subprocess

import pytest

import support

IN_MOUNTS_OF_ITS_OWN = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]


def on_disk_of(size, where):
    """Before argv: `where` is a disk of that size while it runs; its content is then copied beside it."""
    where.mkdir(parents=True, exist_ok=True)
    script = (
        f'mount -t tmpfs -o size={size} none "{where}" && "$@"; status=$?; '
        f'cp -a "{where}" "{where}.after"; exit $status'
    )
    return [*IN_MOUNTS_OF_ITS_OWN, "sh", "-c", script, "small"]


def read_only(where):
    return [*IN_MOUNTS_OF_ITS_OWN, "sh", "-c", f'mount --bind "{where}" "{where}" && mount -o remount,ro,bind "{where}" && exec "$@"', "ro"]


@pytest.fixture
def work(base, project, registry, repo):
    """work(autopack, code, **) builds a project with one wheel of its own."""
    where = project({"task.py": "1\n", "data.bin": random.Random(1).randbytes(400_000)})
    wheel = support.wheel(where, "small", "1.0", {"small.py": "value = 42\n", "small_data.txt": "x" * 100_000})

    def argv(code=None, name=repo, tag="t"):
        if code:
            (where / "task.py").write_text(code)
        return [
            "build", f"--executor-image-uri={base.push('debian')}", f"--local-package-path={where}", "--script=task.py",
            f"--extra-packages={wheel.name}", f"--output-image-uri={registry.name(name)}:{tag}",
        ]

    argv.where = where
    return argv


@pytest.mark.parametrize("size", ["4k", "64k", "256k", "1m"])
def test_a_build_whose_cache_fills_the_disk(autopack, work, registry, repo, size):
    """It does without, or says that there is no space; the next run, with space, is not misled by what is left."""
    r = autopack(*work(), prefix=on_disk_of(size, autopack.cache), check=None)
    assert r.returncode in (0, 1), repr(r)
    if r.returncode:
        assert "No space left" in r.stderr and r.stdout == "", repr(r)
        assert not registry.has_manifest(repo, "t")
    left = autopack.cache.parent / f"{autopack.cache.name}.after"
    again = autopack(*work(), env={"XDG_CACHE_HOME": left})
    assert again.digest == registry.manifest(repo, "t")[1]
    assert not [p for p in left.rglob("*") if ".tmp." in p.name]


@pytest.mark.parametrize("dest", ["oci:{}/layout:t", "oci-archive:{}/image.tar:t", "docker-archive:{}/image.tar:n:t"])
def test_a_copy_that_fills_the_disk(autopack, base, registry, repo, work, tmp_path, dest):
    autopack(*work())
    out = tmp_path / "small"
    r = autopack("copy", f"{registry.name(repo)}:t", dest.format(out), prefix=on_disk_of("1m", out), check=1)
    assert "No space left" in r.stderr and r.stdout == ""
    after = tmp_path / "small.after"
    assert not (after / "image.tar").exists()
    assert not [p for p in after.rglob("*") if ".tmp." in p.name]
    index = after / "layout" / "index.json"
    assert not index.exists() or json.loads(index.read_text())["manifests"] == []


@pytest.mark.parametrize("home", ["read-only", "unset"])
def test_a_build_without_a_home_to_write_to(autopack, work, registry, repo, tmp_path, home):
    tmp = tmp_path / "tmp"
    tmp.mkdir()
    unset = {"HOME": None, "XDG_CACHE_HOME": None, "XDG_CONFIG_HOME": None, "CLOUDSDK_CONFIG": None}
    r = autopack(
        *work(), prefix=read_only(autopack.home) if home == "read-only" else [],
        env={"TMPDIR": tmp, **(unset if home == "unset" else {})},
    )
    assert r.digest == registry.manifest(repo, "t")[1]
    assert ("cannot be written: nothing is kept" in r.stderr) == (home == "read-only")
    assert list(tmp.iterdir()) == []


@pytest.mark.parametrize("n", [2, 4])
def test_builds_at_once_share_a_cold_cache(autopack, work, registry, repo, n):
    """The same build n times to one name: one digest, and a cache that the next run uses."""
    argv = work("print('same')\n")
    running = [autopack.popen(*argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(n)]
    said = [p.communicate(timeout=200) for p in running]
    assert [p.returncode for p in running] == [0] * n, said
    assert len({out for out, _ in said}) == 1
    r = autopack(*work("print('next')\n"))
    assert "known, and there already" in r.stderr
    assert not [p for p in autopack.cache.rglob("*") if ".tmp." in p.name]


def test_builds_of_other_code_at_once_leave_a_whole_image_under_the_name(autopack, base, project, registry, repo):
    wheres = [project({"task.py": f"print({i})\n", "data.bin": random.Random(i).randbytes(200_000)}) for i in range(4)]
    running = [
        autopack.popen(
            "build", f"--executor-image-uri={base.push('tiny-python')}", f"--local-package-path={w}", "--script=task.py",
            f"--output-image-uri={registry.name(repo)}:t", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for w in wheres
    ]
    said = [p.communicate(timeout=200) for p in running]
    assert [p.returncode for p in running] == [0] * 4, said
    manifest, digest, _ = registry.manifest(repo, "t")
    assert digest in {out.strip().rsplit("@")[1] for out, _ in said}
    for out, _ in said:
        manifest, _, _ = registry.manifest(repo, out.strip().rsplit("@")[1])
        for part in [manifest["config"], *manifest["layers"]]:
            registry.blob(repo, part["digest"])
