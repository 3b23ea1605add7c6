"""How many requests a build costs, and that none saved loses a layer."""

import collections
import hashlib
import json
import random
import sys

import pytest

from support import ROOT, oci

sys.path.insert(0, str(ROOT / "tests" / "server"))
from registry import Registry as Fake  # noqa: E402


@pytest.fixture
def place(autopack, project, tmp_path):
    """A registry with an executor image of eight layers, and a way to build on it that counts."""
    reg = Fake()
    layout = oci.Layout(tmp_path / "base")
    tars = [oci.tar_of_members({f"opt/{i}": (0o644, str(i))}) for i in range(7)]
    tars.append(oci.tar_of_members({"usr/bin/python": (0o755, "#!x\n"), "home": oci.Dir(0o755)}))
    layout.tag(layout.image(tars, {"Env": ["PATH=/usr/bin"]}), "latest")
    autopack("copy", f"oci:{tmp_path / 'base'}:latest", f"{reg.host}/team/base:1")

    def build(code, tag=":v", *flags):
        where = project({"app/trainer/task.py": code})
        since = len(reg.requests)
        r = autopack(
            "build", f"--executor-image-uri={reg.host}/team/base:1", f"--local-package-path={where}/app",
            "--script=trainer/task.py", f"--output-image-uri={reg.host}/team/train{tag}", *flags,
        )
        assert reg.complete("team/train", r.digest)
        if tag:
            assert "sha256:" + hashlib.sha256(reg.manifests["team/train"][tag[1:]][0]).hexdigest() == r.digest
        return collections.Counter(q.method for q in reg.requests[since:])

    build.registry = reg
    yield build
    reg.stop()


def test_requests_of_each_case_are_those_of_the_readme(place):
    n = 8  # layers of the executor image
    first = place("print(1)\n")
    assert first == {"GET": 5, "HEAD": n, "POST": n + 2, "PUT": 4}
    edit = place("print(2)\n")
    assert edit == {"GET": 5, "POST": 2, "PUT": 4}
    assert place("print(2)\n") == {"GET": 6}
    untagged = place("print(3)\n", "")
    assert untagged == {"GET": 4, "HEAD": n, "POST": 2, "PUT": 3}
    assert place("print(3)\n", "") == {"GET": 5}
    text = (ROOT / "README.md").read_text()
    for what, count in (("first", f"{sum(first.values()) - 2 * n} + 2"), ("edited", str(sum(edit.values()))), ("unchanged", "6")):
        assert f"| {what} | {count} " in text, f"README.md tells other numbers: {what} {count}"


def test_a_layer_that_the_old_image_names_and_the_registry_lost_is_sent_again(place):
    """The old image is taken at its word, but the manifest's refusal is believed more."""
    reg = place.registry
    place("print(1)\n")
    layers = json.loads(reg.manifests["team/train"]["v"][0])["layers"]
    for lost in layers[1], layers[5]:
        del reg.blobs["team/train"][lost["digest"]]
    asked = place("print(2)\n")
    assert asked["HEAD"] == 8
    assert reg.complete("team/train", "v")


def test_an_old_image_that_cannot_be_read_costs_only_requests(place):
    reg = place.registry
    for manifest in b"{", b'{"schemaVersion": 2, "layers": [1, {"digest": 7}, {}]}', b"[]":
        reg.put_manifest("team/train", "v", manifest, "application/vnd.oci.image.manifest.v1+json")
        place(f"print({random.random()})\n")


def test_permission_is_asked_for_when_only_the_name_is_missing(place):
    """Found by its request tag, but the name is new: the answer to a refusal is as clear as before a build."""
    reg = place.registry
    place("print(1)\n", "")
    asked = place("print(1)\n", ":other")
    assert asked == {"GET": 6, "POST": 1, "PUT": 1, "DELETE": 1}
    assert reg.uploads == {}
