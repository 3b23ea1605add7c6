"""--compile: bytecode of what is installed, made by the base's own Python."""

import importlib.util
import marshal
import re
import shutil
import sys

import support
from support import oci

PURE = "from setuptools import setup\nsetup(name='mine', version='1', py_modules=['mine'])\n"


def unpacked(tmp_path, out="image"):
    return support.umoci_unpack(f"oci:{tmp_path}/{out}:x", tmp_path / f"{out}.root")


def bytecode(root, site):
    return sorted(str(p.relative_to(root)) for p in (root / site).rglob("*.pyc"))


def test_compile_is_what_pip_compiles_and_nobody_writes_it_again(inside, autopack, project, container_store, tmp_path):
    directory = project({"trainer/task.py": "import idna, mine; print(idna.__version__)\n", "setup.py": PURE, "mine.py": "N = 1\n",
                         "requirements.txt": "idna==3.7\n"})  # fmt: skip
    first = inside("venv", directory, "--compile")
    root = unpacked(tmp_path)
    site = next((root / "opt/venv/lib").glob("python3.*/site-packages"))
    made = bytecode(site, ".")
    have = {p for p in made if p.startswith(("idna/", "__pycache__/mine."))}
    tag = sys.implementation.cache_tag if f"python{sys.version_info[0]}.{sys.version_info[1]}" in str(site) else site.parts[-2].replace("python", "cpython-").replace(".", "")
    want = {f"idna/__pycache__/{p.stem}.{tag}.pyc" for p in (site / "idna").glob("*.py")} | {f"__pycache__/mine.{tag}.pyc"}
    assert have == want
    for name in want:
        data = (site / name).read_bytes()
        assert data[4:8] == b"\1\0\0\0", "by hash, unchecked"
        source = site / name.replace("__pycache__/", "").replace(f".{tag}.pyc", ".py")
        assert data[8:16] == importlib.util.source_hash(source.read_bytes())
    record = (site / "idna-3.7.dist-info/RECORD").read_text().splitlines()
    assert sorted(l for l in record if ".pyc" in l) == sorted(f"{n},," for n in want if n.startswith("idna/"))
    assert not list((root / "usr/app").rglob("*.pyc")), "the code is not compiled"
    # Old bytecode of the version that is replaced is neither hidden nor left.
    assert {p for p in made if p.startswith("idna/")} == {n for n in want if n.startswith("idna/")}

    def state():
        return {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in site.rglob("*.pyc")}

    before = state()
    env = {"PATH": "/opt/venv/bin:/usr/bin:/bin", "HOME": "/root"}
    p = support.run_in(root, ["python", "-v", "/usr/app/trainer/task.py"], env=env)
    assert re.search(r"matches .*idna/core.py|code object from .*idna/__pycache__/core", p.stderr), p.stderr[-2000:]
    assert state() == before
    support.assert_nothing_left(autopack, container_store)

    # The same bytes again, with all that was kept, and with nothing kept.
    assert inside("venv", directory, "--compile", out="again").digest == first.digest
    for kept in ("bytecode", "layers", "builds"):
        shutil.rmtree(autopack.cache / "autopack" / kept)
    anew = inside("venv", directory, "--compile", out="anew")
    assert "compiling 2 packages" in anew.stderr and anew.digest == first.digest
    # What is kept needs no runtime.
    shutil.rmtree(autopack.cache / "autopack" / "layers")
    kept = inside("venv", directory, "--compile", out="kept", env={"PATH": support.path_with(tmp_path)})
    assert "compiling" not in kept.stderr and kept.digest == first.digest
    # Without the flag another image, under another request tag.
    plain = inside("venv", directory, out="plain")
    assert plain.digest != first.digest
    assert not [p for p in bytecode(unpacked(tmp_path, "plain"), "opt/venv") if "site-packages/idna/" in p]


def test_compile_without_a_runtime_sends_nothing(inside, autopack, base, project, registry, repo, tmp_path):
    directory = project({"trainer/task.py": "", "requirements.txt": "idna==3.7\n"})
    r = autopack("build", f"--executor-image-uri={base.push('venv')}", f"--local-package-path={directory}", "--script=trainer/task.py",
                 f"--output-image-uri={registry.name(repo)}:1", "--compile", env={"PATH": support.path_with(tmp_path)}, check=1)  # fmt: skip
    assert r.stderr.strip().splitlines()[-1].endswith("--compile: none of podman, docker, buildah and crun is on PATH")
    sent = [q for q in registry.requests() if q[0] in ("PUT", "PATCH") and repo in q[1]]
    assert not sent, sent


def test_compile_by_the_configuration_and_what_needs_none(inside, project, tmp_path):
    """A setting says it as well; where nothing is installed no runtime is asked for."""
    directory = project({"trainer/task.py": "print('mine')\n"})
    inside("venv", directory, env={"PATH": support.path_with(tmp_path), "AUTOPACK_COMPILE": "true"})
    files = {"trainer/task.py": "", "requirements.txt": "idna==3.7\n", "pyproject.toml": "[tool.autopack]\ncompile = true\n"}
    inside("venv", project(files), out="set")
    assert [p for p in bytecode(unpacked(tmp_path, "set"), "opt/venv") if "site-packages/idna/" in p]
    inside("venv", project(files), "--no-compile", out="not")
    assert not [p for p in bytecode(unpacked(tmp_path, "not"), "opt/venv") if "site-packages/idna/" in p]


def test_a_file_that_does_not_compile_has_no_bytecode_and_optimized_names_are_the_bases(inside, base, project, tmp_path):
    above = oci.Layout(tmp_path / "optimized")
    config = support.skopeo_inspect(f"oci:{base('venv')}:latest", config=True)["config"]
    config["Env"] = [*config["Env"], "PYTHONOPTIMIZE=1", "PYTHONPATH=/nonexistent", "PYTHONHASHSEED=5"]
    tar = oci.tar_of_members({"opt/marker": ""})
    above.tag(above.image([tar], config, base=(str(base("venv")), "latest")), "latest")
    directory = project({"trainer/task.py": "", "setup.py": PURE.replace("'mine']", "'mine', 'broken']"), "mine.py": "assert 0\n",
                         "broken.py": "def (:\n"})  # fmt: skip
    inside(tmp_path / "optimized", directory, "--compile")
    root = unpacked(tmp_path)
    site = next((root / "opt/venv/lib").glob("python3.*/site-packages"))
    names = [p.name for p in site.glob("__pycache__/*.pyc") if p.name.startswith(("mine.", "broken."))]
    assert len(names) == 1 and re.fullmatch(r"mine\.cpython-\d+\.opt-1\.pyc", names[0])
    code = marshal.loads((site / "__pycache__" / names[0]).read_bytes()[16:])
    assert "AssertionError" not in code.co_names
    record = (site / "mine-1.dist-info/RECORD").read_text()
    assert f"__pycache__/{names[0]},," in record and "broken.cpython" not in record
