"""autopack build with dependencies: resolved against the base, installed as pip would, made once."""

import json
import re
import sys

import pytest

import support
from support import oci

CODE = {"trainer/__init__.py": "", "trainer/task.py": "import helper; print('helper', helper.VALUE)\n"}


@pytest.fixture
def helper(tmp_path):
    """A pure wheel with a console script."""

    def make(directory, version="1.0", value=1, **kw):
        directory.mkdir(exist_ok=True)
        return support.wheel(
            directory,
            "helper",
            version,
            {"helper/__init__.py": f"VALUE = {value}\ndef main():\n    print('ran')\n"},
            entry_points="[console_scripts]\nhelper-run = helper:main\n",
            **kw,
        )

    return make


@pytest.fixture
def build(autopack, base, registry, repo):
    def go(where, *flags, executor="minbase", out=None, script="trainer/task.py", runner=None, **kw):
        return (runner or autopack)(
            "build",
            f"--executor-image-uri={base.push(executor)}",
            f"--local-package-path={where}",
            f"--script={script}",
            f"--output-image-uri={out or registry.name(repo)}",
            *flags,
            **kw,
        )

    return go


def layer_titles(autopack, meta):
    return [x["title"] for x in json.loads(meta.read_text())["layers"]]


def test_a_local_wheel_is_installed_runs_and_pip_is_content(build, project, helper, tmp_path, unpack):
    where = project(CODE)
    helper(where / "dist")
    r = build(where, "--extra-packages=dist/helper-1.0-py3-none-any.whl", f"--metadata-file={tmp_path}/m.json")
    root = unpack(r.reference)
    p = support.run_image(r.reference, tmp_path / "b", rootfs=root)
    assert p.stdout == "helper 1\n"
    assert support.run_in(root, ["python3", "-m", "pip", "check"]).stdout.strip() == "No broken requirements found."
    assert support.run_in(root, ["helper-run"]).stdout == "ran\n"
    titles = layer_titles(None, tmp_path / "m.json")
    assert titles[-1] == "code" and any("helper" in t for t in titles[:-1])


def test_what_the_base_has_is_not_added_again(build, project, tmp_path):
    where = project({**CODE, "trainer/task.py": "import numpy\n", "requirements.txt": "numpy\n"})
    r = build(where, f"--metadata-file={tmp_path}/m.json", executor="science")
    assert layer_titles(None, tmp_path / "m.json") == ["code"], r.stderr


def test_an_edit_of_code_resolves_nothing_and_fetches_nothing(build, project, helper):
    where = project(CODE)
    helper(where / "dist")
    flags = ["--extra-packages=dist/helper-1.0-py3-none-any.whl"]
    build(where, *flags)
    (where / "trainer/task.py").write_text("print('edited')\n")
    r = build(where, *flags)
    assert "same inputs on the same base" in r.stderr
    assert not re.search(r"^(download|layer +\S*helper(?!.*skipped))", r.stderr, re.M), r.stderr
    assert re.search(r"^layer +code", r.stderr, re.M)


def test_another_machine_with_the_lock_takes_layers_from_the_registry(
    build, project, helper, tmp_path, registry, repo
):
    where = project(CODE)
    helper(where / "dist")
    flags = ["--extra-packages=dist/helper-1.0-py3-none-any.whl"]
    first = build(where, *flags, f"--lock-out={tmp_path}/lock.toml")
    assert "helper" in (tmp_path / "lock.toml").read_text()
    other = support.Autopack(tmp_path / "other-machine")
    (where / "trainer/task.py").write_text("print('edited')\n")
    r = build(where, *flags, f"--lock={tmp_path}/lock.toml", runner=other)
    assert r.digest != first.digest
    assert not re.search(r"^layer +\S*helper(?!.*skipped)", r.stderr, re.M), r.stderr
    third = support.Autopack(tmp_path / "third-machine")
    (where / "trainer/task.py").write_text("print('again')\n")
    r = build(where, *flags, f"--lock={tmp_path}/lock.toml", "--no-remote-cache", runner=third)
    assert re.search(r"^layer +\S*helper(?!.*skipped)", r.stderr, re.M), r.stderr


def test_verify_cache_finds_a_record_that_lies(build, project, helper, autopack):
    where = project(CODE)
    helper(where / "dist")
    flags = ["--extra-packages=dist/helper-1.0-py3-none-any.whl", "--no-remote-cache"]
    build(where, *flags)
    (where / "trainer/task.py").write_text("print('edited')\n")
    build(where, *flags, "--verify-cache")
    [path] = (autopack.cache / "autopack/layers").glob("*.json")
    record = json.loads(path.read_text())
    record["digest"] = "sha256:" + "0" * 64
    path.write_text(json.dumps(record))
    (where / "trainer/task.py").write_text("print('edited again')\n")
    r = build(where, *flags, "--verify-cache", check=1)
    assert "record says sha256:0000" in r.stderr


def test_the_same_digest_from_an_empty_cache_and_a_full_one(build, project, helper, tmp_path, registry):
    where = project(CODE)
    helper(where / "dist")
    flags = ["--extra-packages=dist/helper-1.0-py3-none-any.whl", "--no-remote-cache"]
    a = build(where, *flags, out=registry.name("deps/a"))
    b = build(where, *flags, out=registry.name("deps/b"))
    c = build(where, *flags, out=registry.name("deps/c"), runner=support.Autopack(tmp_path / "other"))
    assert a.digest == b.digest == c.digest


def test_a_replaced_distribution_is_gone(build, project, helper, tmp_path, unpack, registry):
    where = project(CODE)
    helper(where / "dist")
    first = build(where, "--extra-packages=dist/helper-1.0-py3-none-any.whl", out=f"{registry.name('deps/base')}:1")
    helper(where / "dist", version="2.0", value=2)
    r = build(
        where,
        "--extra-packages=dist/helper-2.0-py3-none-any.whl",
        f"--executor-image-uri={first.reference}",
        f"--metadata-file={tmp_path}/m.json",
    )
    assert layer_titles(None, tmp_path / "m.json")[0] == "removed"
    root = unpack(r.reference)
    listed = support.run_in(root, ["python3", "-m", "pip", "list", "--format=freeze"]).stdout
    assert "helper==2.0" in listed and "helper==1.0" not in listed
    assert not list(root.rglob("helper-1.0.dist-info"))


def test_without_uv_the_error_says_how_to_get_it(build, project, autopack):
    where = project({**CODE, "requirements.txt": "six\n"})
    r = build(where, env={"PATH": "/nonexistent"}, check=1)
    assert "uv" in r.stderr and "autopack doctor" in r.stderr


def test_a_resolver_without_an_answer_is_status_1_with_its_explanation(build, project, helper):
    where = project({**CODE, "requirements.txt": "helper==9\n"})
    helper(where / "dist")
    r = build(where, "--requirements=helper==1", check=1)
    assert r.stdout == ""
    assert "helper" in r.stderr


@pytest.mark.parametrize("name,python", [("tiny-python", "python"), ("tiny-neither", None)])
def test_an_executor_image_without_python_is_refused_before_the_push(build, project, registry, repo, name, python):
    where = project({**CODE, "requirements.txt": "six\n"})
    r = build(where, executor=name, check=1)
    assert r.stdout == "" and "python" in r.stderr.lower()
    assert repo not in registry.repositories()


# Runs a program and says how much memory it and its children took at most.
MEASURE = """
import resource, subprocess, sys
p = subprocess.run(sys.argv[1:])
print("peak", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(p.returncode)
"""


def test_a_base_of_400_000_paths_is_read_within_its_memory(autopack, project, helper, tmp_path):
    n = 400_000
    site = "usr/local/lib/python3.11/dist-packages"
    data = [f"big/d{i // 500:03d}/file-{i:06d}.txt" for i in range(n // 2)]
    members = {
        "etc/os-release": "ID=debian\n",
        "usr/bin/python3": (0o755, "x\0003.11.2\0"),
        "usr/bin/python": oci.Link("python3"),
        "usr/lib/python3.11/os.py": "",
        "lib/x86_64-linux-gnu/libc.so.6": "stable release version 2.36.\n",
        f"{site}/big-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: big\nVersion: 1.0\n",
        f"{site}/big-1.0.dist-info/RECORD": "".join(f"{d},,\n" for d in data),
        **{f"{site}/{d}": "" for d in data},
        **{f"usr/share/doc/d{i // 500:03d}/file-{i:06d}.txt": "" for i in range(n // 2)},
    }
    layout = oci.Layout(tmp_path / "base")
    layout.tag(layout.image([oci.tar_of_members(members)], {"Env": ["PATH=/usr/bin"]}), "big")
    where = project(CODE)
    helper(where / "dist")

    def within_memory(*args):
        r = autopack(*args, prefix=[sys.executable, "-c", MEASURE])
        peak = int(r.stderr.split()[-1]) * 1024
        # DESIGN section 5: 64 MiB and 150 bytes for each path.
        assert support.MODE != "release" or peak < (64 << 20) + 150 * n, f"{peak >> 20} MiB"
        return r

    flags = [
        "build", f"--executor-image-uri=oci:{tmp_path}/base:big", f"--local-package-path={where}", "--script=trainer/task.py",
        "--extra-packages=dist/helper-1.0-py3-none-any.whl",
    ]  # fmt: skip
    first = within_memory(*flags, f"--image=oci:{tmp_path}/a:x")
    within_memory("inspect", f"oci:{tmp_path}/base:big", f"--inventory-out={tmp_path}/inventory.json", f"--cache-dir={tmp_path}/none")
    inventory = json.loads((tmp_path / "inventory.json").read_text())
    assert [len(d["files"]) for d in inventory["distributions"]] == [n // 2]
    assert len(inventory["tree"]["usr"]["share"]["doc"]) == n // 1000
    again = autopack(*flags, f"--image=oci:{tmp_path}/b:x", f"--inventory={tmp_path}/inventory.json")
    assert again.digest == first.digest
