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


# ---- inventories of bases ----


def base_reads(registry, base, since):
    """Layers of the base that were fetched, however often."""
    layers = registry.manifest("base/debian", "latest")[0]["layers"]
    assert base.push("debian")
    return [u for m, u, _ in registry.requests(since) if m == "GET" and any(x["digest"] in u for x in layers)]


def inventory_tags(registry, repo):
    return [t for t in registry.tags(repo) if t.startswith("autopack-inventory-")]


def test_a_second_machine_does_not_read_the_base(autopack, build, registry, repo, base, tmp_path):
    since = len(registry.requests())
    first = build(autopack, "print(1)\n")
    assert base_reads(registry, base, since)
    assert len(inventory_tags(registry, repo)) == len(registry.manifest("base/debian", "latest")[0]["layers"])
    since = len(registry.requests())
    second = build(second_machine(tmp_path), "print(1)\n", "--refresh")
    assert second.digest == first.digest and "reading" not in second.stderr
    assert not base_reads(registry, base, since)
    # Whoever wants proof reads.
    third = build(support.Autopack(tmp_path / "third"), "print(1)\n", "--verify-cache")
    assert third.digest == first.digest and base_reads(registry, base, since)


def test_inspect_publishes_what_a_base_holds(autopack, build, registry, repo, base, tmp_path):
    autopack("inspect", base.push("debian"), f"--publish={registry.name(repo)}")
    assert inventory_tags(registry, repo)
    since = len(registry.requests())
    build(second_machine(tmp_path), "print(1)\n")
    assert not base_reads(registry, base, since)
    r = autopack("inspect", base.push("debian"), f"--publish=oci:{tmp_path}/x", check=2)
    assert "--publish=oci:" in r.stderr and "registry" in r.stderr


def test_with_a_key_an_unsigned_inventory_is_not_believed(autopack, build, registry, repo, base, tmp_path):
    autopack("inspect", base.push("debian"), f"--publish={registry.name(repo)}")
    since = len(registry.requests())
    build(second_machine(tmp_path), "print(1)\n", env={"AUTOPACK_CACHE_KEY": "k"})
    assert base_reads(registry, base, since)


def test_with_a_key_a_signed_inventory_is_believed(autopack, build, registry, repo, base, tmp_path):
    autopack("inspect", base.push("debian"), f"--publish={registry.name(repo)}", env={"AUTOPACK_CACHE_KEY": "k"})
    since = len(registry.requests())
    build(second_machine(tmp_path), "print(1)\n", env={"AUTOPACK_CACHE_KEY": "k"})
    assert not base_reads(registry, base, since)


@pytest.mark.parametrize("what", ["blob", "note", "type"])
def test_an_inventory_that_is_none_is_as_good_as_absent(autopack, build, registry, repo, base, tmp_path, what):
    autopack("inspect", base.push("debian"), f"--publish={registry.name(repo)}")
    for tag in inventory_tags(registry, repo):
        manifest, _, media_type = registry.manifest(repo, tag)
        if what == "blob":
            data = b"not an inventory"
            manifest["layers"][0] |= {"digest": registry.put_blob(repo, data), "size": len(data)}
        elif what == "note":
            manifest["annotations"]["dev.autopack.inventory.of"] = "another base"
        else:
            manifest["artifactType"] = "application/x-other"
        registry.put_manifest(repo, tag, json.dumps(manifest).encode(), media_type)
    since = len(registry.requests())
    build(second_machine(tmp_path), "print(1)\n")
    assert base_reads(registry, base, since)
