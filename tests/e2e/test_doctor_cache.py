"""autopack doctor and autopack cache: what is wrong and how to mend it; what is kept and how it goes."""

import fcntl
import json
import os
import time

import support

CODE = {"trainer/__init__.py": "", "trainer/task.py": "print('trained')\n"}


def rows(r):
    return {x["check"]: x for x in json.loads(r.stdout)}


def test_doctor_says_how_to_mend_what_is_missing(autopack):
    r = autopack("doctor", "--format=json", check=1)
    found = rows(r)
    for name in ("project", "region", "credentials", "registry"):
        assert found[name]["state"] == "missing" and found[name]["mend"], name
    assert "gcloud config set project" in found["project"]["mend"]
    text = autopack("doctor", check=1).stdout
    assert "missing   project" in text and "-> gcloud config set project" in text


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
