"""Version control labels: from libgit2, never required, nothing of the repository executed."""

import os
import subprocess

import pytest

import support

CODE = {"app/trainer/__init__.py": "", "app/trainer/task.py": "print('trained')\n", "README": "r\n"}
REVISION = "org.opencontainers.image.revision"
SOURCE = "org.opencontainers.image.source"


@pytest.fixture
def git(tmp_path):
    env = {
        **os.environ,
        "HOME": str(tmp_path),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@example.com",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@example.com",
        "GIT_AUTHOR_DATE": "2024-01-01T00:00:00Z",
        "GIT_COMMITTER_DATE": "2024-01-01T00:00:00Z",
    }

    def run(where, *args):
        return support.run("git", "-C", where, "-c", "protocol.file.allow=always", *args, env=env).stdout.strip()

    return run


@pytest.fixture
def repository(git, project):
    where = project(CODE, name="origin")
    git(where, "init", "-q", "-b", "main")
    git(where, "add", ".")
    git(where, "commit", "-q", "-m", "first")
    return where


@pytest.fixture
def build(autopack, base, tmp_path):
    count = iter(range(100))

    def go(where, *flags, **kw):
        out = tmp_path / f"out{next(count)}"
        r = autopack(
            "build",
            f"--executor-image-uri=oci:{base('tiny-python')}:latest",
            f"--local-package-path={where}/app",
            "--script=trainer/task.py",
            f"--image=oci:{out}:t",
            *flags,
            **kw,
        )
        r.labels = support.skopeo_inspect(f"oci:{out}:t", config=True)["config"].get("Labels") or {}
        return r

    return go


def test_two_clones_and_a_worktree_give_one_digest(build, git, repository, tmp_path):
    head = git(repository, "rev-parse", "HEAD")
    results = [build(repository)]
    for name in ("one", "two/deeper"):
        git(tmp_path, "clone", "-q", repository, tmp_path / name)
        results.append(build(tmp_path / name))
    git(repository, "worktree", "add", "-q", "--detach", tmp_path / "tree")
    results.append(build(tmp_path / "tree"))
    assert [r.labels[REVISION] for r in results] == [head] * 4
    # A remote that is a path names the machine: no source.
    assert not [r for r in results if SOURCE in r.labels]
    assert len({r.digest for r in results}) == 1


def test_a_submodule_has_its_own_revision(build, git, repository, project, tmp_path):
    outer = project({"top": "t\n"}, name="outer")
    git(outer, "init", "-q", "-b", "main")
    git(outer, "submodule", "--quiet", "add", repository, "sub")
    git(outer, "commit", "-q", "-m", "outer")
    r = build(outer / "sub")
    assert r.labels[REVISION] == git(repository, "rev-parse", "HEAD")
    assert r.digest == build(repository).digest


def test_changed_tracked_files_mark_the_revision(build, git, repository):
    head = git(repository, "rev-parse", "HEAD")
    (repository / "app/untracked").write_text("x")
    assert build(repository).labels[REVISION] == head
    (repository / "README").write_text("what lies elsewhere does not go in\n")
    assert build(repository).labels[REVISION] == head
    (repository / "app/trainer/task.py").write_text("print('other')\n")
    assert build(repository).labels[REVISION] == head + "-dirty"
    git(repository, "add", ".")
    assert build(repository).labels[REVISION] == head + "-dirty"


def test_source_is_the_remote_without_secrets(build, git, repository):
    git(repository, "remote", "add", "origin", "https://user:s3cret@git.example/o/r.git?token=s3cret")
    r = build(repository)
    assert r.labels[SOURCE] == "https://git.example/o/r.git"
    assert "s3cret" not in r.stdout + r.stderr


def test_source_of_a_shortened_remote_is_written_out(build, git, repository):
    git(repository, "remote", "add", "origin", "gh:o/r.git")
    git(repository, "config", "url.https://wrong.example/.insteadOf", "g")
    git(repository, "config", "url.insteadOf", "gh:o")
    git(repository, "config", "url.https://u:p@github.com/.insteadOf", "gh:")
    assert build(repository).labels[SOURCE] == "https://github.com/o/r.git"
    assert git(repository, "remote", "get-url", "origin") == "https://u:p@github.com/o/r.git"


def test_labels_can_be_left_out_and_are_inputs(build, repository, git):
    with_labels, without = build(repository), build(repository, "--no-vcs-labels")
    assert not {REVISION, SOURCE} & set(without.labels)
    assert with_labels.digest != without.digest


def test_no_repository_is_no_error(build, project):
    r = build(project(CODE, name="plain"))
    assert REVISION not in r.labels


def test_a_repository_before_its_first_commit_is_no_error(build, project, git):
    where = project(CODE, name="empty")
    git(where, "init", "-q")
    assert REVISION not in build(where).labels


@pytest.mark.parametrize("damage", ["HEAD", "config", "index"])
def test_a_damaged_repository_is_no_error(build, repository, damage):
    (repository / ".git" / damage).write_bytes(b"\x00\xff[broken\n")
    build(repository)


def test_nothing_of_the_repository_is_executed(build, git, repository, tmp_path):
    """Filters, hooks, fsmonitor, textconv: all of them name a program that would leave a trace."""
    trace = tmp_path / "trace"
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {trace}\ncat\n")
    trap.chmod(0o755)
    with open(repository / ".git/config", "a") as f:
        f.write(
            f'[core]\n\tfsmonitor = {trap}\n\thooksPath = {tmp_path}\n\tsshCommand = {trap}\n'
            f'[filter "x"]\n\tclean = {trap}\n\tsmudge = {trap}\n\tprocess = {trap}\n\trequired = true\n'
            f'[diff "x"]\n\ttextconv = {trap}\n\tcommand = {trap}\n'
        )
    (repository / ".gitattributes").write_text("* filter=x diff=x\n")
    (tmp_path / "post-index-change").write_text(trap.read_text())
    (tmp_path / "post-index-change").chmod(0o755)
    (repository / "app/trainer/task.py").write_text("print('changed')\n")
    r = build(repository)
    assert r.labels[REVISION].endswith("-dirty")
    assert not trace.exists()


def test_a_repository_of_somebody_else_is_not_read(build, repository):
    """As root, the one user who can make such a repository here; git's safe.directory guards the same."""
    if os.geteuid() != 0:
        pytest.fail("this test needs root, as the CI machine gives it")
    subprocess.run(["chown", "-R", "65534:65534", repository], check=True)
    r = build(repository)
    assert not {REVISION, SOURCE} & set(r.labels)
