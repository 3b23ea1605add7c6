"""The root file system equals the one that pip makes of the same versions in the same base.

Each case builds an image with autopack, then lets the pinned pip install the
same requirements, held to the versions of autopack's lock and to the same
wheel files, in a copy of the same base.  Both trees are then compared path by
path: kind, mode, content, link target.  Only ALLOWED may differ.
"""

import hashlib
import importlib.util
import marshal
import os
import pathlib
import re
import shutil
import stat
import types

import pytest

import support
from support import oci

PIP = "26.3"

# The only differences, and why.
ALLOWED = {
    "INSTALLER": "says autopack (DESIGN section 5), and its line in RECORD with it",
    "usr/app": "the code, and the directory it runs in",
    "home": "the HOME of the job",
}

CODE = {"trainer/task.py": "print('trained')\n"}
SITE = {
    "minbase": "usr/local/lib/python3.11/dist-packages",
    "venv": "opt/venv/lib/python3.11/site-packages",
    "usrlocal": "usr/local/lib/python3.11/site-packages",
    "conda": "opt/conda/lib/python3.11/site-packages",
    "science": "usr/local/lib/python3.11/dist-packages",
    "musl": "usr/lib/python3.11/site-packages",
}
# Virtual environments whose interpreter no #! line can name.
BLANKS, LONG = "opt/my own env", "opt/" + "long-path/" * 14 + "env"
# Where the variants' own links lead: they are absolute, and would be followed out of the root.
REAL_SITE = {
    "linked": "data/lib/dist-packages",
    "blanks": f"{BLANKS}/lib/python3.11/site-packages",
    "long-path": f"{LONG}/lib/python3.11/site-packages",
}
WHEELS = support.ROOT / "fixtures/wheels/good"
DEMO = WHEELS / "demo-1.0-py3-none-any.whl"
STREAM = WHEELS / "stream-1-py3-none-any.whl"


def _metadata(name, version, more=""):
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{more}"


def _dist(site, name, version, files, more="", record=True, installer="pip"):
    """Members of an installed distribution, as pip would have left them."""
    info = f"{site}/{name}-{version}.dist-info"
    m = {f"{site}/{k}": v for k, v in files.items()}
    m[f"{info}/METADATA"] = _metadata(name, version, more)
    m[f"{info}/INSTALLER"] = f"{installer}\n"
    if record:
        lines = [f"{k},," for k in files] + [
            f"{name}-{version}.dist-info/{f},," for f in ("INSTALLER", "METADATA", "RECORD")
        ]
        m[f"{info}/RECORD"] = "\n".join(lines) + "\n"
    return m


def _egg_info(site):
    info = f"{site}/idna-2.0.egg-info"
    return {
        f"{site}/idna/__init__.py": "OLD = 1\n",
        f"{site}/idna/gone.py": "OLD = 2\n",
        f"{site}/idna/__pycache__/gone.cpython-311.pyc": "bytecode",
        f"{info}/PKG-INFO": _metadata("idna", "2.0"),
        f"{info}/top_level.txt": "idna\n",
        f"{info}/installed-files.txt": "../idna/__init__.py\n../idna/gone.py\nPKG-INFO\ntop_level.txt\n",
    }


def _venv_at(path):
    """A virtual environment of Debian's Python at a path of its own, and the PATH that has it."""
    members = {
        f"{path}/pyvenv.cfg": "home = /usr/bin\ninclude-system-site-packages = false\nversion = 3.11.2\n",
        f"{path}/bin/python3": oci.Link("/usr/bin/python3"),
        f"{path}/bin/python": oci.Link("python3"),
        f"{path}/lib/python3.11/site-packages": oci.Dir(0o755),
    }
    return "minbase", members, f"PATH=/{path}/bin:/usr/local/bin:/usr/bin:/bin"


V = "usr/local/lib/python3.11"
# What a variant adds above its base: name -> (base, members, variables that are other ones).
VARIANTS = {
    "constrained": (
        "minbase",
        {"etc/pip/constraint.txt": "-c more.txt\nidna==3.4\n", "etc/pip/more.txt": "urllib3<2 ; python_version >= '3'\n"},
        "PIP_CONSTRAINT=/etc/pip/constraint.txt",
    ),
    "blanks": _venv_at(BLANKS),
    "long-path": _venv_at(LONG),
    "torch-local": (
        "science",
        _dist(SITE["science"], "torch", "2.3.0+cu121", {"torch/__init__.py": "__version__ = '2.3.0+cu121'\n"}),
    ),
    "linked": ("minbase", {"data": oci.Dir(0o755), "data/lib": oci.Dir(0o755), V: oci.Link("/data/lib")}),
    "linked-bin": ("minbase", {"opt/tools": oci.Dir(0o755), "usr/local/bin/.keep": "", "usr/local/etc": oci.Link("../../opt/tools")}),
    "egg-info": ("minbase", _egg_info(SITE["minbase"])),
    "stale-bytecode": (
        "venv",
        {
            f"{SITE['venv']}/idna/__pycache__/core.cpython-311.pyc": "stale",
            f"{SITE['venv']}/idna/__pycache__/core.cpython-310.pyc": "another python's",
            f"{SITE['venv']}/idna/mine.txt": "put there by hand\n",
            f"{SITE['venv']}/__pycache__/six.cpython-311.pyc": "stale",
        },
    ),
    "nested": (
        "venv",
        _dist(SITE["venv"], "iniconfig", "1.0", {"ns/deep/er/a.py": "A = 1\n", "ns/deep/er/b.py": "B = 1\n"}),
    ),
    "pythonpath": (
        "minbase",
        _dist("opt/own", "idna", "2.8", {"idna/__init__.py": "OWN = 1\n", "mine.py": ""}) | {"opt/own/stays.txt": "\n"},
        "PYTHONPATH=/opt/own",
    ),
    "pth": (
        "minbase",
        _dist("opt/own", "idna", "2.8", {"idna/__init__.py": "OWN = 1\n"}) | {f"{SITE['minbase']}/own.pth": "/opt/own\n"},
    ),
    "pth-venv": (
        "venv",
        _dist("opt/own", "pluggy", "1.0", {"pluggy/__init__.py": "OWN = 1\n"}) | {f"{SITE['venv']}/own.pth": "/opt/own\n"},
    ),
    "user-prefix": ("minbase", _dist("usr/lib/python3/dist-packages", "idna", "2.8", {"idna/__init__.py": "OS = 1\n"}, record=False, installer="debian")),
}


def case(name, base, rule, *requirements, imports=(), extra=(), upgrade=(), full=True, uninstall=True, files=None, shadows=False, compiled=False):
    return pytest.param(
        dict(
            base=base, requirements=requirements, imports=imports, extra=extra, upgrade=upgrade,
            uninstall=uninstall, files=files or {}, shadows=shadows, compiled=compiled,
        ),
        id=name,
        marks=[pytest.mark.full] if full else [],
    )  # fmt: skip


# name, base, the rule that no other case covers, requirements
CASES = [
    case("all-schemes", "minbase", "every .data scheme, scripts with #!python, gui scripts, a comma in RECORD, direct_url",
         extra=[DEMO], imports=["demo"], full=False),
    case("all-schemes-venv", "venv", "headers below include/site, interpreter of the venv", extra=[DEMO], imports=["demo"], full=False),
    case("all-schemes-usrlocal", "usrlocal", "the upstream scheme of a Python below /usr/local", extra=[DEMO], imports=["demo"]),
    case("zip-forms", "usrlocal", "data descriptors, zip64, stored members, a name in UTF-8", extra=[STREAM]),
    case("pure-with-dependencies", "minbase", "dependencies are not REQUESTED", "requests", imports=["requests"]),
    case("native", "minbase", "platlib, executable bits of shared objects", "numpy==1.26.4", imports=["numpy"]),
    case("abi3", "usrlocal", "stable-ABI wheel", "cryptography", imports=["cryptography"]),
    case("headers", "usrlocal", "headers of a real wheel", "greenlet", imports=["greenlet"]),
    case("data-files", "minbase", "share/ and etc/ of a real wheel", "jupyterlab-pygments", "jupyter-server-terminals", "pygments",
         imports=["jupyterlab_pygments"]),
    case("old-scripts", "usrlocal", "scripts= of setuptools with #!python", "docutils==0.16", imports=["docutils"]),
    case("binary-script", "venv", "a program in .data/scripts", "ruff==0.6.9"),
    case("upgrade", "venv", "replaces a version; bytecode and old metadata go", "idna==3.7", imports=["idna"], full=False),
    case("stale-bytecode", "stale-bytecode", "bytecode that RECORD does not list goes, a stranger's file stays",
         "idna==3.7", "six==1.15.0", imports=["idna", "six"], uninstall=False),
    case("emptied-parents", "nested", "a directory all whose files go, goes; its parents stay, emptied", "iniconfig==2.0.0", imports=["iniconfig"], uninstall=False),
    case("downgrade-native", "science", "a replaced native package", "numpy==1.26.3", imports=["numpy", "pandas"], uninstall=False),
    case("satisfied", "science", "what the base has is not added again", "pandas", imports=["pandas"]),
    case("on-top-of-numpy", "science", "only what is missing is added", "seaborn", imports=["seaborn"]),
    case("local-version", "torch-local", "a version that no index carries stays", "accelerate", imports=["safetensors"], uninstall=False),
    case("apt-owned", "minbase", "the operating system's package is shadowed, not removed", "setuptools==70.0.0",
         imports=["setuptools"], shadows=True, full=False),
    case("apt-owned-no-record", "user-prefix", "an OS package without RECORD is shadowed", "idna==3.7", imports=["idna"], shadows=True),
    case("several-pythons", "conda", "the first Python on PATH, not Debian's; scripts, headers and data below its prefix",
         extra=[DEMO], imports=["demo"], full=False),
    case("another-installer", "conda", "what another installer than pip put in is replaced as pip does", "idna==3.7", "requests",
         imports=["idna", "requests"], uninstall=False),
    case("pythonpath", "pythonpath", "what PYTHONPATH names is replaced where it lies", "idna==3.7", imports=["idna"], uninstall=False, full=False),
    case("pth", "pth", "what a .pth file names is replaced where it lies", "idna==3.7", imports=["idna"], uninstall=False),
    case("pth-venv", "pth-venv", "what a virtual environment's .pth file names lies outside of it, and stays", "pluggy==1.5.0", imports=["pluggy"], uninstall=False),
    case("musl", "musl", "wheels for musl's platforms alone, on a base whose Python is linked to it", "numpy==1.26.4", "pyyaml", "requests",
         imports=["numpy", "yaml", "requests"]),
    case("musl-schemes", "musl", "a distribution's own Python below /usr with one site directory, marked EXTERNALLY-MANAGED", extra=[DEMO], imports=["demo"]),
    case("satisfied-by-another-installer", "conda", "what another installer than pip put in is enough", "python-dateutil",
         imports=["dateutil"]),
    case("pip-itself", "venv", "pip's family of scripts, a package that pip replaces under itself", "pip==24.0", uninstall=False),
    case("egg-info", "egg-info", "installed-files.txt of an .egg-info", "idna==3.7", imports=["idna"], uninstall=False),
    case("links", "linked", "a linked directory on the way to the packages", "rich", imports=["rich"]),
    case("linked-data", "linked-bin", "a linked directory on the way to data files", extra=[DEMO]),
    case("namespaces", "minbase", "several wheels in one namespace package", "googleapis-common-protos", "google-auth",
         imports=["google.api.http_pb2", "google.auth"]),
    case("nspkg-pth", "usrlocal", "a -nspkg.pth file", "zope.interface==6.0", imports=["zope.interface"]),
    case("dotted-name", "venv", "names with dots and capitals", "ruamel.yaml", "Flask", "Jinja2", imports=["flask", "ruamel.yaml"]),
    case("extras", "minbase", "extras", "requests[socks]", imports=["socks"]),
    case("markers", "venv", "markers decide", "tomli; python_version < '3.9'", "attrs; python_version >= '3.9'", imports=["attr"]),
    case("included", "minbase", "-r, -c, comments, continuation lines", "-r more.txt", "-c limits.txt",
         files={"more.txt": "# more\nurllib3 \\\n  >=2\n", "limits.txt": "urllib3<2.2\n"}, imports=["urllib3"]),
    case("constrained", "constrained", "what pip in the base is told: constraints", "requests", imports=["requests"], full=False),
    case("inline-upgrade", "venv", "requirements= upgrades what it names", "idna", upgrade=["idna"], imports=["idna"]),
    case("blanks", "blanks", "an interpreter whose path has blanks: wrappers go through sh", "docutils==0.16", "pygments", imports=["docutils", "pygments"]),
    case("long-path", "long-path", "an interpreter whose path is too long for a #! line", "docutils==0.16", "pygments",
         imports=["docutils", "pygments"]),
    case("top-level-extension", "venv", "modules beside packages, mypyc's hashed names", "black==24.8.0", imports=["black"]),
    case("many-files", "usrlocal", "thousands of members, empty files, templates", "django==4.2.16", imports=["django"]),
    case("jupyter", "usrlocal", "a big tree of data files", "notebook==7.2.2", imports=["notebook"]),
    case("bytecode", "venv", "--compile: what pip compiles, and its lines in RECORD", "idna==3.7", extra=[DEMO], imports=["demo", "idna"],
         compiled=True, full=False),
    case("bytecode-does-not-compile", "usrlocal", "--compile: templates that are no Python have no bytecode", "django==4.2.16", "black==24.8.0",
         imports=["django"], compiled=True),
    case("bytecode-links", "linked", "--compile: bytecode behind a linked directory", "rich", imports=["rich"], compiled=True),
    case("many-scripts", "minbase", "scripts of other languages, .cmd and completion files", "awscli==1.33.0", imports=["awscli"]),
]  # fmt: skip


@pytest.fixture(scope="session")
def pinned_pip():
    """The wheel of the pinned pip, from the index, kept below build/."""
    top = support.ROOT / "build" / "parity"
    top.mkdir(parents=True, exist_ok=True)
    wheel = top / f"pip-{PIP}-py3-none-any.whl"
    if not wheel.exists():
        support.run(
            support.ENV_BIN / "python", "-m", "pip", "download", "-q", "--no-deps", "--no-cache-dir",
            "-d", top, f"pip=={PIP}", env={**os.environ, **support.index_env()}, timeout=300,
        )  # fmt: skip
    return wheel


@pytest.fixture(scope="session")
def roots(base, tmp_path_factory):
    """roots(NAME) -> (OCI layout, unpacked root) of an executor image or a variant; made once."""
    top = tmp_path_factory.mktemp("roots")
    made = {}

    def go(name):
        if name not in made:
            layout = base(VARIANTS[name][0] if name in VARIANTS else name)
            if name in VARIANTS:
                config = support.skopeo_inspect(f"oci:{layout}:latest", config=True)["config"]
                config["Env"] = list({v.split("=")[0]: v for v in (*config["Env"], *VARIANTS[name][2:])}.values())
                above = oci.Layout(top / f"{name}.oci")
                tar = oci.tar_of_members(VARIANTS[name][1])
                above.tag(above.image([tar], config, base=(str(layout), "latest")), "latest")
                layout = top / f"{name}.oci"
            made[name] = layout, support.umoci_unpack(f"oci:{layout}:latest", top / name)
        return made[name]

    yield go
    for name in made:
        support.remove(top / name)


def _read_lock(path):
    import tomllib

    return tomllib.loads(path.read_text())["packages"]


def _environment(layout):
    """What runs in the image sees; nothing of ours may leave bytecode behind."""
    config = support.skopeo_inspect(f"oci:{layout}:latest", config=True)["config"]
    return {**dict(e.split("=", 1) for e in config["Env"]), "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/home"}


def _collect_wheels(autopack, lock, extra, into):
    """The very files that autopack installed, by their names."""
    into.mkdir(parents=True)
    cache = autopack.cache / "autopack" / "wheels" / "sha256"
    local = {hashlib.sha256(w.read_bytes()).hexdigest(): w for w in extra}
    for p in lock:
        for w in p.get("wheels") or [p["archive"]]:
            digest = w["hashes"]["sha256"]
            name = w.get("name") or (w.get("url") or w["path"]).rsplit("/", 1)[-1]
            shutil.copy(local.get(digest) or cache / digest, into / name)


def _pip(root, env, *args, check=True):
    return support.run_in(
        root,
        [env["PYTHON"], f"/tmp/host/pip-{PIP}-py3-none-any.whl/pip", *args],
        env={
            **env, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/tmp/host/wheels",
            "PIP_NO_CACHE_DIR": "1", "PIP_ROOT_USER_ACTION": "ignore", "PIP_BREAK_SYSTEM_PACKAGES": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "HOME": "/root", "LC_ALL": "C.UTF-8",
        },
        check=check,
        timeout=300,
    )  # fmt: skip


def _install_with_pip(root, env, c, lock, wheels, pip_wheel, directory):
    host = root / "tmp" / "host"
    host.mkdir(parents=True)
    shutil.copy(pip_wheel, host)
    shutil.copytree(wheels, host / "wheels")
    app = root / "usr" / "app"
    app.mkdir(parents=True)
    for w in c["extra"]:
        shutil.copy(w, app)
    shutil.copytree(directory, host / "project")
    (host / "pins.txt").write_text("".join(f"{p['name']}=={p['version']}\n" for p in lock if "archive" not in p and not any(p["name"] == w.name.split("-")[0].lower() for w in c["extra"])))
    args = ["install", "-q", *([] if c["compiled"] else ["--no-compile"]), "-c", "/tmp/host/pins.txt"]
    if c["shadows"]:
        # Upstream's pip would remove the operating system's files; Debian's and we do not.
        args.append("--ignore-installed")
    if (directory / "requirements.txt").exists():
        _pip(root, env, *args, "-r", "/tmp/host/project/requirements.txt")
    if c["upgrade"]:
        _pip(root, env, *args, "--upgrade", *c["upgrade"])
    if c["extra"]:
        _pip(root, env, *args, *[f"/usr/app/{w.name}" for w in c["extra"]])


def _plain(value):
    """A code object as plain values: what marshal writes depends on who else refers to a constant."""
    if isinstance(value, types.CodeType):
        return [(n, _plain(getattr(value, n))) for n in sorted(dir(value)) if n.startswith("co_") and not callable(getattr(value, n)) and n != "co_lnotab"]
    if isinstance(value, (tuple, frozenset)):
        values = [_plain(v) for v in value]
        return (type(value).__name__, values if isinstance(value, tuple) else sorted(map(repr, values)))
    return repr(value)


def _content(path):
    data = path.read_bytes()
    if path.suffix == ".pyc" and data[:4] == importlib.util.MAGIC_NUMBER:
        # Ours is by hash, pip's by time (DESIGN section 5); the code is the same.
        data = repr(_plain(marshal.loads(data[16:]))).encode()
    if path.name == "RECORD" and path.parent.name.endswith(".dist-info"):
        data = b"".join(l for l in data.splitlines(True) if b".dist-info/INSTALLER," not in l)
    return data


def _tree(root):
    """{path: (kind, mode, owner, content or target)} without what may differ."""
    out = {}
    for where, dirs, files in os.walk(root):
        rel = os.path.relpath(where, root)
        if rel == ".":
            dirs[:] = [d for d in dirs if d not in ("proc", "dev", "sys")]
        for name in dirs + files:
            path = pathlib.Path(where) / name
            at = os.path.normpath(os.path.join(rel, name))
            if at in ("usr/app", "home") or at.startswith(("usr/app/", "home/", "tmp/host")):
                continue
            st = path.lstat()
            if stat.S_ISLNK(st.st_mode):
                out[at] = ("link", os.readlink(path))
            elif stat.S_ISDIR(st.st_mode):
                out[at] = ("dir", oct(stat.S_IMODE(st.st_mode)), st.st_uid, st.st_gid)
            elif stat.S_ISREG(st.st_mode):
                data = b"" if name == "INSTALLER" else _content(path)
                out[at] = ("file", oct(stat.S_IMODE(st.st_mode)), st.st_uid, st.st_gid, hashlib.sha256(data).hexdigest())
        dirs[:] = [d for d in dirs if not os.path.islink(os.path.join(where, d))]
    return out


def _assert_equal(ours, theirs):
    differences = [
        f"{p}: ours {ours.get(p)}, pip's {theirs.get(p)}" for p in sorted(set(ours) | set(theirs)) if ours.get(p) != theirs.get(p)
    ]
    assert not differences, "\n".join(differences[:40])


def _installers(root, lock, site):
    """Who says it installed the locked distributions."""
    said = set()
    for p in lock:
        want = re.sub(r"[-_.]+", "-", p["name"]).lower()
        for info in (root / site).glob("*.dist-info"):
            if re.sub(r"[-_.]+", "-", info.name.rsplit("-", 1)[0]).lower() == want or info.name.lower().startswith(want.replace("-", "_") + "-"):
                said.add((info / "INSTALLER").read_text())
    return said


def _scripts(root, lock):
    """Console scripts that the locked wheels brought, absolute in the image."""
    out = []
    for d in ("usr/local/bin", "usr/bin", "opt/venv/bin", "opt/conda/bin", f"{BLANKS}/bin", f"{LONG}/bin"):
        for f in sorted((root / d).glob("*")):
            if f.is_file() and not f.is_symlink() and b"sys.exit(" in f.read_bytes()[:400]:
                out.append("/" + str(f.relative_to(root)))
    return out


@pytest.mark.parametrize("c", CASES)
def test_the_image_equals_what_pip_makes(autopack, roots, project, pinned_pip, container_store, tmp_path, c):
    layout, base_root = roots(c["base"])
    autopack.env["CONTAINERS_STORAGE_CONF"] = container_store
    env = _environment(layout)
    files = {**CODE, **c["files"]}
    if c["requirements"]:
        files["requirements.txt"] = "\n".join(c["requirements"]) + "\n"
    directory = project(files)
    for w in c["extra"]:
        shutil.copy(w, directory)
    flags = [f"--extra-packages={','.join(w.name for w in c['extra'])}"] if c["extra"] else []
    flags += [f"--requirements={';'.join(c['upgrade'])}"] if c["upgrade"] else []
    flags += ["--compile"] if c["compiled"] else []
    autopack(
        "build", f"--executor-image-uri=oci:{layout}:latest", f"--local-package-path={directory}",
        "--script=trainer/task.py", f"--image=oci:{tmp_path}/image:x", f"--lock-out={tmp_path}/lock.toml", *flags,
        timeout=600,
    )  # fmt: skip
    lock = _read_lock(tmp_path / "lock.toml")
    ours = support.umoci_unpack(f"oci:{tmp_path}/image:x", tmp_path / "ours")
    # The word by which the entry point calls Python is the one that pip runs under.
    config = support.skopeo_inspect(f"oci:{tmp_path}/image:x", config=True)["config"]
    env["PYTHON"] = config["Entrypoint"][0]
    wheels = tmp_path / "wheels"
    _collect_wheels(autopack, lock, c["extra"], wheels)

    theirs = tmp_path / "theirs"
    support.run("cp", "-a", base_root, theirs)
    _install_with_pip(theirs, env, c, lock, wheels, pinned_pip, directory)
    _assert_equal(_tree(ours), _tree(theirs))
    if lock:
        site = REAL_SITE.get(c["base"]) or SITE[VARIANTS[c["base"]][0] if c["base"] in VARIANTS else c["base"]]
        assert _installers(ours, lock, site) == {"autopack\n"}

    # It works: imports, pip's own check, every script starts.
    installed = set(_tree(ours))
    for name in c["imports"]:
        support.run_in(ours, ["python3", "-c", f"import {name}"], env=env)
    (ours / "tmp" / "host").mkdir(parents=True)
    shutil.copy(pinned_pip, ours / "tmp" / "host")
    broken = _pip(theirs, env, "check", check=False).stdout
    assert _pip(ours, env, "check", check=False).stdout == broken
    if c["base"] != "torch-local":
        assert "requires" not in broken, broken
    before = set(_scripts(base_root, lock))
    for script in _scripts(ours, lock):
        if script not in before and c["imports"] and "demo" not in c["imports"]:
            p = support.run_in(ours, [script, "--help"], env=env, check=False)
            assert p.returncode not in (126, 127), f"{script}: {p.stderr}"
            if "ModuleNotFoundError" in p.stderr or "ImportError" in p.stderr:
                # One that wants an extra nobody asked for says so wherever it is installed.
                same = support.run_in(theirs, [script, "--help"], env=env, check=False)
                assert (p.returncode, p.stderr) == (same.returncode, same.stderr), script

    # What a script writes when it is started (jupyter-lab its page_config.json) is nobody's to uninstall.
    written = set(_tree(ours)) - installed

    # And all of it goes again, but for what stands in for the operating system's.
    if c["uninstall"] and lock:
        _pip(ours, env, "uninstall", "-y", "-q", *[p["name"] for p in lock])
        left = {p: v for p, v in _tree(ours).items() if v[0] != "dir" and p not in written}
        had = {p: v for p, v in _tree(base_root).items() if v[0] != "dir"}
        if c["base"] in ("conda", "musl", "minbase", "usrlocal", "science", "linked", "linked-bin"):
            _assert_equal(left, had)
        assert not set(left) - set(had), sorted(set(left) - set(had))[:20]


def test_every_case_stands_for_its_own_rule():
    assert len(CASES) >= 25
    assert len({p.id for p in CASES}) == len(CASES)
