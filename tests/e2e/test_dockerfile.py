"""--dockerfile: another builder makes from it an image like ours."""

import gzip
import hashlib
import io
import json
import tarfile

import pytest

import support

CODE = {
    "trainer/__init__.py": "",
    "trainer/task.py": "import json, sys\nprint(json.dumps(sys.argv[1:]))\n",
    "trainer/deep/er/notes.md": "n\n",
    "it's \"q\" $HOME/x[a]*?.txt": "x\n",
    "other/left.txt": "not in the image\n",
}


def code_of(layout):
    """What the layers of an OCI layout have below /usr/app, as support.tree() says it, and the mode of other paths."""
    blob = lambda d: (layout / "blobs/sha256" / d["digest"][7:]).read_bytes()  # noqa: E731
    manifest = json.loads(blob(json.loads((layout / "index.json").read_text())["manifests"][0]))
    code, modes = {}, {}
    for layer in manifest["layers"]:
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(blob(layer)))) as t:
            for m in t:
                name = m.name.removeprefix("./").rstrip("/")
                modes[name] = m.mode
                if name.startswith("usr/app/"):
                    data = t.extractfile(m).read() if m.isreg() else b""
                    kind = "dir" if m.isdir() else "link" if m.issym() else "file"
                    what = m.linkname if m.issym() else hashlib.sha256(data).hexdigest() if m.isreg() else ""
                    code[name[8:]] = (kind, 0 if m.issym() else m.mode, what)
    return code, modes


def same_config(theirs, ours):
    for key in ("Entrypoint", "WorkingDir", "Cmd"):
        assert (theirs.get(key) or None) == (ours.get(key) or None), key
    assert set(theirs["Env"]) == set(ours["Env"])


@pytest.fixture
def check_same(autopack, base, buildah, project, tmp_path):
    def go(*flags):
        where = project({**CODE, "trainer/deep/er/mod.py": "", "trainer/deep/__init__.py": ""})
        words = ["build", f"--executor-image-uri={base.push('minbase')}", f"--local-package-path={where}", *flags]
        autopack(*words, "--image=oci:unused", "--dry-run", f"--dockerfile={tmp_path}/Dockerfile")
        their_root, their_config = buildah.build(where, tmp_path / "Dockerfile", "e2e/theirs")
        autopack(*words, f"--image=oci:{tmp_path}/ours:t")
        same_config(their_config, support.skopeo_inspect(f"oci:{tmp_path}/ours:t", config=True)["config"])
        code, modes = code_of(tmp_path / "ours")
        assert code and support.tree(their_root / "usr/app") == code
        assert (modes["usr/app"], modes["home"]) == (0o777, 0o777)
        assert (their_root / "usr/app").stat().st_mode & 0o7777 == 0o777

    return go


def test_the_dockerfile_makes_the_same_code_and_configuration(check_same):
    check_same("--script=trainer/task.py", "--extra-dirs=it's \"q\" $HOME,other", "--env=A=b $c \\d \"e\"")


@pytest.mark.full
@pytest.mark.parametrize("flag", ["--script=trainer/task.py", "--python-module=trainer.task", "--python-module=trainer.deep.er.mod"])
def test_the_dockerfile_makes_the_same_image_of_every_entry_point(check_same, flag):
    check_same(flag)


def test_a_dockerfile_goes_to_stdout_alone(autopack, project):
    r = autopack(
        "build",
        "--executor-image-uri=python:3.11",
        f"--local-package-path={project(CODE)}",
        "--script=trainer/task.py",
        "--image=oci:unused",
        "--dry-run",
        "--dockerfile=-",
    )
    assert r.stdout.startswith("FROM python:3.11\n") and r.stdout.endswith('ENTRYPOINT ["python", "trainer/task.py"]\n')
