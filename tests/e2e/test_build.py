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


@pytest.mark.parametrize("flag", ["digest-file", "metadata-file", "lock-out", "sbom-out", "dockerfile"])
def test_a_file_that_cannot_be_written_is_known_before_anything_is_built(autopack, base, project, registry, repo, tmp_path, flag):
    where, out = project(CODE), f"--output-image-uri={registry.name(repo)}"
    (tmp_path / "results").mkdir()
    for path, words in (("resutls/x.json", 'did you mean "{}/results"?'), ("results", "is a directory, wanted a file")):
        r = build(autopack, where, base.push("tiny-python"), out, f"--{flag}={tmp_path}/{path}", check=2)
        assert f"--{flag}: " in r.stderr and words.format(tmp_path) in r.stderr, r.stderr
    assert f"--{flag} wants a value" in build(autopack, where, base.push("tiny-python"), out, f"--{flag}=", check=2).stderr
    if flag != "dockerfile":  # its "-" is standard output
        r = build(autopack, where, base.push("tiny-python"), out, f"--{flag}=-", check=2)
        assert f"--{flag}: " in r.stderr and "standard output holds the result" in r.stderr
    assert repo not in registry.repositories()
    build(autopack, where, base.push("tiny-python"), f"--image=oci:{tmp_path}/new", f"--digest-file={tmp_path}/new/digest")


def test_an_archive_that_cannot_be_written_is_known_before_anything_is_built(autopack, base, project, tmp_path):
    for path, words in (("nowhere/x.tar", "is no directory"), ("", "is a directory, wanted a file")):
        r = build(autopack, project(CODE), base.push("tiny-python"), f"--image=oci-archive:{tmp_path}/{path}", "--dry-run", check=2)
        assert "--image: " in r.stderr and words in r.stderr
    os.mkfifo(tmp_path / "pipe")
    r = build(autopack, project(CODE), base.push("tiny-python"), f"--image=oci-archive:{tmp_path}/pipe", check=2)
    assert "pipe: not a regular file" in r.stderr and stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    (tmp_path / "file").touch()
    r = build(autopack, project(CODE), base.push("tiny-python"), f"--image=oci:{tmp_path}/file", check=2)
    assert "file: a file, want a directory or none" in r.stderr


def test_one_file_is_not_asked_to_hold_two_things(autopack, base, project, tmp_path):
    both = [f"--{flag}={tmp_path}/x" for flag in ("digest-file", "metadata-file")]
    r = build(autopack, project(CODE), base.push("tiny-python"), f"--image=oci:{tmp_path}/out", *both, check=2)
    assert f'--digest-file and --metadata-file both name the file "{tmp_path}/x"' in r.stderr


def test_pipes_and_standard_output_are_written_to_and_not_replaced(autopack, base, project, tmp_path):
    where, out = project(CODE), f"--image=oci:{tmp_path}/out"
    (tmp_path / "stdout").symlink_to("/proc/self/fd/1")  # as /dev/stdout is
    r = build(autopack, where, base.push("tiny-python"), out, f"--digest-file={tmp_path}/stdout")
    digest, image = r.stdout.splitlines()
    assert image.endswith("@" + digest)
    assert (tmp_path / "stdout").is_symlink()
    with open(tmp_path / "log", "w") as log:  # a file has a position: nothing is written over
        autopack.popen("build", f"--executor-image-uri={base.push('tiny-python')}", f"--local-package-path={where}",
                       "--script=trainer/task.py", out, f"--digest-file={tmp_path}/stdout", stdout=log).wait()
    assert (tmp_path / "log").read_text() == r.stdout
    os.mkfifo(tmp_path / "pipe")
    fd = os.open(tmp_path / "pipe", os.O_RDWR)
    build(autopack, where, base.push("tiny-python"), out, f"--metadata-file={tmp_path}/pipe")
    assert json.loads(os.read(fd, 1 << 16))["digest"] == digest
    os.close(fd)


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
    ("a key twice", ["--script=trainer/task.py", "--env=A=1,B=2,A=3"], "--env: key A is given twice"),
    ("an empty path", ["--script=trainer/task.py", "--cache-dir="], "--cache-dir wants a value: --cache-dir=DIR"),
    ("missing inventory", ["--script=trainer/task.py", "--inventory=nope.json"], "--inventory=nope.json: "),
    ("cache repository", ["--script=trainer/task.py", "--cache-repository=x/UPPER"], '--cache-repository: image reference "x/UPPER"'),
    ("cache directory", ["--script=trainer/task.py", "--cache-repository=oci:x"], "--cache-repository=oci:x: want a registry's"),
    ("allowed name", ["--script=trainer/task.py", "--allow-build=fine,_"], '--allow-build: "_" is no name'),
    ("missing authfile", ["--script=trainer/task.py", "--authfile=nope.json"], '--authfile: "nope.json" is not there'),
    ("missing token", ["--script=trainer/task.py", "--access-token-file=nope"], '--access-token-file: "nope" is not there'),
    ("insecure registry", ["--script=trainer/task.py", "--insecure-registry=http://x"], '--insecure-registry: "http://x" is no HOST or HOST:PORT'),
    ("missing key", ["--script=trainer/task.py", "--sign-key=nope.pem"], "--sign-key: nope.pem: "),
    ("missing layout", ["--script=trainer/task.py", "--executor-image-uri=oci:nope"], 'executor-image-uri: "nope": no such directory'),
    ("missing archive", ["--script=trainer/task.py", "--executor-image-uri=oci-archive:nope"], 'executor-image-uri: "nope": no such file'),
]


@pytest.mark.parametrize("dry", [[], ["--dry-run"]], ids=["real", "dry"])
@pytest.mark.parametrize("name,flags,word", BAD, ids=[b[0] for b in BAD])
def test_bad_input_is_one_line_and_status_2(autopack, project, tmp_path, name, flags, word, dry):
    r = autopack(
        "build",
        "--executor-image-uri=gcr.io/p/base",
        f"--local-package-path={project(CODE)}",
        *([] if any("output-image" in f for f in flags) else ["--output-image-uri=127.0.0.1:1/x"]),
        *flags,
        *dry,
        check=2,
    )
    assert r.stdout == ""
    assert word in r.stderr
    assert len(r.stderr.splitlines()) == 1
    assert r.stderr.startswith("autopack: error: ")
    assert not (autopack.cache / "autopack").exists()
