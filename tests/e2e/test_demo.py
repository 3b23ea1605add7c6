"""make demo, and what it promises of the image: installed as pip would have, run by others."""

import re

import support
from support import ROOT


def demo(tmp_path, **env):
    argv = ["bash", ROOT / "tests" / "tools" / "demo.sh"]
    environ = {**support.Autopack(tmp_path / "home").environ(), "DEMO_BINARY": support.BINARY, **env}
    return support.run(*argv, env={k: str(v) for k, v in environ.items()}, timeout=600)


def test_demo_pushes_runs_and_prints_the_job(tmp_path):
    out = demo(tmp_path).stdout
    images = re.findall(r"^127\.0\.0\.1:\d+/team/train@(sha256:[0-9a-f]{64}) ", out, re.M)
    assert len(images) == 2 and images[0] == images[1]
    assert f'imageUri: "127.0.0.1' in out and f"@{images[0]}" in out
    assert "numpy 1." in out and "from /usr/lib/python3/dist-packages/numpy" in out
    assert "from /usr/local/lib/python3" in out
    assert "fitted y = 1.50 + 0.75 x" in out


def test_demo_takes_any_other_project(tmp_path):
    src = support.project(tmp_path / "mine", {"job.py": "import sys; print('mine', sys.argv[1:])\n"})
    assert "mine ['--n', '3']\n" in demo(tmp_path, DEMO_SRC=src, DEMO_SCRIPT="job.py", DEMO_ARGS="--n 3").stdout


def test_dependencies_install_beside_what_the_base_has(autopack, registry, base, repo, project, unpack):
    """A wheel with native code, one with console scripts, on a base with Debian's numpy."""
    src = project({"train.py": "import pandas, tqdm, numpy\nprint(numpy.__file__)\n", "requirements.txt": "pandas>=2,<3\ntqdm\n"})
    argv = [f"--executor-image-uri={base.push('debian')}", f"--local-package-path={src}", "--script=train.py"]
    reference = autopack("build", *argv, f"--output-image-uri={registry.name(repo)}").reference
    assert support.skopeo_inspect(reference)["Digest"] == reference.split("@")[1]
    rootfs = unpack(reference)
    assert support.run_image(reference, None, rootfs=rootfs).stdout == "/usr/lib/python3/dist-packages/numpy/__init__.py\n"
    assert "No broken requirements" in support.run_in(rootfs, ["python3", "-m", "pip", "check"]).stdout
    support.run_in(rootfs, ["tqdm", "--help"])
    site = next((rootfs / "usr/local/lib").glob("python3.*/dist-packages"))
    assert (site / "pandas").is_dir() and not (site / "numpy").exists()
    assert not list(site.glob("numpy-*"))
