"""Big working directories: an edit makes, reads and sends a small part of them."""

import os
import random
import time

import pytest

import support

FILES = 3000


@pytest.fixture
def big(project):
    """A directory of many small files and a large one, old enough to be trusted."""
    rnd = random.Random(7)
    files = {f"data/d{i % 50}/f{i}.txt": "".join(rnd.choices("abcdef \n", k=200)) for i in range(FILES)}
    where = project({"task.py": "print(1)\n", "empty/.keep": "", **files})
    (where / "weights.bin").write_bytes(rnd.randbytes(5 << 20))
    (where / "empty/.keep").unlink()
    old = time.time() - 100
    for top, _, names in os.walk(where):
        for n in names:
            os.utime(os.path.join(top, n), (old, old))
    time.sleep(0.1)  # ctime is what it is
    return where


def build(autopack, where, base, name, **kw):
    return autopack(
        "build", f"--executor-image-uri={base.push('debian')}", f"--local-package-path={where}",
        "--script=task.py", f"--output-image-uri={name}", **kw,
    )  # fmt: skip


def layers(registry, repo, r):
    return [x["digest"] for x in registry.manifest(repo, r.digest)[0]["layers"]]


def test_an_edit_sends_one_of_many_layers(autopack, big, base, registry, repo, unpack):
    first = build(autopack, big, base, registry.name(repo))
    (big / "task.py").write_text("print(2)\n")
    since = len(registry.requests())
    second = build(autopack, big, base, registry.name(repo))
    a, b = layers(registry, repo, first), layers(registry, repo, second)
    assert len(a) == len(b) and len(set(b) - set(a)) == 1
    sent = [u for m, u, _ in registry.requests(since) if m == "PUT" and "/blobs/" in u]
    assert len(sent) == 2  # that layer and the configuration
    root = unpack(second.reference) / "usr/app"
    assert support.tree(root) == support.tree(big)


def test_an_edit_reads_the_files_of_one_layer(autopack, big, base, registry, repo, tmp_path):
    build(autopack, big, base, registry.name(repo))
    (big / "task.py").write_text("print(2)\n")
    log = tmp_path / "strace"
    # LeakSanitizer traces its own process, which strace does already.
    build(
        autopack, big, base, registry.name(repo), prefix=("strace", "-f", "-o", log, "-e", "trace=openat,openat2"),
        env={"ASAN_OPTIONS": "exitcode=99:detect_leaks=0"},
    )  # fmt: skip
    opened = [line for line in log.read_text().splitlines() if ".txt" in line or "weights" in line]
    assert 0 < len(opened) < FILES / 4
    assert not [line for line in opened if "weights" in line]


def test_layers_known_here_are_made_again_where_they_are_not(autopack, big, base, registry, repo, unpack):
    first = build(autopack, big, base, registry.name(repo))
    other = build(autopack, big, base, registry.name(repo + "-other"))
    assert first.digest == other.digest
    root = unpack(other.reference) / "usr/app"
    assert support.tree(root) == support.tree(big)
    support.remove(autopack.cache)
    third = build(autopack, big, base, registry.name(repo + "-third"))
    assert third.digest == first.digest


def test_a_file_that_changes_and_keeps_its_size_and_time_is_seen(autopack, big, base, registry, repo, unpack):
    first = build(autopack, big, base, registry.name(repo))
    st = (big / "weights.bin").stat()
    data = bytearray((big / "weights.bin").read_bytes())
    data[-1] ^= 1
    (big / "weights.bin").write_bytes(data)
    os.utime(big / "weights.bin", ns=(st.st_atime_ns, st.st_mtime_ns))
    second = build(autopack, big, base, registry.name(repo))
    assert first.digest != second.digest
    assert (unpack(second.reference) / "usr/app/weights.bin").read_bytes() == bytes(data)
