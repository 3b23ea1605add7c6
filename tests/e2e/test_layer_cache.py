"""Layers that are known are neither made nor sent; whom the cache believes."""

import json

import pytest

import support

CODE = {"task.py": "import small\nprint(small.value)\n"}


@pytest.fixture
def build(base, project, registry, repo, tmp_path):
    """build(autopack, code, *flags): a project with one wheel of its own."""
    where = project(CODE)
    wheel = support.wheel(where, "small", "1.0", {"small.py": "value = 42\n", "small_data.txt": "x" * 100_000})

    def go(autopack, code, *flags, **kw):
        (where / "task.py").write_text(code)
        return autopack(
            "build",
            f"--executor-image-uri={base.push('debian')}",
            f"--local-package-path={where}",
            "--script=task.py",
            f"--extra-packages={wheel.name if hasattr(wheel, 'name') else wheel.rsplit('/', 1)[-1]}",
            f"--output-image-uri={registry.name(repo)}",
            *flags,
            **kw,
        )

    return go


def second_machine(tmp_path):
    return support.Autopack(tmp_path / "second")


def records(autopack):
    return sorted((autopack.cache / "autopack" / "layers").glob("*.json"))


def layers(registry, repo, r):
    return [x["digest"] for x in registry.manifest(repo, r.digest)[0]["layers"]]


def uploads(registry, since):
    return [u for m, u, _ in registry.requests(since) if m == "PUT" and "/blobs/" in u]


def test_a_code_edit_makes_and_sends_the_code_layer_alone(autopack, build, registry, repo):
    first = build(autopack, "print(1)\n")
    since = len(registry.requests())
    second = build(autopack, "print(2)\n")
    assert "known, and there already" in second.stderr
    a, b = layers(registry, repo, first), layers(registry, repo, second)
    assert a[:-1] == b[:-1] and a[-1] != b[-1]
    assert len(uploads(registry, since)) == 2  # code and configuration


def test_a_second_machine_takes_the_layer_from_the_repositorys_records(autopack, build, registry, repo, tmp_path):
    first = build(autopack, "print(1)\n")
    assert [t for t in registry.tags(repo) if t.startswith("autopack-layer-")]
    other = second_machine(tmp_path)
    r = build(other, "print(2)\n")
    assert "known, and there already" in r.stderr
    assert layers(registry, repo, r)[:-1] == layers(registry, repo, first)[:-1]
    assert len(records(other)) == 1


def test_no_remote_cache_reads_and_writes_no_records(autopack, build, registry, repo, tmp_path):
    build(autopack, "print(1)\n", "--no-remote-cache")
    assert not [t for t in registry.tags(repo) if t.startswith("autopack-layer-")]
    build(autopack, "print(2)\n")
    r = build(second_machine(tmp_path), "print(3)\n", "--no-remote-cache")
    assert "known, and there already" not in r.stderr


def test_with_a_key_unsigned_records_are_not_believed(autopack, build, tmp_path):
    build(autopack, "print(1)\n")
    r = build(second_machine(tmp_path), "print(2)\n", env={"AUTOPACK_CACHE_KEY": "secret"})
    assert "known, and there already" not in r.stderr


def test_with_a_key_signed_records_are_believed(autopack, build, registry, repo, tmp_path):
    build(autopack, "print(1)\n", env={"AUTOPACK_CACHE_KEY": "secret"})
    r = build(second_machine(tmp_path), "print(2)\n", env={"AUTOPACK_CACHE_KEY": "secret"})
    assert "known, and there already" in r.stderr
    for tag in registry.tags(repo):
        assert "secret" not in json.dumps(registry.manifest(repo, tag)[0])


def test_a_layer_that_left_the_registry_is_made_again(autopack, build, registry, repo, base, project):
    first = build(autopack, "print(1)\n")
    other = "elsewhere/" + repo.rsplit("/", 1)[-1]
    r = build(autopack, "print(1)\n", f"--output-image-uri={registry.name(other)}")
    assert "known, and there already" not in r.stderr
    assert layers(registry, other, r) == layers(registry, repo, first)


def test_verify_cache_makes_the_layer_and_compares(autopack, build):
    first = build(autopack, "print(1)\n")
    again = build(autopack, "print(2)\n", "--verify-cache")
    assert "known, and there already" not in again.stderr
    (record,) = records(autopack)
    lie = json.loads(record.read_text())
    lie["digest"] = "sha256:" + "0" * 64
    record.write_text(json.dumps(lie))
    r = build(autopack, "print(3)\n", "--verify-cache", "--no-remote-cache", check=1)
    assert "record says sha256:000" in r.stderr
    assert r.stdout == "" and first.digest


def test_a_damaged_record_is_as_good_as_none(autopack, build, registry, repo):
    first = build(autopack, "print(1)\n", "--no-remote-cache")
    (record,) = records(autopack)
    record.write_text("{")
    r = build(autopack, "print(2)\n", "--no-remote-cache")
    assert "known, and there already" not in r.stderr
    assert layers(registry, repo, r)[:-1] == layers(registry, repo, first)[:-1]


def test_the_image_runs_with_a_layer_from_the_cache(autopack, build, tmp_path):
    build(autopack, "print(1)\n")
    r = build(autopack, CODE["task.py"])
    assert "known, and there already" in r.stderr
    assert support.run_image(r.reference, tmp_path / "bundle").stdout == "42\n"


def test_records_in_a_repository_of_their_own(autopack, build, registry, repo, tmp_path):
    cache = registry.name(f"cache/{repo.rsplit('/', 1)[-1]}")
    build(autopack, "print(1)\n", f"--cache-repository={cache}")
    assert not [t for t in registry.tags(repo) if t.startswith("autopack-layer-")]
    other = second_machine(tmp_path)
    elsewhere = registry.name("third/" + repo.rsplit("/", 1)[-1])
    r = build(other, "print(2)\n", f"--cache-repository={cache}", f"--output-image-uri={elsewhere}")
    assert "known, and there already" in r.stderr
    support.skopeo_inspect(r.reference)
