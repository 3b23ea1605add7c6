"""What `make deb`, `make tarball` and `make image` make: looked at, installed in bare roots, run there."""

import gzip
import hashlib
import os
import re
import shutil
import subprocess
import tarfile

import pytest

import support
from support import ROOT

# One after the other: they write the same files.
pytestmark = pytest.mark.xdist_group("packages")
OUT = ROOT / "build" / "packages"
CODE = {"task.py": "print('trained')\n"}


def make(target, **env):
    """The package's path.  What is given away is always the release build, whatever this suite tests."""
    argv = ["make", "--no-print-directory", "-s", "MODE=release", target]
    p = support.run(*argv, cwd=ROOT, timeout=900, env={**os.environ, "MAKEFLAGS": "", **env})
    return OUT / os.path.basename(p.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def deb():
    return make("deb")


@pytest.fixture(scope="module")
def unpacked(deb, tmp_path_factory):
    top = tmp_path_factory.mktemp("deb")
    support.run("dpkg-deb", "-R", deb, top)
    return top


@pytest.fixture(scope="module")
def tarball():
    return make("tarball")


def needed(binary):
    return set(re.findall(r"\(NEEDED\).*\[(.*)\]", support.run("readelf", "-d", binary).stdout))


def test_the_package_is_named_and_asks_for_what_it_is_linked_with(deb, unpacked):
    fields = dict(re.findall(r"^(\S+): (.*)$", (unpacked / "DEBIAN" / "control").read_text(), re.M))
    arch = support.run("dpkg", "--print-architecture").stdout.strip()
    version = support.Autopack(unpacked / "home", binary=unpacked / "usr/bin/autopack")("--version").stdout.split()[1]
    assert deb.name == f"autopack_{version}_{arch}.deb"
    assert (fields["Package"], fields["Version"], fields["Architecture"]) == ("autopack", version, arch)
    # The same library under both names where time_t's change renamed it; none whose name holds a version of its own.
    asked = [re.findall(r"([a-z0-9.+-]+)(?: \([^)]*\))?", clause) for clause in fields["Depends"].split(", ")]
    for name in ("libcurl4", "libssl3", "libarchive13"):
        assert [name, f"{name}t64"] in asked, fields["Depends"]
    assert not [n for clause in asked for n in clause if n.startswith("libgit2")]
    owners = {n for clause in asked for n in clause}
    for soname in needed(unpacked / "usr/bin/autopack"):
        stem = re.sub(r"[^a-z0-9]", "", soname.split(".so")[0].lower())
        assert any(re.sub(r"[^a-z0-9]", "", o).startswith({"libz": "zlib", "libcrypto": "libssl"}.get(stem, stem)) for o in owners), soname


def test_files_are_where_debian_wants_them(deb, unpacked):
    members = [m for m in support.run("dpkg-deb", "-c", deb).stdout.splitlines()]
    assert all(m.split()[1] == "root/root" for m in members), members
    assert {m.split()[0] for m in members} <= {"drwxr-xr-x", "-rw-r--r--", "-rwxr-xr-x"}
    assert [m.split()[-1] for m in members if m.startswith("-rwx")] == ["./usr/bin/autopack"]
    doc = unpacked / "usr/share/doc/autopack"
    assert {"copyright", "changelog.gz", "README.md", "docs"} <= {p.name for p in doc.iterdir()}
    assert b"autopack (" in gzip.decompress((doc / "changelog.gz").read_bytes())
    sums = {p: h for h, p in (line.split("  ") for line in (unpacked / "DEBIAN/md5sums").read_text().splitlines())}
    files = {str(p.relative_to(unpacked)): p for p in (unpacked / "usr").rglob("*") if p.is_file()}
    assert sums == {name: hashlib.md5(p.read_bytes()).hexdigest() for name, p in files.items()}
    # Nothing of the machine that made it.
    for name, p in files.items():
        assert str(ROOT).encode() not in p.read_bytes(), name


def test_the_manual_and_completions_are_inside(unpacked):
    p = support.run("man", "-l", unpacked / "usr/share/man/man1/autopack.1.gz", env={**os.environ, "MANWIDTH": "100"})
    assert "--executor-image-uri=" in p.stdout
    program = support.Autopack(unpacked / "home", binary=unpacked / "usr/bin/autopack")
    for shell, path in (
        ("bash", "bash-completion/completions/autopack"),
        ("zsh", "zsh/site-functions/_autopack"),
        ("fish", "fish/vendor_completions.d/autopack.fish"),
    ):
        assert (unpacked / "usr/share" / path).read_text() == program("completion", shell).stdout


@pytest.mark.parametrize("target", ["deb", "tarball"])
def test_made_again_it_has_the_same_bytes(target, tmp_path):
    first = make(target).read_bytes()
    script = f"umask 077; rm -f {OUT}/autopack*{'deb' if target == 'deb' else 'gz'}; exec make -s MODE=release {target}"
    env = {**os.environ, "MAKEFLAGS": "", "TZ": "Asia/Tokyo", "LC_ALL": "C", "HOME": str(tmp_path)}
    p = support.run("bash", "-c", script, cwd=ROOT, env=env, timeout=900)
    assert (OUT / os.path.basename(p.stdout.splitlines()[-1])).read_bytes() == first


def test_the_tarball_runs_where_it_is_unpacked_and_lists_its_libraries(tarball, tmp_path, base, project):
    with tarfile.open(tarball) as t:
        assert all(m.uid == m.gid == 0 and m.mode in (0o644, 0o755) for m in t.getmembers())
        t.extractall(tmp_path)
    (top,) = tmp_path.iterdir()
    text = (top / "README").read_text()
    listed = set(re.findall(r"^    (lib\S+)", text, re.M))
    assert listed == needed(top / "bin/autopack")
    assert not [n for n in listed if re.match(r"lib(git2|deflate|zstd|yaml)", n)]
    program = support.Autopack(tmp_path / "home", binary=top / "bin/autopack")
    program(
        "build",
        f"--executor-image-uri=oci:{base('tiny-python')}:latest",
        f"--local-package-path={project(CODE)}",
        "--script=task.py",
        f"--image=oci:{tmp_path}/image",
    )
    assert support.skopeo_inspect(f"oci:{tmp_path}/image", config=True)["config"]["Entrypoint"] == ["python", "task.py"]


def bare_root(suite, top):
    """debootstrap's minbase and nothing else; Debian 12's is the first layer of an executor image that exists already."""
    if suite == "bookworm":
        layout = support.executor("minbase")
        manifest = support.skopeo_inspect(f"oci:{layout}:latest", raw=True)
        top.mkdir()
        support.run("tar", "-xpzf", layout / "blobs/sha256" / manifest["layers"][0]["digest"][7:], "-C", top)
    else:
        targets = support.run("apt-get", "indextargets", "--format", "$(SITE) $(REPO_URI)", "Created-By: Packages").stdout
        mirror = targets.split()[1]
        support.run("debootstrap", "--variant=minbase", suite, top, mirror, timeout=1200)
    return top


def apt_source(root):
    """The root reaches the archive that debootstrap had."""
    for name in ("resolv.conf", "hosts"):
        shutil.copy(f"/etc/{name}", root / "etc" / name)


def in_root(root, *argv, check=True, **env):
    env = {"HOME": "/root", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", **env}
    return support.run_in(root, argv, env=env, check=check, timeout=900)


# trixie names the libraries as Ubuntu 24.04 does (libcurl4t64, libssl3t64, libarchive13t64).
@pytest.mark.full
@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_installed_by_apt_in_a_bare_root_it_builds(suite, deb, base, autopack, tmp_path):
    root = bare_root(suite, tmp_path / "root")
    apt_source(root)
    shutil.copy(deb, root / "tmp" / deb.name)
    apt = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=3"]
    in_root(root, *apt, "update")
    in_root(root, *apt, "install", "-y", "--no-install-recommends", f"/tmp/{deb.name}")
    assert in_root(root, "dpkg", "-s", "autopack").stdout.count("install ok installed") == 1
    assert in_root(root, "dpkg", "-V", "autopack").stdout == ""
    assert re.fullmatch(r"autopack \d+\.\d+\.\d+\n", in_root(root, "autopack", "--version").stdout)
    assert "not found" not in in_root(root, "ldd", "/usr/bin/autopack").stdout

    # Code only: neither Python nor uv is there, and neither is needed.
    shutil.copytree(base("debian"), root / "srv/executor")
    support.project(root / "srv/trainer", {**CODE, "data.txt": "".join(f"line {i} of {i * i % 97}\n" for i in range(200_000))})
    build = ["autopack", "build", "--executor-image-uri=oci:/srv/executor:latest", "--local-package-path=/srv/trainer", "--script=task.py"]
    there = in_root(root, *build, "--image=oci:/srv/code").stdout
    here = autopack(
        "build", f"--executor-image-uri=oci:{base('debian')}:latest", f"--local-package-path={root}/srv/trainer", "--script=task.py",
        f"--image=oci:{tmp_path}/here",
    )  # fmt: skip
    assert there.strip().endswith(here.digest), "other bytes on another distribution"
    out = support.umoci_unpack(support.to_layout(f"oci:{root}/srv/code", tmp_path / "code"), tmp_path / "bundle")
    assert support.run_image(f"oci:{root}/srv/code", None, rootfs=out).stdout == "trained\n"

    # doctor says what is missing before it is missed.
    p = in_root(root, "autopack", "doctor", check=False)
    assert p.returncode == 1 and re.search(r"uv.*(install|pip|https)", p.stdout, re.S), p.stdout

    # Dependencies: uv is a file to put on PATH, Python is the package that the .deb recommends.
    in_root(root, *apt, "install", "-y", "--no-install-recommends", "python3")
    shutil.copy(support.ENV_BIN / "uv", root / "usr/local/bin/uv")
    w = support.wheel(root / "srv/trainer", "hello", "1.0", {"hello.py": "word = 'hello from a wheel'\n"})
    support.project(root / "srv/trainer", {"task.py": "import hello; print(hello.word)\n", "requirements.txt": f"./{w.name}\n"})
    in_root(root, *build, "--image=oci:/srv/deps", PIP_NO_INDEX="1")
    out = support.umoci_unpack(support.to_layout(f"oci:{root}/srv/deps", tmp_path / "deps"), tmp_path / "bundle2")
    assert support.run_image(f"oci:{root}/srv/deps", None, rootfs=out).stdout == "hello from a wheel\n"

    in_root(root, *apt, "install", "-y", "--no-install-recommends", "lintian")
    p = in_root(root, "lintian", "--allow-root", "--fail-on", "error,warning", f"/tmp/{deb.name}", check=False)
    assert p.returncode == 0, p.stdout
    in_root(root, *apt, "remove", "-y", "autopack")
    assert not (root / "usr/bin/autopack").exists()


def test_the_container_image_runs_and_builds_images(base, tmp_path):
    image = make("image")
    layout = support.to_layout(f"oci-archive:{image}", tmp_path / "layout")
    root = support.umoci_unpack(layout, tmp_path / "bundle")
    config = support.skopeo_inspect(f"oci:{layout}", config=True)["config"]
    env = dict(e.split("=", 1) for e in config["Env"])

    def run(*args, cwd="/"):
        return support.run_in(root, [*config["Entrypoint"], *args], env=env, cwd=cwd)

    # From any working directory: a CI system mounts one of its own.
    for cwd in (config["WorkingDir"], "/tmp"):
        assert re.fullmatch(r"autopack \d+\.\d+\.\d+\n", run("--version", cwd=cwd).stdout)
    assert support.run_in(root, ["uv", "--version"], env=env).stdout.startswith("uv ")
    shutil.copytree(base("debian"), root / "srv/executor")
    w = support.wheel(tmp_path, "hello", "1.0", {"hello.py": "word = 'hello from a wheel'\n"})
    for name, files in (
        ("code", {"task.py": "print('trained')\n"}),
        ("deps", {"task.py": "import hello; print(hello.word)\n", "requirements.txt": f"./{w.name}\n"}),
    ):
        support.project(root / "srv" / name, files)
        shutil.copy(w, root / "srv" / name)
        env["PIP_NO_INDEX"] = "1"
        source = ["--executor-image-uri=oci:/srv/executor:latest", f"--local-package-path={name}", "--script=task.py"]
        run("build", *source, f"--image=oci:/srv/{name}-image", cwd="/srv")
        out = support.umoci_unpack(support.to_layout(f"oci:{root}/srv/{name}-image", tmp_path / name), tmp_path / f"b-{name}")
        said = support.run_image(f"oci:{root}/srv/{name}-image", None, rootfs=out).stdout
        assert said == {"code": "trained\n", "deps": "hello from a wheel\n"}[name]
