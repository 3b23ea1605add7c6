"""autopack copy: between registry, layout and archive, the digest stays."""

import hashlib
import json

import pytest

import support


def digest_in(layout, tag):
    index = json.loads((layout / "index.json").read_text())
    name = "org.opencontainers.image.ref.name"
    return next(m["digest"] for m in index["manifests"] if m.get("annotations", {}).get(name) == tag)


def test_a_way_around_all_transports_keeps_the_digest(autopack, base, registry, repo, tmp_path):
    source = f"oci:{base('tiny-python')}:latest"
    want = digest_in(base("tiny-python"), "latest")
    stations = [
        f"oci-archive:{tmp_path}/a.tar:v1",
        f"docker-archive:{tmp_path}/b.tar:example.com/n:v1",
        f"docker://{registry.name(repo)}:v1",
        f"oci:{tmp_path}/out:v1",
    ]
    for dest in stations:
        r = autopack("copy", source, dest)
        assert r.stdout.strip().endswith("@" + want)
        source = dest
    assert support.skopeo_inspect(f"oci:{tmp_path}/out:v1")["Digest"] == want
    assert registry.manifest(repo, "v1")[1] == want


def test_an_index_is_copied_with_all_its_platforms(autopack, base, registry, repo):
    want = digest_in(base("tiny-python"), "index")
    autopack("copy", f"oci:{base('tiny-python')}:index", f"{registry.name(repo)}:all")
    index, digest, _ = registry.manifest(repo, "all")
    assert digest == want
    for m in index["manifests"]:
        child, d, _ = registry.manifest(repo, m["digest"])
        assert d == m["digest"]
        for blob in [child["config"], *child["layers"]]:
            registry.blob(repo, blob["digest"])


def test_an_index_there_and_back_is_read_by_every_reader(autopack, base, registry, repo, tmp_path, short, unpack):
    source, there = f"oci:{base('tiny-python')}:index", f"{registry.name(repo)}:all"
    want = digest_in(base("tiny-python"), "index")
    autopack("copy", source, there)
    autopack("copy", there, f"oci:{tmp_path}/back:all")
    assert digest_in(tmp_path / "back", "all") == want
    support.run("skopeo", "copy", "-q", "--all", "--src-tls-verify=false", f"docker://{there}", f"dir:{tmp_path}/dir")
    assert "sha256:" + hashlib.sha256((tmp_path / "dir/manifest.json").read_bytes()).hexdigest() == want
    amd64 = next(m for m in json.loads((tmp_path / "dir/manifest.json").read_text())["manifests"] if m["platform"]["architecture"] == "amd64")
    for tool in ("buildah", "podman"):
        store = [tool, "--root", tmp_path / tool, "--runroot", short / tool, "--storage-driver", "vfs"]
        support.run(*store, "pull", "-q", "--arch=amd64", "--tls-verify=false", f"docker://{there}")
        images = support.run(*store, "images", "--digests", "--format", "{{.Digest}}").stdout.split()
        assert images and set(images) <= {want, amd64["digest"]}
    autopack("copy", "--platform=linux/amd64", there, f"oci:{tmp_path}/one:v1")
    assert digest_in(tmp_path / "one", "v1") == amd64["digest"]
    assert (unpack(f"oci:{tmp_path}/one:v1") / "usr/bin").is_dir()


def test_one_platform_of_an_index(autopack, base, registry, repo):
    autopack("copy", "--platform=linux/arm64", f"oci:{base('tiny-python')}:index", f"{registry.name(repo)}:arm")
    assert registry.config(repo, "arm")["architecture"] == "arm64"


def test_an_index_does_not_fit_a_docker_archive(autopack, base, tmp_path):
    r = autopack("copy", f"oci:{base('tiny-python')}:index", f"docker-archive:{tmp_path}/x.tar:n:t", check=1)
    assert "--platform" in r.stderr
    assert not (tmp_path / "x.tar").exists()
    assert not list(tmp_path.glob("x.tar*"))


def test_the_second_copy_sends_nothing(autopack, base, registry, repo):
    source, dest = f"oci:{base('tiny-python')}:latest", f"{registry.name(repo)}:v1"
    autopack("copy", source, dest)
    since = len(registry.requests())
    autopack("copy", source, dest)
    assert not [u for m, u, _ in registry.requests(since) if m == "PUT" and "/blobs/" in u]


def test_within_a_registry_blobs_are_mounted(autopack, base, registry, repo):
    source = base.push("tiny-python")
    since = len(registry.requests())
    autopack("copy", source, f"{registry.name(repo)}:v1")
    asked = registry.requests(since)
    assert [u for m, u, s in asked if m == "POST" and "mount=" in u and s == 201]
    assert not [u for m, u, _ in asked if m == "PUT" and "/blobs/" in u]


@pytest.mark.parametrize("what", ["layer", "config", "manifest"])
def test_a_layout_with_other_bytes_is_refused_and_no_tag_appears(autopack, base, registry, repo, tmp_path, what):
    autopack("copy", f"oci:{base('tiny-python')}:latest", f"oci:{tmp_path}/bad:v1")
    blobs = tmp_path / "bad" / "blobs" / "sha256"
    digest = digest_in(tmp_path / "bad", "v1")
    manifest = json.loads((blobs / digest[7:]).read_text())
    victim = {"layer": manifest["layers"][0], "config": manifest["config"], "manifest": {"digest": digest}}[what]
    path = blobs / victim["digest"][7:]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    r = autopack("copy", f"oci:{tmp_path}/bad:v1", f"{registry.name(repo)}:v1", check=1)
    assert victim["digest"][:19] in r.stderr
    assert r.stdout == ""
    assert not registry.has_manifest(repo, "v1")


def test_an_archive_that_is_cut_off_is_refused(autopack, base, tmp_path):
    autopack("copy", f"oci:{base('tiny-python')}:latest", f"oci-archive:{tmp_path}/a.tar:v1")
    whole = (tmp_path / "a.tar").read_bytes()
    seen = set()
    for keep in range(600, len(whole) - 1024, len(whole) // 12):
        (tmp_path / "cut.tar").write_bytes(whole[:keep])
        r = autopack("copy", f"oci-archive:{tmp_path}/cut.tar:v1", f"oci:{tmp_path}/out{keep}:v1", check=1)
        assert r.stdout == ""
        assert len([x for x in r.stderr.splitlines() if x.startswith("autopack: error: ")]) == 1
        seen.add(hashlib.sha256(r.stderr.encode()).hexdigest())
    assert seen
