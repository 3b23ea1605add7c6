"""The user's own projects and sdists become wheels on the host, isolated, once for each content."""

import ast
import pathlib
import tarfile

import pytest

import support

SETUP = """
from setuptools import setup, find_packages
setup(name="My_Pkg", version="1.2", package_dir={"": "src"}, packages=find_packages("src"),
      install_requires=["six"], entry_points={"console_scripts": ["mytool=mypkg:main"]})
"""
PROJECT = {
    "trainer/task.py": "import mypkg; print(mypkg.NAME)\n",
    "setup.py": SETUP,
    "src/mypkg/__init__.py": "NAME = 'mine'\ndef main(): print('tool of', NAME)\n",
    "src/mypkg/data/__init__.py": "",
}
PYPROJECT = '[project]\nname = "pp"\nversion = "0.1"\n[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'


def build(autopack, layout, directory, out, *flags, script="trainer/task.py", **kw):
    return autopack(
        "build", f"--executor-image-uri=oci:{layout}:latest", f"--local-package-path={directory}",
        f"--script={script}", f"--image=oci:{out}:x", *flags, timeout=600, **kw,
    )  # fmt: skip


def files_of(directory):
    return sorted(str(p.relative_to(directory)) for p in directory.rglob("*"))


def test_setup_py_of_the_working_directory_is_installed_from_its_whole_source(autopack, base, project, tmp_path):
    directory = project(PROJECT)
    before = files_of(directory)
    first = build(autopack, base("venv"), directory, tmp_path / "a")
    assert "building" in first.stderr
    assert files_of(directory) == before, "a build writes nothing into the project"
    root = support.umoci_unpack(f"oci:{tmp_path}/a:x", tmp_path / "root")
    env = {"PATH": "/opt/venv/bin:/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
    assert support.run_in(root, ["python", "/usr/app/trainer/task.py"], env=env).stdout == "mine\n"
    assert support.run_in(root, ["/opt/venv/bin/mytool"], env=env).stdout == "tool of mine\n"
    info = root / "opt/venv/lib/python3.11/site-packages/my_pkg-1.2.dist-info"
    assert (info / "direct_url.json").read_text() == '{"dir_info": {}, "url": "file:///usr/app"}'
    assert (info / "REQUESTED").exists()
    again = build(autopack, base("venv"), directory, tmp_path / "b")
    assert "building" not in again.stderr
    assert again.digest == first.digest
    (directory / "src/mypkg/__init__.py").write_text("NAME = 'other'\n")
    third = build(autopack, base("venv"), directory, tmp_path / "c")
    assert "building" in third.stderr and third.digest != first.digest


@pytest.mark.parametrize("files", [{}, {"pyproject.toml": PYPROJECT + '[tool.setuptools]\npackages = ["pp"]\n', "pp/__init__.py": ""}], ids=["code", "project"])
def test_what_a_build_writes_into_the_working_directory_is_no_code(autopack, base, project, files):
    """As GitLab wants its caches, and as `--image=oci:out` beside the code has it."""
    directory = project({"task.py": "", "requirements.txt": "six\n", **files})
    flags = ["--cache-dir=.cache", "--digest-file=image.digest", "--metadata-file=image.json", "--sbom-out=bom.json"]

    def go(*more):
        return build(autopack, base("venv"), ".", "out", *flags, *more, script="task.py", cwd=directory)

    first = go()
    assert {".cache", "out", "image.digest", "image.json", "bom.json"} <= {p.name for p in directory.iterdir()}
    again = go()
    assert again.digest == first.digest and "building" not in again.stderr
    assert "5 left out: .cache/, bom.json, image.digest, image.json, out/" in again.stderr
    tags = [go("--dry-run", "--format=json").stdout for _ in range(2)]
    assert tags[0] == tags[1]
    root = support.umoci_unpack(f"oci:{directory}/out:x", directory.parent / "root")
    assert {p.name for p in (root / "usr/app").iterdir()} == {"task.py", "requirements.txt", *(f.split("/")[0] for f in files)}


def test_extra_packages_may_be_a_directory_or_an_sdist(autopack, base, project, tmp_path):
    directory = project(
        {"trainer/task.py": "import pp, qq\n", "local/pyproject.toml": PYPROJECT, "local/pp/__init__.py": ""}
    )
    source = project({"qq-2/setup.py": "from setuptools import setup\nsetup(name='qq', version='2', py_modules=['qq'])\n",
                      "qq-2/qq.py": "", "qq-2/PKG-INFO": "Metadata-Version: 2.1\nName: qq\nVersion: 2\n"})  # fmt: skip
    with tarfile.open(directory / "qq-2.tar.gz", "w:gz") as t:
        t.add(source / "qq-2", "qq-2")
    build(autopack, base("venv"), directory, tmp_path / "a", "--extra-packages=local,qq-2.tar.gz")
    root = support.umoci_unpack(f"oci:{tmp_path}/a:x", tmp_path / "root")
    site = root / "opt/venv/lib/python3.11/site-packages"
    assert (site / "pp/__init__.py").exists() and (site / "qq.py").exists()
    assert (site / "pp-0.1.dist-info/direct_url.json").read_text() == '{"dir_info": {}, "url": "file:///usr/app/local"}'
    assert '"url": "file:///usr/app/qq-2.tar.gz"' in (site / "qq-2.dist-info/direct_url.json").read_text()


def test_a_build_that_fails_is_one_line_and_below_it_what_the_build_said(autopack, base, project, tmp_path):
    directory = project({**PROJECT, "setup.py": "raise SystemExit('no such thing as a build')\n"})
    r = build(autopack, base("venv"), directory, tmp_path / "a", check=2)
    error, *said = r.stderr[r.stderr.index("autopack: error: ") :].splitlines()
    assert "setup.py" in error and error.endswith(": the build fails:")
    assert "  no such thing as a build" in said and all(line.startswith("  ") for line in said)
    assert not list((tmp_path / "a").glob("blobs/sha256/*"))


def test_a_build_does_not_see_the_users_environment(autopack, base, project, tmp_path):
    spy = tmp_path / "spy"
    text = f"import os\nopen({str(spy)!r}, 'w').write(repr(dict(os.environ)))\n" + SETUP
    directory = project({**PROJECT, "setup.py": text})
    build(autopack, base("venv"), directory, tmp_path / "a", env={"MARKER_SECRET": "s3cret-marker"})
    seen = ast.literal_eval(spy.read_text())
    assert "s3cret-marker" not in str(seen)
    assert pathlib.Path(seen["HOME"]) != autopack.home
