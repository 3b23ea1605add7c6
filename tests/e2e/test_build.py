"""autopack build: from a directory to an image that others can read."""

import json
import os
import re
import socket
import stat

import pytest

import support

CODE = {"trainer/__init__.py": "", "trainer/task.py": "print('trained')\n", "trainer/notes.md": "n\n"}


def build(autopack, project, executor, *flags, **kw):
    return autopack(
        "build",
        f"--executor-image-uri={executor}",
        f"--local-package-path={project}",
        "--script=trainer/task.py",
        *flags,
        **kw,
    )


def test_stdout_is_the_reference_and_nothing_else(autopack, base, project, registry, repo):
    r = build(autopack, project(CODE), base.push("tiny-python"), f"--output-image-uri={registry.name(repo)}")
    assert re.fullmatch(re.escape(registry.name(repo)) + r"@sha256:[0-9a-f]{64}\n", r.stdout)
    _, digest, _ = registry.manifest(repo, r.digest)
    assert digest == r.digest


def test_the_image_has_code_modes_entry_point_and_environment(autopack, base, project, registry, repo, unpack):
    r = build(autopack, project(CODE), base.push("tiny-python"), f"--output-image-uri={registry.name(repo)}")
    config = support.skopeo_inspect(r.reference, config=True)["config"]
    assert config["Entrypoint"] == ["python", "trainer/task.py"]
    assert config["WorkingDir"] == "/usr/app"
    assert not config.get("Cmd")
    assert {"HOME=/home", "PYTHONDONTWRITEBYTECODE=1"} <= set(config["Env"])
    assert config["Labels"]["base.label"] == "kept"
    root = unpack(r.reference)
    assert (root / "usr/app/trainer/task.py").read_text() == CODE["trainer/task.py"]
    assert stat.S_IMODE((root / "usr/app").stat().st_mode) == 0o777
    assert stat.S_IMODE((root / "home").stat().st_mode) == 0o777


def test_the_second_run_builds_and_sends_nothing(autopack, base, project, registry, repo):
    where = project(CODE)
    first = build(autopack, where, base.push("tiny-python"), f"--output-image-uri={registry.name(repo)}")
    before = len(registry.requests())
    second = build(autopack, where, base.push("tiny-python"), f"--output-image-uri={registry.name(repo)}")
    assert second.stdout == first.stdout
    assert "nothing to build or push" in second.stderr
    assert {m for m, _, _ in registry.requests(before)} <= {"GET", "HEAD", "POST", "DELETE"}
    assert not [u for m, u, _ in registry.requests(before) if m == "PUT"]


def test_a_tag_is_a_second_name(autopack, base, project, registry, repo):
    where = project(CODE)
    r = build(autopack, where, base.push("tiny-python"), f"--output-image-uri={registry.name(repo)}:v1")
    assert registry.manifest(repo, "v1")[1] == r.digest
    r2 = build(autopack, where, base.push("tiny-python"), f"--output-image-uri={registry.name(repo)}:v2")
    assert "nothing to build" in r2.stderr
    assert registry.manifest(repo, "v2")[1] == r.digest


def test_the_same_digest_from_any_place_under_any_umask_and_locale(autopack, base, project, tmp_path):
    digests = set()
    surroundings = [
        (0o022, {"TZ": "UTC", "LC_ALL": "C"}, "a"),
        (0o077, {"TZ": "Pacific/Apia", "LC_ALL": "C.UTF-8"}, "b/c"),
        (0o000, {"TZ": "America/New_York", "LANG": "tr_TR.UTF-8"}, "d"),
    ]
    for mask, env, name in surroundings:
        old = os.umask(mask)
        try:
            files = dict(reversed(list(CODE.items()))) if mask else CODE
            where = project(files, name=name)
        finally:
            os.umask(old)
        for path in where.rglob("*"):
            os.utime(path, (mask, mask))
        r = build(
            autopack, ".", f"oci:{base('tiny-python')}:latest", f"--image=oci:{tmp_path}/out-{mask}", cwd=where, env=env
        )
        digests.add(r.digest)
    assert len(digests) == 1


def test_an_index_is_resolved_to_the_platform(autopack, base, project, tmp_path):
    r = build(
        autopack,
        project(CODE),
        f"oci:{base('tiny-python')}:index",
        f"--image=oci:{tmp_path}/out",
        "--platform=linux/arm64",
    )
    assert support.skopeo_inspect(f"oci:{tmp_path}/out:latest", config=True)["architecture"] == "arm64"
    assert r.digest
    r = build(
        autopack, project(CODE), f"oci:{base('tiny-python')}:arm-index", f"--image=oci:{tmp_path}/no", check=1
    )
    assert "linux/amd64" in r.stderr and "linux/arm64" in r.stderr
    assert r.stdout == ""


@pytest.mark.parametrize("tag,kind", [("latest", "oci"), ("docker", "docker")])
def test_media_types_follow_the_base(autopack, base, project, registry, repo, tag, kind):
    r = build(autopack, project(CODE), base.push("tiny-python", tag), f"--output-image-uri={registry.name(repo)}")
    manifest, _, media = registry.manifest(repo, r.digest)
    assert kind in media
    assert all(kind in layer["mediaType"] for layer in manifest["layers"])


def test_dry_run_names_the_tag_that_the_real_run_pushes(autopack, base, project, registry, repo):
    where, out = project(CODE), registry.name(repo)
    dry = build(autopack, where, base.push("tiny-python"), f"--output-image-uri={out}", "--dry-run")
    name, tag = dry.stdout.strip().rsplit(":", 1)
    assert name == out
    assert not registry.has_manifest(repo, tag)
    real = build(autopack, where, base.push("tiny-python"), f"--output-image-uri={out}")
    assert registry.manifest(repo, tag)[1] == real.digest


def test_dry_run_pushed_wants_the_image_to_be_there(autopack, base, project, registry, repo):
    where, out = project(CODE), registry.name(repo)
    flags = [f"--output-image-uri={out}", "--dry-run=pushed"]
    r = build(autopack, where, base.push("tiny-python"), *flags, check=1)
    assert "is not there" in r.stderr
    real = build(autopack, where, base.push("tiny-python"), flags[0])
    assert build(autopack, where, base.push("tiny-python"), *flags).stdout == real.stdout


@pytest.mark.parametrize("flag", ["digest-file", "metadata-file", "lock-out", "sbom-out"])
def test_a_file_that_cannot_be_written_is_known_before_anything_is_built(autopack, base, project, registry, repo, tmp_path, flag):
    where, out = project(CODE), f"--output-image-uri={registry.name(repo)}"
    (tmp_path / "results").mkdir()
    for path, words in (("resutls/x.json", 'did you mean "{}/results"?'), ("results", "is a directory, wanted a file")):
        r = build(autopack, where, base.push("tiny-python"), out, f"--{flag}={tmp_path}/{path}", check=2)
        assert f"--{flag}: " in r.stderr and words.format(tmp_path) in r.stderr, r.stderr
    assert repo not in registry.repositories()
    build(autopack, where, base.push("tiny-python"), f"--image=oci:{tmp_path}/new", f"--digest-file={tmp_path}/new/digest")


def test_digest_and_metadata_files(autopack, base, project, registry, repo, tmp_path):
    r = build(
        autopack,
        project(CODE),
        base.push("tiny-python"),
        f"--output-image-uri={registry.name(repo)}",
        f"--digest-file={tmp_path}/digest",
        f"--metadata-file={tmp_path}/meta.json",
    )
    assert (tmp_path / "digest").read_text() == r.digest + "\n"
    meta = json.loads((tmp_path / "meta.json").read_text())
    assert meta["digest"] == r.digest
    assert meta["image"] == r.reference
    assert [x["title"] for x in meta["layers"]] == ["code"]


def test_a_registry_that_is_not_there_is_status_1(autopack, base, project):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    r = build(autopack, project(CODE), f"oci:{base('tiny-python')}", f"--output-image-uri=127.0.0.1:{port}/x", check=1)
    assert r.stdout == ""
    assert re.search(r"^autopack: error: .*127\.0\.0\.1", r.stderr, re.M)


BAD = [
    ("missing script", ["--script=trainer/nope.py"], "nope.py"),
    ("script and module", ["--script=trainer/task.py", "--python-module=trainer.task"], "module"),
    ("neither", [], "script"),
    ("outside the working directory", ["--script=../task.py"], "../task.py"),
    ("missing directory", ["--script=trainer/task.py", "--extra-dirs=data"], "data"),
    ("missing package", ["--script=trainer/task.py", "--extra-packages=a.whl"], "a.whl"),
    ("unknown flag", ["--script=trainer/task.py", "--scirpt=x"], "--script"),
    ("bad reference", ["--script=trainer/task.py", "--output-image-uri=gcr.io/UPPER/x"], "UPPER"),
    ("digest as destination", ["--script=trainer/task.py", "--output-image-uri=gcr.io/p/x@sha256:" + "a" * 64], "digest"),
    ("platform", ["--script=trainer/task.py", "--compression=xz"], "xz"),
    ("format", ["--script=trainer/task.py", "--format=curl"], "for jobs"),
    ("format key", ["--script=trainer/task.py", "--format=value()"], "value"),
]


@pytest.mark.parametrize("name,flags,word", BAD, ids=[b[0] for b in BAD])
def test_bad_input_is_one_line_and_status_2(autopack, project, tmp_path, name, flags, word):
    r = autopack(
        "build",
        "--executor-image-uri=gcr.io/p/base",
        f"--local-package-path={project(CODE)}",
        *([] if any("output-image" in f for f in flags) else ["--output-image-uri=127.0.0.1:1/x"]),
        *flags,
        check=2,
    )
    assert r.stdout == ""
    assert word in r.stderr
    assert len(r.stderr.splitlines()) == 1
    assert r.stderr.startswith("autopack: error: ")
    assert not (autopack.cache / "autopack").exists()
