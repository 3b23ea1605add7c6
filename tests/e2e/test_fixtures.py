"""The tools that the other tests trust: executor images, registry, readers."""

import pathlib

import pytest

import support


def test_demo_executor_has_python_pip_and_numpy_and_runs(base, unpack):
    rootfs = unpack(f"oci:{base('debian')}:latest")
    p = support.run_in(rootfs, ["python3", "-c", "import numpy, ssl, sqlite3; print(numpy.ones(3).sum())"])
    assert p.stdout == "3.0\n"
    assert "No broken requirements" in support.run_in(rootfs, ["python3", "-m", "pip", "check"]).stdout
    assert (rootfs / "usr/bin/python").readlink().name == "python3"


def test_registry_counts_what_it_is_asked_and_serves_docker_manifests_to_skopeo(base, registry):
    before = len(registry.requests())
    reference = base.push("tiny-both", "docker")
    manifest, digest, media = registry.manifest("base/tiny-both", "docker")
    assert media == "application/vnd.docker.distribution.manifest.v2+json"
    assert support.skopeo_inspect(reference)["Digest"] == digest
    assert len(manifest["layers"]) == 2
    assert any(m == "PUT" and s == 201 for m, _, s in registry.requests(before))


def test_synthetic_index_keeps_its_platforms_on_the_way_to_the_registry(base, registry):
    base.push("tiny-python3", "index")
    index, _, _ = registry.manifest("base/tiny-python3", "index")
    assert [m["platform"]["architecture"] for m in index["manifests"]] == ["arm64", "amd64"]


def test_small_wheels_made_here_are_right_for_pip(tmp_path):
    path = support.wheel(
        tmp_path, "Tiny.Thing", "1.0", {"tiny_thing/__init__.py": "def main(): print('ran')\n"},
        entry_points="[console_scripts]\ntiny = tiny_thing:main\n",
    )  # fmt: skip
    pip = [support.ENV_BIN / "python", "-m", "pip", "install", "-q", "--no-index", "--target", tmp_path / "t", path]
    support.run(*pip)
    assert pathlib.Path(tmp_path, "t/bin/tiny").exists()
    assert support.run("python3", "-c", "import tiny_thing; tiny_thing.main()", cwd=tmp_path / "t").stdout == "ran\n"


@pytest.mark.full
@pytest.mark.parametrize(
    "name, python, site",
    [
        ("minbase", "/usr/bin/python3", "/usr/local/lib/python3.%d/dist-packages"),
        ("science", "/usr/bin/python3", "/usr/local/lib/python3.%d/dist-packages"),
        ("venv", "/opt/venv/bin/python", "/opt/venv/lib/python3.%d/site-packages"),
        ("usrlocal", "/usr/local/bin/python", "/usr/local/lib/python3.%d/site-packages"),
    ],
)
def test_parity_executors_install_where_their_kind_installs(base, unpack, tmp_path, name, python, site):
    rootfs = unpack(f"oci:{base(name)}:latest")
    support.wheel(rootfs / "tmp", "probe", "1.0")
    env = {"PIP_BREAK_SYSTEM_PACKAGES": "1"}
    pip = [python, "-m", "pip", "install", "-q", "--no-index", "--no-compile", "/tmp/probe-1.0-py3-none-any.whl"]
    support.run_in(rootfs, pip, env)
    p = support.run_in(rootfs, [python, "-c", "import probe, sys; print(probe.__file__, sys.version_info[1])"])
    path, minor = p.stdout.split()
    assert path == site % int(minor) + "/probe/__init__.py"
    if name == "science":
        support.run_in(rootfs, [python, "-c", "import numpy, pandas, sklearn"])
