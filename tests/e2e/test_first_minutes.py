"""A person's first ten minutes and worst ten, in a bare Debian with the .deb and a terminal of 80x24."""

import os
import re
import shutil

import pytest

import support
from terminal import Terminal
from test_packages import apt_source, bare_root, make

pytestmark = pytest.mark.xdist_group("packages")


def index_of(root):
    """How this machine reaches its package index; files that it names are put into the root."""
    env = {k: v for k, v in support.index_env().items() if not os.path.isdir(v)}
    for k, v in env.items():
        if os.path.isfile(v):
            shutil.copyfile(v, root / "srv" / k)
            env[k] = f"/srv/{k}"
    return env


@pytest.fixture
def person(base, tmp_path):
    """A terminal inside a bare root with the package in the home directory."""
    root = bare_root("bookworm", tmp_path / "root")
    apt_source(root)
    shutil.copy(make("deb"), root / "root")
    env = [f"{k}={v}" for k, v in index_of(root).items()]
    env += ["HOME=/root", "TERM=xterm-256color", "LC_ALL=C.UTF-8", "PS1=$ ", "GCE_METADATA_HOST=127.0.0.1:1"]
    shell = support.run_image_tool.command(root, ["bash", "--norc"], env, "/root")
    t = Terminal(tmp_path, {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}, columns=80, rows=24, shell=shell)
    yield t
    t.close()


HOST = r"127\.0\.0\.1:\d+"
ENV = "GOOGLE_APPLICATION_CREDENTIALS"


def test_from_the_package_to_a_pushed_image_and_what_goes_wrong_on_the_way(person, registry, repo, base):
    t = person
    executor, out = base.push("debian"), registry.name(repo)
    # pipx recommends hundreds of megabytes.
    lean = "echo 'APT::Install-Recommends \"false\";' > /etc/apt/apt.conf.d/lean"
    t.run("apt-get -qq update; apt-get install -y -qq ./autopack_*.deb python3 >log 2>&1", 0, 300)
    t.run(lean, 0)

    # No word of it is known yet: one screen says what there is.
    text = t.run("autopack", 2)
    assert text.lstrip().startswith("usage: autopack COMMAND\n") and "\n  doctor  " in text
    assert text.rstrip().endswith('autopack: error: "autopack" wants a command')
    assert re.fullmatch(r"autopack \d+\.\d+\.\d+", t.run("autopack --version", 0).strip())

    # What is missing, each with a command for a machine that has neither gcloud nor pip.
    text = t.run("autopack doctor", 1)
    found = re.findall(r"^(\w+) +(\w+) +(.*)$", text, re.M)
    assert [(state, what) for state, what, _ in found] == [
        ("missing", "project"), ("missing", "region"), ("missing", "credentials"), ("missing", "registry"),
        ("optional", "uv"), ("ok", "python"), ("optional", "containers"), ("ok", "cache"),
    ]  # fmt: skip
    mend = re.findall(r"^ {10}-> (.*)$", text, re.M)
    assert mend == [
        "export AUTOPACK_PROJECT=PROJECT_ID",
        "export AUTOPACK_REGION=us-central1",
        f"export {ENV}=FILE.json",
        "export AUTOPACK_REPOSITORY=us-docker.pkg.dev/PROJECT_ID/REPOSITORY",
        "apt-get install -y pipx && pipx install uv",
        "apt-get install -y podman",
    ]

    # The code, and a build before uv is there: the executor image is not read in vain.
    t.run("mkdir trainer; echo 'import six; print(six.__version__)' > trainer/train.py; echo six > trainer/requirements.txt", 0)
    build = f"autopack build --executor-image-uri={executor} --local-package-path=trainer --script=train.py --output-image-uri={out}:1"
    text = t.run(build, 1).strip()
    assert text.startswith("autopack: error: dependencies are resolved by uv, which is neither on PATH,"), text
    assert text.endswith('"autopack doctor" says the command that installs it') and "\n" not in text
    t.run(mend[-2] + " >log 2>&1", 0, 300)
    text = t.run(f"autopack doctor --output-image-uri={out}", 1)
    assert re.search(rf"^ok        registry     {HOST}/{repo} may be pushed to$", text, re.M), text
    assert re.search(r"^ok        uv           [0-9.]+ \(\S+/\.local/bin/uv\)$", text, re.M), text

    # Built, edited, built, built again.
    whole = (
        r"image    {0}/{1}:1\ndigest   sha256:\w{{64}}\nlayers   2 added to 3 of the executor image\n"
        r" +\d+ kB  six [\d.]+{2}\n +\d+ bytes  code\nsent     [\d.]+ kB of 43 MB, {3}\n"
        r"time     (\w+ \d\.\d s[,;] )+\d\.\d\d s in all\n{0}/{1}@sha256:\w{{64}}"
    )
    text = t.run(build, 0).strip()
    assert re.fullmatch(
        r"reading 3 layers to learn what is in there, 43\.2 MB\nthe base's Python is marked EXTERNALLY-MANAGED: .*\n"
        + whole.format(HOST, repo, "", "3 mounted"),
        text,
    ), text
    t.run("echo 'print(2)' >> trainer/train.py", 0)
    text = t.run(build, 0).strip()
    assert re.fullmatch(whole.format(HOST, repo, ", already there", "4 already there").replace(")+", ")*"), text), text
    text = t.run(build, 0)
    assert "\nlayers   nothing to build or push: made of the same inputs before\n" in text

    # The worst ten.
    for before, after, status, words in (
        ("--script=", "--scirpt=", 2, "unknown flag --scirpt; did you mean --script?"),
        ("=train.py", "=trian.py", 2, r'script "trian\.py": no such file in the working directory "trainer"; did you mean "train\.py"\?'),
        ("=train.py", "=trainer/train.py", 2, r'script "trainer/train\.py": no such file in .*; did you mean "train\.py"\?'),
        ("=trainer ", "=trianer ", 2, 'local-package-path: "trianer" is not there; wanted a directory; did you mean "trainer"?'),
        ("base/debian", "base/debain", 1, rf"executor image: {HOST}/base/debain:latest is not there \(HTTP 404: .*\); did you mean {HOST}/base/debian:latest\?"),
        (":latest", ":lastest", 1, rf"executor image: {HOST}/base/debian:lastest is not there \(.*\); tags there: latest; did you mean {HOST}/base/debian:latest\?"),
        (f"={registry.host}/{repo}", "=127.0.0.1:1/x", 1, r"no push to 127\.0\.0\.1:1/x: 127\.0\.0\.1:1: cannot connect: Connection refused"),
        ("autopack build", "autopack biuld", 2, 'unknown command "biuld"; did you mean "autopack build"?'),
    ):  # fmt: skip
        text = t.run(build.replace(before, after), status).strip()
        said = text.removeprefix("autopack: error: ")
        assert said == words or re.fullmatch(words, said), text

    # A registry that dies: its host is waited for, in one line; Ctrl-C then leaves nothing but the answer.
    registry.stop()
    try:
        t.send(f"clear; {build} --refresh; echo status=$?")
        text = t.wait(rf"^waiting   {HOST}: cannot connect: Connection refused, again in")
        t.key("C-c")
        text = t.wait(r"^status=\d+$", 5)
    finally:
        registry.start()
    assert text.replace("^C", "").strip().splitlines() == ["autopack: error: ended by SIGINT", "status=130", "$"], text
    assert t.tmux("display-message", "-p", "-t", "t", "#{cursor_flag} #{alternate_on}").strip() == "1 0"
    assert "nothing to build or push" in t.run(build, 0)
