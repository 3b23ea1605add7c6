"""kill -9 at numbered moments of a build and push: before, in and after each kind of request and each cache write."""

import collections
import os
import random
import shutil
import signal
import subprocess

import pytest

import support
from support import ROOT, Autopack, run

# What the build below does, each before and after, and what can be cut in two also in it.
REQUESTS = ["GET /v2/", "GET /manifests/", "GET /blobs/", "HEAD /blobs/", "POST /blobs/uploads/", "PUT /blobs/uploads/",
            "PUT /manifests/", "body"]
ROOMS = ["inventory", "locks", "layers"]
KINDS = {(when, what) for when in ("before", "in", "after") for what in (*REQUESTS, *(f"write {r}" for r in ROOMS))}
KINDS |= {(when, f"{call} {r}") for when in ("before", "after") for call in ("sync", "rename") for r in ROOMS}


@pytest.fixture(scope="session")
def preloaded(tmp_path_factory):
    so = tmp_path_factory.mktemp("moments") / "moments.so"
    run(os.environ.get("CC", "gcc"), "-shared", "-fPIC", "-O1", "-o", so, ROOT / "tests" / "tools" / "moments.c", "-ldl")
    return {"LD_PRELOAD": so, "ASAN_OPTIONS": "exitcode=99:verify_asan_link_order=0"}


def moments(path):
    """[(when, what)] in the order in which they came."""
    return [tuple(x.split(" ", 2)[1:]) for x in path.read_text().splitlines()]


def choose(seen, n):
    """n of (count, when, what): one for each kind of moment first, then others at random."""
    counts, rnd = collections.Counter(seen), random.Random(7)
    first = [(rnd.randint(1, counts[k]), *k) for k in sorted(KINDS)]
    rnd.shuffle(first)
    more = [(i, *k) for k in sorted(counts) for i in range(1, counts[k] + 1)]
    rnd.shuffle(more)
    return [*first, *(x for x in more if x not in first)][:n]


def left_over(home):
    return [p for p in home.rglob("*") if ".tmp." in p.name or p.name.startswith(("uv-run", "spool.")) or ".partial" in p.name]


@pytest.mark.parametrize("n", [8, pytest.param(60, marks=pytest.mark.full)])
def test_killed_at_a_moment_the_next_run_completes(base, project, registry, repo, tmp_path, preloaded, n):
    """The tag is the old image or the new one, complete; the rerun makes the same image and leaves nothing behind."""
    where = project({"task.py": "import small\n", "data.bin": random.Random(1).randbytes(300_000)})
    wheel = support.wheel(where, "small", "1.0", {"small.py": "value = 42\n", "small_data.txt": "x" * 100_000})
    executor = base.push("debian")

    def argv(code, name):
        (where / "task.py").write_text(code)
        return [
            "build", f"--executor-image-uri={executor}", f"--local-package-path={where}", "--script=task.py",
            f"--extra-packages={wheel.name}", f"--output-image-uri={registry.name(name)}:t",
            "--no-remote-cache",  # the repository's copy of the inventory would spare half of the writes
        ]

    first = Autopack(tmp_path / "first")
    old = first(*argv("print('old')\n", f"{repo}/0")).digest
    log = tmp_path / "log"
    logged = Autopack(tmp_path / "logged")
    new = logged(*argv("print('new')\n", f"{repo}/0"), env={**preloaded, "MOMENTS_LOG": log}).digest
    seen = moments(log)
    assert KINDS <= set(seen), f"never seen: {KINDS - set(seen)}"
    died = 0
    for i, at in enumerate(choose(seen, n)):
        name, home = f"{repo}/k{i}", tmp_path / f"home{i}"
        first(*argv("print('old')\n", name))
        mine = Autopack(home)
        env = {**preloaded, "MOMENTS_KILL": " ".join(map(str, at))}
        p = mine.popen(*argv("print('new')\n", name), env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        # The last of a kind may be missing: how a body is cut into calls is the kernel's affair.
        status = p.wait(120)
        assert status == -signal.SIGKILL or (status == 0 and at[0] > 1), at
        died += status != 0
        manifest, digest, _ = registry.settled_manifest(name, "t")
        assert digest in (old, new), at
        for part in [manifest["config"], *manifest["layers"]]:
            assert registry.request("HEAD", f"/v2/{name}/blobs/{part['digest']}")[0] == 200, at
        r = mine(*argv("print('new')\n", name))
        assert r.digest == new, at
        assert registry.manifest(name, "t")[1] == new, at
        registry.blob(name, registry.manifest(name, "t")[0]["config"]["digest"])
        assert not left_over(home), at
        shutil.rmtree(home)
    assert died >= n * 0.9
