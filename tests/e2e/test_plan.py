"""What is decided before anything is built: files, warnings, and that a dry run leaves no trace."""

import json
import os

import pytest

import support

CODE = {"trainer/__init__.py": "", "trainer/task.py": "print('trained')\n"}


@pytest.fixture
def dry_run(autopack, base):
    def go(where, *flags, check=0, **kw):
        return autopack(
            "build",
            f"--executor-image-uri=oci:{base('tiny-python')}:latest",
            f"--local-package-path={where}",
            *(flags or ["--script=trainer/task.py"]),
            "--image=oci:out:t",
            "--dry-run",
            check=check,
            **kw,
        )

    return go


def test_large_files_and_credentials_are_named(dry_run, project):
    key = {"type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----\\nMII"}
    where = project({**CODE, "trainer/key.json": json.dumps(key), "trainer/.env": "TOKEN=x\n", "elsewhere/.env": "T=x\n"})
    with open(where / "trainer/weights.bin", "wb") as f:
        f.truncate(100_000_001)
    r = dry_run(where)
    assert "trainer/key.json looks like the key of a service account" in r.stderr
    assert "trainer/.env looks like a file of secret settings" in r.stderr
    assert "trainer/weights.bin is large: 100 MB" in r.stderr
    assert "elsewhere" not in r.stderr
    (where / ".dockerignore").write_text("**/.env\n**/key.json\n**/*.bin\n")
    r = dry_run(where)
    assert "looks like" not in r.stderr and "is large" not in r.stderr


def snapshot(top):
    return {
        os.path.join(d, n): (os.lstat(os.path.join(d, n)).st_mtime_ns, os.lstat(os.path.join(d, n)).st_size)
        for d, dirs, files in os.walk(top)
        for n in dirs + files
    }


def test_a_dry_run_writes_nothing(autopack, dry_run, project, tmp_path):
    where = project({**CODE, "requirements.txt": "six\n"})
    before = snapshot(tmp_path)
    dry_run(where, cwd=where)
    assert snapshot(tmp_path) == before


def test_a_dry_run_asks_no_network(dry_run, project):
    where = project({**CODE, "requirements.txt": "six\n"})
    dry_run(where, prefix=["unshare", "-n"])


def test_every_link_on_the_way_is_followed_inside_only(dry_run, project, tmp_path):
    where = project(CODE)
    (where / "inside").symlink_to("trainer")
    (where / "outside").symlink_to(tmp_path)
    (tmp_path / "task.py").write_text("print('stranger')\n")
    dry_run(where, "--script=inside/task.py")
    r = dry_run(where, "--script=outside/task.py", check=2)
    assert 'goes through a link to' in r.stderr and "outside the working directory" in r.stderr
    (where / "trainer/up").symlink_to("../../secret")
    r = dry_run(where, check=2)
    assert "trainer/up: the link to" in r.stderr


def test_what_no_image_can_hold_is_refused_by_name(dry_run, project):
    where = project(CODE)
    os.mkfifo(where / "trainer/pipe")
    assert "trainer/pipe is a FIFO" in dry_run(where, check=2).stderr
    (where / "trainer/pipe").unlink()
    (where / "trainer/.wh.task.py").write_text("")
    assert "trainer/.wh.task.py" in dry_run(where, check=2).stderr


def test_a_changed_file_is_read_again_and_an_unchanged_one_is_not(autopack, base, project, tmp_path):
    """The cache of digests: right after any edit, also one that keeps size and time."""
    where = project({**CODE, "trainer/a.txt": "aaaa"})
    old = 1_600_000_000_123_456_789

    def build(n):
        return autopack(
            "build",
            f"--executor-image-uri=oci:{base('tiny-python')}:latest",
            f"--local-package-path={where}",
            "--script=trainer/task.py",
            f"--image=oci:{tmp_path}/out{n}:t",
        ).digest

    for path in where.rglob("*"):
        os.utime(path, ns=(old, old))
    first = build(1)
    assert build(2) == first
    (where / "trainer/a.txt").write_text("bbbb")
    os.utime(where / "trainer/a.txt", ns=(old, old))
    second = build(3)
    assert second != first
    fresh = support.Autopack(tmp_path / "fresh")
    assert second == fresh(
        "build",
        f"--executor-image-uri=oci:{base('tiny-python')}:latest",
        f"--local-package-path={where}",
        "--script=trainer/task.py",
        f"--image=oci:{tmp_path}/out4:t",
    ).digest
