"""autopack doctor and autopack cache: what is wrong and how to mend it; what is kept and how it goes."""

import fcntl
import json
import os
import re
import subprocess
import time

import pytest

import support

CODE = {"trainer/__init__.py": "", "trainer/task.py": "print('trained')\n"}


def rows(r):
    return {x["check"]: x for x in json.loads(r.stdout)}


@pytest.mark.parametrize(
    "gcloud, project, login",
    [
        (True, "gcloud config set project PROJECT_ID", "gcloud auth login"),
        (False, "export AUTOPACK_PROJECT=PROJECT_ID", "export GOOGLE_APPLICATION_CREDENTIALS=FILE.json"),
    ],
)
def test_doctor_says_how_to_mend_what_is_missing(autopack, tmp_path, gcloud, project, login):
    if gcloud:
        (tmp_path / "gcloud").write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / "gcloud").chmod(0o755)
    env = {"PATH": str(tmp_path)}
    found = rows(autopack("doctor", "--format=json", check=1, env=env))
    for name in ("project", "region", "credentials", "registry"):
        assert found[name]["state"] == "missing" and found[name]["mend"], name
    assert found["project"]["mend"] == project
    assert found["credentials"]["mend"] == login
    text = autopack("doctor", check=1, env=env).stdout
    assert "missing   project" in text and f"-> {project}" in text


def test_doctor_is_content_with_a_registry_it_may_push_to(autopack, registry):
    token = autopack.home / "token"
    token.write_text("secret-token")
    r = autopack(
        "doctor",
        "--format=json",
        "--project=my-project",
        "--region=us-central1",
        f"--output-image-uri={registry.name('doctor/x')}",
        f"--access-token-file={token}",
        env={"CLOUDSDK_API_ENDPOINT_OVERRIDES_AIPLATFORM": "http://127.0.0.1:1/"},
        check=1,
    )
    found = rows(r)
    assert found["registry"]["state"] == "ok"
    assert found["uv"]["state"] == "ok"
    assert found["credentials"]["state"] == "ok"
    assert found["vertex ai"]["state"] == "missing"
    assert "secret-token" not in r.stdout + r.stderr
    assert "doctor/x" not in registry.repositories()


def test_doctor_takes_nothing_for_good_that_cannot_be(autopack, tmp_path):
    flags = ("--format=json", "--project=My_Project", "--region=us-centrall", f"--output-image-uri=oci:{tmp_path}/new")
    found = rows(autopack("doctor", *flags, check=1))
    assert "want a project ID" in found["project"]["found"] and found["project"]["state"] == "missing"
    assert "did you mean us-central1?" in found["region"]["found"] and found["region"]["state"] == "missing"
    assert "is on this machine, in no registry" in found["registry"]["found"] and found["registry"]["state"] == "missing"
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("cache", [[], ["--cache-dir=/proc/nowhere"]], ids=["no home", "no cache"])
def test_doctor_looks_at_uv_where_nothing_can_be_kept(autopack, cache):
    env = {} if cache else dict.fromkeys(("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"))
    found = rows(autopack("doctor", "--format=json", *cache, env=env, check=1))
    assert found["uv"]["state"] == "ok" and re.match(r"\d+\.\d+\.\d+ \(", found["uv"]["found"])
    assert found["cache"]["state"] == "optional" and "AUTOPACK_CACHE_DIR" in found["cache"]["mend"]
    assert list((autopack.home / "tmp").iterdir()) == []


def fill(autopack, base, project, tmp_path, n=1):
    where = project({**CODE})
    (where / "dist").mkdir()
    support.wheel(where / "dist", "helper", "1.0", {"helper/__init__.py": ""})
    autopack(
        "build",
        f"--executor-image-uri=oci:{base('minbase')}:latest",
        f"--local-package-path={where}",
        "--script=trainer/task.py",
        "--extra-packages=dist/helper-1.0-py3-none-any.whl",
        f"--image=oci:{tmp_path}/out{n}",
    )


def test_cache_info_and_prune(autopack, base, project, tmp_path):
    fill(autopack, base, project, tmp_path)
    info = {r["part"]: r for r in autopack("cache", "info", "--format=json").json()}
    assert info["layers"]["files"] and info["inventory"]["bytes"]
    assert autopack("cache", "prune").stdout.startswith("0 files")
    records = [p for p in (autopack.cache / "autopack/layers").glob("*.json")]
    old = time.time() - 40 * 86400
    for p in records:
        os.utime(p, (old, old))
    assert "would be removed" in autopack("cache", "prune", "--dry-run").stdout
    assert all(p.exists() for p in records)
    assert autopack("cache", "prune").stdout.startswith(f"{len(records)} file")
    assert not any(p.exists() for p in records)
    autopack("cache", "prune", "--all")
    info = {r["part"]: r for r in autopack("cache", "info", "--format=json").json()}
    assert all(r["files"] == 0 for r in info.values())
    fill(autopack, base, project, tmp_path, 2)


def test_prune_by_size_takes_what_was_used_longest_ago(autopack):
    top = autopack.cache / "autopack" / "wheels"
    top.mkdir(parents=True)
    (top.parent / "in-use").touch()  # as every run leaves it
    for i in range(5):
        (top / f"w{i}").write_bytes(bytes(1000 * 1000))
        used = time.time() - (5 - i) * 3600
        os.utime(top / f"w{i}", (used, used))
    left = lambda: sorted(p.name for p in top.iterdir())  # noqa: E731
    assert autopack("cache", "prune", "--max-size=9MB").stdout == "0 files, 0 bytes removed\n"
    assert autopack("cache", "prune", "--max-size=2500kB", "--dry-run").stdout == "3 files, 3.0 MB would be removed\n"
    assert len(left()) == 5
    assert autopack("cache", "prune", "--max-size=2500kB").stdout == "3 files, 3.0 MB removed\n"
    assert left() == ["w3", "w4"]
    assert autopack("cache", "prune", "--max-size=0").stdout == "2 files, 2.0 MB removed\n"
    for wrong in ("5XB", "MB", "-1", "99999999999TB"):
        assert "want a size such as 500MB" in autopack("cache", "prune", f"--max-size={wrong}", check=2).stderr


def test_a_directory_that_holds_other_things_too_keeps_them(autopack, base, project, tmp_path):
    """--cache-dir=/tmp: temporary files of other programs are called like ours."""
    shared, dist = tmp_path / "shared", project(CODE)
    support.wheel(dist, "helper", "1.0")
    theirs = [shared / p for p in ("notes.tmp.AbC123", "work.tmp.AbC123/f", "a/b.tmp.AbC123", "a/c/d.tmp.AbC123", "wheels/mine.whl")]
    for path in theirs:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("theirs")
    assert autopack("cache", "prune", "--all", f"--cache-dir={shared}").stdout == "0 files, 0 bytes removed\n"
    assert not (shared / "in-use").exists()
    ours = [shared / p for p in ("uv-run.tmp.AbC123/secret", "wheels/sha256/x.tmp.AbC123")]
    for path in ours:
        path.parent.mkdir(parents=True)
        path.write_text("left by a run that was killed")
    autopack("build", f"--executor-image-uri=oci:{base('minbase')}:latest", f"--local-package-path={dist}", "--script=trainer/task.py",
             "--extra-packages=helper-1.0-py3-none-any.whl", f"--image=oci:{tmp_path}/out", f"--cache-dir={shared}")
    assert [p for p in theirs if not p.exists()] == []
    assert [p for p in ours if p.exists()] == []


def test_pruning_while_builds_run_disturbs_none_of_them(autopack, base, project, tmp_path):
    """Builds and prunes of one cache at the same time: every image is the same and whole."""
    where = project({**CODE})
    (where / "dist").mkdir()
    support.wheel(where / "dist", "helper", "1.0", {"helper/__init__.py": "x = 1\n" * 100000})

    def build(n):
        return autopack.popen(
            "build",
            f"--executor-image-uri=oci:{base('minbase')}:latest",
            f"--local-package-path={where}",
            "--script=trainer/task.py",
            "--extra-packages=dist/helper-1.0-py3-none-any.whl",
            f"--image=oci:{tmp_path}/out{n}",
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    running = [build(n) for n in range(2)]
    pruned = []
    while any(p.poll() is None for p in running):
        r = autopack("cache", "prune", "--all", check=None)
        assert r.returncode == 0 or "in use by a running build" in r.stderr, repr(r)
        pruned.append(r.returncode)
    ends = [p.communicate() for p in running]
    assert [p.returncode for p in running] == [0, 0], ends
    assert pruned
    digests = {out.strip().rsplit("@")[1] for out, _ in ends}
    assert len(digests) == 1
    for n in range(2):
        support.skopeo_inspect(f"oci:{tmp_path}/out{n}:latest")
        support.umoci_unpack(f"oci:{tmp_path}/out{n}:latest", tmp_path / f"bundle{n}")


def test_prune_leaves_a_cache_alone_that_a_build_uses(autopack, base, project, tmp_path):
    fill(autopack, base, project, tmp_path)
    with open(autopack.cache / "autopack/in-use") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        r = autopack("cache", "prune", "--all", check=1)
    assert "in use by a running build" in r.stderr
    assert list((autopack.cache / "autopack/layers").glob("*.json"))


def test_a_build_without_home_or_with_a_read_only_cache_works(autopack, base, project, tmp_path):
    where = project(CODE)
    flags = [
        f"--executor-image-uri=oci:{base('tiny-python')}:latest",
        f"--local-package-path={where}",
        "--script=trainer/task.py",
    ]
    nowhere = {"HOME": None, "XDG_CACHE_HOME": None, "XDG_CONFIG_HOME": None, "CLOUDSDK_CONFIG": None}
    a = autopack("build", *flags, f"--image=oci:{tmp_path}/a", env=nowhere)
    b = autopack("build", *flags, f"--image=oci:{tmp_path}/b", "--cache-dir=/proc/nowhere")
    assert a.digest == b.digest
