"""What pip in the executor image is told: its constraints and indexes count as they would for pip in there."""

import hashlib
import itertools
import json
import os
import re

import pytest

import support
from support import oci
from test_index import SECRET, index, sdist, wheel  # noqa: F401

SITE = "usr/lib/python3.11/site-packages"
PYTHON = {
    "usr/bin/python3.11": (0o755, b"\x7fELF\0" + b"3.11.2\0"),
    "usr/bin/python": oci.Link("python3.11"),
    "usr/bin/python3": oci.Link("python3.11"),
    "usr/lib/python3.11/os.py": "",
    f"{SITE}/.keep": "",
    "lib/x86_64-linux-gnu/libc.so.6": "GNU C Library (Debian GLIBC 2.36-9) stable release version 2.36.\n",
}
CODE = {"trainer/task.py": "print('trained')\n"}
# Nothing of the machine that runs the tests.
NOTHING = {k: None for k in os.environ if k.startswith(("PIP_", "UV_"))} | {"PIP_CONFIG_FILE": "/dev/null"}


def installed(name, version):
    info = f"{SITE}/{name}-{version}.dist-info"
    return {
        f"{SITE}/{name}.py": "VALUE = 0\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/INSTALLER": "pip\n",
        f"{info}/RECORD": f"{name}.py,,\n{info.rsplit('/', 1)[1]}/METADATA,,\n",
    }


@pytest.fixture
def executor(registry, repo, tmp_path):
    """executor(members, ..., env={...}) -> a reference in the registry; every dictionary is a layer above Python's."""
    count = itertools.count()

    def make(*layers, env=None, path=False):
        layout = oci.Layout(tmp_path / f"executor{next(count)}")
        config = {"Env": ["PATH=/usr/bin", *[f"{k}={v}" for k, v in (env or {}).items()]]}
        tars = [oci.tar_of_members(m) for m in (PYTHON, *layers)]
        layout.tag(layout.image(tars, config), "x")
        return f"oci:{layout.path}:x" if path else registry.push_layout(layout.path, "x", repo, f"x{next(count)}")

    return make


@pytest.fixture
def locked(autopack, tmp_path):
    """locked(executor, directory) -> {name: version} of what would be installed, and the result of the run."""

    def go(executor, where, *flags, env=None, check=0, **kw):
        lock = tmp_path / "out.lock"
        lock.unlink(missing_ok=True)
        r = autopack(
            "build", f"--executor-image-uri={executor}", f"--local-package-path={where}", "--script=trainer/task.py",
            f"--image=oci:{tmp_path}/out:x", f"--lock-out={lock}", *flags, env={**NOTHING, **(env or {})}, check=check, **kw,
        )  # fmt: skip
        text = lock.read_text() if lock.exists() else ""
        return dict(re.findall(r'^name = "(.*)"\nversion = "(.*)"', text, re.M)), r

    return go


@pytest.fixture
def helpers(index, tmp_path):
    """An index with helper 1.0, 2.0 and 3.0, and other 1.0."""
    i = index()
    i.files.update([wheel(tmp_path, "helper", v) for v in ("1.0", "2.0", "3.0")] + [wheel(tmp_path, "other", "1.0")])
    return i


LIMITS = "# what this image was tested with\n\nhelper==2.0\nunheard-of==9 ; python_version < '3'\nnever_needed>=1\n"
# name: (layers, environment)
PLACES = {
    "PIP_CONSTRAINT": ([{"etc/pip/constraint.txt": LIMITS}], {"PIP_CONSTRAINT": "/etc/pip/constraint.txt"}),
    "an unusual name": ([{"opt/pinned": LIMITS}], {"PIP_CONSTRAINT": "/opt/pinned"}),
    "only comments first": ([{"opt/pinned": "# " + "long " * 1000 + "\n" + LIMITS}], {"PIP_CONSTRAINT": "/opt/pinned"}),
    "pip.conf of the system": ([{"etc/pip.conf": "[install]\nconstraint = /srv/c.txt\n", "srv/c.txt": LIMITS}], {}),
    "pip.conf of the user": ([{"root/.config/pip/pip.conf": "[global]\nconstraint = /srv/c.txt\n", "srv/c.txt": LIMITS}], {}),
    "pip.conf of another user": ([{"data/me/.pip/pip.conf": "[global]\nconstraint = /srv/c.txt\n", "srv/c.txt": LIMITS}], {"HOME": "/data/me"}),
    "pip.conf of the prefix": ([{"usr/pip.conf": "[global]\nconstraint = /srv/c.txt\n", "srv/c.txt": LIMITS}], {}),
    "PIP_CONFIG_FILE": ([{"srv/mine": "[global]\nconstraint = /srv/c.txt\n", "srv/c.txt": LIMITS}], {"PIP_CONFIG_FILE": "/srv/mine"}),
    "the variable over the file": (
        [{"etc/pip.conf": "[install]\nconstraint = /srv/c.txt\n", "srv/c.txt": "helper==1.0\n", "srv/d.txt": LIMITS}],
        {"PIP_CONSTRAINT": "/srv/d.txt"},
    ),
    "-c in it": ([{"srv/c/all.txt": "-c ../more/limits.txt\n", "srv/more/limits.txt": LIMITS}], {"PIP_CONSTRAINT": "/srv/c/all.txt"}),
    "round and round": ([{"srv/a.txt": "-c b.txt\n" * 40, "srv/b.txt": "-c a.txt\n" * 40 + LIMITS}], {"PIP_CONSTRAINT": "/srv/a.txt"}),
    "two of them": (
        [{"srv/a.txt": "helper<3\n", "srv/b.txt": "helper>1\n"}],
        {"PIP_CONSTRAINT": "/srv/a.txt\t/srv/b.txt"},
    ),
    "an address of a file": ([{"srv/a b.txt": LIMITS}], {"PIP_CONSTRAINT": "file:///srv/a%20b.txt"}),
    "from where gcloud's pip runs": ([{"usr/app/c.txt": LIMITS}], {"PIP_CONSTRAINT": "c.txt"}),
    "behind links": (
        [{"srv/real/c.txt": LIMITS, "srv/at": oci.Link("/srv/real"), "etc/limits": oci.Link("../srv/at/c.txt")}],
        {"PIP_CONSTRAINT": "/etc/limits"},
    ),
    "a hard link": ([{"srv/c.txt": LIMITS, "srv/d": oci.HardLink("srv/c.txt")}], {"PIP_CONSTRAINT": "/srv/d"}),
    "replaced by a later layer": (
        [{"srv/c.txt": "helper==1.0\n", "etc/pip.conf": "[global]\nno-index = 1\n"}, {"srv/c.txt": LIMITS, "etc/.wh.pip.conf": ""}],
        {"PIP_CONSTRAINT": "/srv/c.txt"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLACES)
def test_constraints_of_the_base_limit_what_is_chosen(executor, locked, project, helpers, name):
    layers, env = PLACES[name]
    where = project({**CODE, "requirements.txt": f"-i {helpers.url()}\nhelper\n"})
    assert locked(executor(), where)[0] == {"helper": "3.0"}
    assert locked(executor(*layers, env=env), where)[0] == {"helper": "2.0"}


def test_what_the_base_has_and_is_pinned_to_costs_nothing(executor, locked, project, helpers):
    """The usual case: a list of all that is installed, local versions and addresses in the image among them."""
    layers = [
        {**installed("helper", "2.0+cu121"), **installed("built", "1.5"), **installed("early", "1.0rc2")},
        {"etc/pip/constraint.txt": "helper==2.0+cu121\nbuilt @ file:///opt/built\nearly==1.0rc2\nother==1.0\n"},
    ]
    base = executor(*layers, env={"PIP_CONSTRAINT": "/etc/pip/constraint.txt"})
    where = project({**CODE, "requirements.txt": f"-i {helpers.url()}\nhelper\nbuilt\nearly\nother\n"})
    found, r = locked(base, where)
    assert found == {"other": "1.0"}
    assert "pip in the base is told 4 constraints (from /etc/pip/constraint.txt:1)" in r.stderr
    assert {p for p, _ in helpers.requests if p.startswith("/simple/")} <= {f"/simple/{n}/" for n in ("helper", "built", "early", "other")}


def test_a_conflict_names_the_bases_file_and_line(executor, locked, project, helpers):
    base = executor({"etc/pip/constraint.txt": "# pins\nhelper==1.0\n"}, env={"PIP_CONSTRAINT": "/etc/pip/constraint.txt"})
    where = project({**CODE, "requirements.txt": f"-i {helpers.url()}\nhelper>=2\n"})
    _, r = locked(base, where, check=1)
    assert "the base's /etc/pip/constraint.txt:2 says helper==1.0" in r.stderr
    # An address inside the base, of something that is not there; and addresses that are not asked on a base's word.
    for url in ("file:///opt/helper.whl", "https://10.0.0.1/helper-1.0-py3-none-any.whl", "git+https://h/x", "http://h/helper-1.0-py3-none-any.whl"):
        base = executor({"c.txt": f"helper @ {url}\n"}, env={"PIP_CONSTRAINT": "/c.txt"}, path=True)
        _, r = locked(base, where, check=1)
        assert "the base's /c.txt:1 says helper" in r.stderr
    # One that is, by a base that lies beside it.
    base = executor({"c.txt": f"helper @ http://{helpers.host}/files/helper-1.0-py3-none-any.whl\n"}, env={"PIP_CONSTRAINT": "/c.txt"})
    assert locked(base, project({**CODE, "requirements.txt": f"-i {helpers.url()}\nhelper\n"}))[0] == {"helper": "1.0"}
    # This machine's word goes first, the empty one too.
    assert locked(base, where, env={"PIP_CONSTRAINT": ""})[0] == {"helper": "3.0"}


def test_a_hash_in_the_bases_constraints_makes_all_wanted(executor, locked, project, helpers):
    digest = hashlib.sha256(helpers.files["helper-1.0-py3-none-any.whl"]).hexdigest()
    base = executor({"c.txt": f"helper==1.0 \\\n    --hash=sha256:{digest}\n"}, env={"PIP_CONSTRAINT": "/c.txt"})
    assert locked(base, project({**CODE, "requirements.txt": f"-i {helpers.url()}\nhelper\n"}))[0] == {"helper": "1.0"}
    _, r = locked(base, project({**CODE, "requirements.txt": f"-i {helpers.url()}\nhelper\nother\n"}), check=2)
    assert "the base's /c.txt:1 has hashes, and none for other==1.0" in r.stderr


WRONG = {
    "not there": ("/srv/none.txt", "the base has no such file"),
    "on the network": ("https://example.com/c.txt", "a file on the network is not read"),
    "no list": ("/srv/noise.txt", "/srv/noise.txt:1"),
    "too large": ("/srv/large.txt", "want at most 1 MiB of text"),
    "-r in it": ("/srv/r.txt", "-r and -e are not followed"),
    "a path": ("/srv/path.txt", "/srv/path.txt:1"),
}


@pytest.mark.parametrize("name", WRONG)
def test_constraints_that_cannot_be_followed_are_an_error_with_a_way_out(executor, locked, project, helpers, name):
    at, why = WRONG[name]
    base = executor(
        {
            "srv/noise.txt": "\x01\x02 requirements\n", "srv/r.txt": "-r other.txt\n", "srv/path.txt": "./dist/helper.whl\n",
            "srv/large.txt": "helper<2\n" + "# nothing\n" * 110000,
        },
        env={"PIP_CONSTRAINT": at},
    )  # fmt: skip
    where = project({**CODE, "requirements.txt": f"-i {helpers.url()}\nhelper\n"})
    _, r = locked(base, where, check=2)
    assert why in r.stderr and "\x01" not in r.stderr
    assert locked(base, where, env={"PIP_CONSTRAINT": "/dev/null"})[0] == {"helper": "3.0"}
    # Nobody asks for it where nothing is installed.
    locked(base, project(CODE))


ENV = {"PIP_EXTRA_INDEX_URL": "https://a/s https://geheim:x@b/s", "PIP_FIND_LINKS": "https://geheim@c/"}


def test_the_inventory_of_a_file_says_it_too(autopack, executor, locked, project, helpers, tmp_path):
    base = executor({"etc/pip.conf": "[global]\nconstraint = /srv/c\nindex-url = https://me:geheim@example.com/simple\n", "srv/c": LIMITS}, env=ENV)
    out = tmp_path / "inventory.json"
    autopack("inspect", base, f"--inventory-out={out}")
    said = json.loads(out.read_text())["pip"]
    assert said["settings"] == [
        "/etc/pip.conf", "index-url", "https://@example.com/simple",
        "PIP_EXTRA_INDEX_URL", "extra-index-url", "https://a/s https://@b/s", "PIP_FIND_LINKS", "find-links", "https://@c/",
    ]  # fmt: skip
    assert said["constraints"][:2] == ["/srv/c:3", "helper==2.0"] and "geheim" not in out.read_text()
    where = project({**CODE, "requirements.txt": f"-i {helpers.url()}\nhelper\n"})
    none = {"PIP_EXTRA_INDEX_URL": "", "PIP_FIND_LINKS": ""}
    assert locked(base, where, f"--inventory={out}", env=none)[0] == {"helper": "2.0"}
    assert not [p for p in autopack.cache.rglob("*") if p.is_file() and b"geheim" in p.read_bytes()]
    # One that says nothing of it, on a base that does.
    out.write_text(json.dumps({k: v for k, v in json.loads(out.read_text()).items() if k != "pip"}))
    base = executor({"etc/pip/constraint.txt": LIMITS}, env={"PIP_CONSTRAINT": "/etc/pip/constraint.txt"})
    found, r = locked(base, where, f"--inventory={out}")
    assert found == {"helper": "3.0"} and "PIP_CONSTRAINT is set there" in r.stderr


def test_each_layer_is_read_once_and_records_of_earlier_versions_serve(autopack, executor, locked, project, helpers, registry):
    layers = [{"etc/pip.conf": "[global]\nconstraint = /srv/pinned\n"}, {"srv/pinned": LIMITS}, {"srv/more": "x" * 5000}]
    base, where = executor(*layers), project({**CODE, "requirements.txt": f"-i {helpers.url()}\nhelper\n"})
    blobs = lambda since: [u for m, u, _ in registry.requests(since) if m == "GET" and "/blobs/" in u]  # noqa: E731
    since = len(registry.requests())
    assert locked(base, where)[0] == {"helper": "2.0"}
    read = [u for u in blobs(since)]
    # Four layers and the configuration; the image goes to a layout, which wants the layers again.
    assert max(read.count(u) for u in read) <= 2
    # The record of a version that kept no such file: only those two layers are read again, once.
    records = autopack.cache / "autopack" / "inventory" / "1"
    for r in records.iterdir():
        forget(r, b"etc/pip.conf", b"srv/pinned")
    for again in (2, 0):
        since = len(registry.requests())
        _, r = locked(base, where, "--refresh", "--dry-run=check")
        assert "told 3 constraints" in r.stderr and r.stderr.count("for pip's configuration") == again
        # And the configuration.
        assert len(set(blobs(since))) <= again + 1, blobs(since)


INDEXES = {
    "PIP_EXTRA_INDEX_URL": ([], {"PIP_EXTRA_INDEX_URL": "{url}"}),
    "PIP_INDEX_URL": ([], {"PIP_INDEX_URL": "{url}"}),
    "pip.conf": ([{"etc/pip.conf": "[global]\nextra-index-url =\n  {url}\n"}], {}),
    "a line of the constraints": ([{"c.txt": "--extra-index-url {url}\nhelper<3\n"}], {"PIP_CONSTRAINT": "/c.txt"}),
    "a page of links": ([], {"PIP_FIND_LINKS": "{url}/helper/", "PIP_NO_INDEX": "1"}),
}


@pytest.mark.parametrize("name", INDEXES)
def test_indexes_of_the_base_are_asked_and_get_no_credentials(autopack, executor, locked, project, index, tmp_path, name):
    mine, theirs = index(f"me:{SECRET}"), index()
    theirs.files.update([wheel(tmp_path, "helper", "1.0")])
    mine.files.update([wheel(tmp_path, "other", "1.0")])
    layers, env = INDEXES[name]
    layers = [{k: v.replace("{url}", theirs.url()) for k, v in m.items()} for m in layers]
    base = executor(*layers, env={k: v.replace("{url}", theirs.url()) for k, v in env.items()})
    (autopack.home / ".netrc").write_text(f"machine localhost login me password {SECRET}\n")
    # What this machine says of the other of the two.
    url = mine.url(f"me:{SECRET}@")
    here = {"PIP_EXTRA_INDEX_URL" if env.get("PIP_INDEX_URL") else "PIP_INDEX_URL": url, "NETRC": f"{autopack.home}/.netrc"}
    both = "PIP_NO_INDEX" not in env
    where = project({**CODE, "requirements.txt": "helper\nother\n" if both else "helper\n"})
    found, r = locked(base, where, env=here)
    assert found == {"helper": "1.0", **({"other": "1.0"} if both else {})} and "pip in the base is told" in r.stderr
    assert [p for p, _ in theirs.requests if p.endswith(".whl")]
    assert not [h for _, h in theirs.requests if "Authorization" in h]
    assert SECRET not in json.dumps(theirs.requests) and SECRET not in r.stderr
    if both:
        assert [h for _, h in mine.requests if "Authorization" in h]
    # This machine's word replaces the base's.
    replaced = {"PIP_NO_INDEX": "0", **{v: "" for v in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS")}, "PIP_INDEX_URL": mine.url(f"me:{SECRET}@")}
    asked = len(theirs.requests)
    locked(base, where, "--refresh", env={**replaced, "NETRC": here["NETRC"]}, check=1)
    assert len(theirs.requests) == asked


PROJECT = """[build-system]
requires = ["{backend}"]
build-backend = "{backend}"
[project]
name = "mine"
version = "1.0"
"""
EVIL = "open({marker!r}, 'w').write('x')\ndef build_wheel(*a, **k): raise SystemExit('it ran')\n"


def test_nothing_that_only_the_base_names_is_run_here(executor, locked, project, index, tmp_path):
    mine, theirs = index(), index()
    marker = tmp_path / "it-ran"
    theirs.files.update([(p := support.wheel(tmp_path, "evilbackend", "1.0", {"evilbackend.py": EVIL.format(marker=str(marker))})).name and (p.name, p.read_bytes())])
    theirs.files.update([sdist("helper", "2.0", f"open({str(marker)!r}, 'w')\nfrom setuptools import setup\nsetup()\n")])
    base = executor(env={"PIP_EXTRA_INDEX_URL": theirs.url()})
    here = {"PIP_INDEX_URL": mine.url()}
    # What a project of one's own is built with.
    _, r = locked(base, project({**CODE, "pyproject.toml": PROJECT.format(backend="evilbackend"), "mine.py": ""}), env=here, check=2)
    assert "evilbackend" in r.stderr and not marker.exists()
    assert not [p for p, _ in theirs.requests if "evilbackend" in p] and [p for p, _ in mine.requests if "evilbackend" in p]
    # A source that may be built.
    where = project({**CODE, "requirements.txt": "helper\n"})
    for allow in ("helper", ":all:"):
        _, r = locked(base, where, f"--allow-build={allow}", env=here, check=1)
        assert not marker.exists(), allow
        assert "comes from no place that only the base names" in r.stderr
    assert not [p for p, _ in theirs.requests if p.endswith(".tar.gz")]
    # And one that a constraint of the base leads to.
    base = executor({"c.txt": f"helper @ {theirs.url()[:-7]}/files/helper-2.0.tar.gz\n"}, env={"PIP_CONSTRAINT": "/c.txt"})
    locked(base, where, "--allow-build=helper", env={"PIP_INDEX_URL": theirs.url()}, check=1)
    assert not marker.exists()


REFUSED = {
    "http://pypi.example.com/simple": "want https",
    "https://10.0.0.1/simple": "a private address is not asked on a base's word",
    "http://127.0.0.1:1/simple": "a private address is not asked on a base's word",
    "http://169.254.169.254/simple": "a private address is not asked on a base's word",
    "file:///srv/simple": "want the address of an index",
    "https://0x7f.1/simple": "want the address of an index",
}


@pytest.mark.parametrize("url", REFUSED)
@pytest.mark.parametrize("name", ["PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"])
def test_addresses_that_a_base_may_not_send_us_to(executor, locked, project, helpers, url, name):
    base = executor(env={name: url}, path=True)
    where = project({**CODE, "requirements.txt": "helper\n"})
    _, r = locked(base, where, check=2)
    option = name[4:].lower().replace("_", "-")
    assert f"pip in the base is told {option} = {url} ({name}): {REFUSED[url]}" in r.stderr and f"{name} on this machine" in r.stderr
    here = {"PIP_INDEX_URL": helpers.url(), "PIP_EXTRA_INDEX_URL": ""}
    assert locked(base, where, env=here)[0] == {"helper": "3.0"}


def test_other_settings_of_the_base(executor, locked, project, helpers, tmp_path):
    helpers.files.update([wheel(tmp_path, "helper", "4.0rc1")])
    where = project({**CODE, "requirements.txt": f"-i {helpers.url()}\nhelper\n"})
    assert locked(executor(env={"PIP_PRE": "1"}), where)[0] == {"helper": "4.0rc1"}
    assert locked(executor(env={"PIP_PRE": "0"}), where)[0] == {"helper": "3.0"}
    assert locked(executor(env={"PIP_PRE": "1"}), where, env={"PIP_PRE": "0"})[0] == {"helper": "3.0"}
    _, r = locked(executor(env={"PIP_NO_INDEX": "true"}), where, check=1)
    assert "pip in the base is told no-index = true (PIP_NO_INDEX)" in r.stderr
    # Where nothing else can be done it is said; what decides nothing is not worth a word.
    found, r = locked(
        executor({"etc/pip.conf": "[global]\nuser = yes\nfind-links = /srv/wheels\ntimeout = 9\nprefer-binary = 1\n"}, env={"PIP_NO_CACHE_DIR": "1"}),
        where,
        "--refresh",
    )
    assert found == {"helper": "3.0"}
    assert "pip in the base is told user = yes (/etc/pip.conf), which has no effect here" in r.stderr
    assert "find-links = /srv/wheels (/etc/pip.conf): what lies in the base is not looked into" in r.stderr
    assert not re.search(r"is told (timeout|no-cache-dir|prefer-binary)", r.stderr)


def test_the_same_question_on_another_configuration_is_another_question(executor, locked, project, helpers):
    """A lock is reused for a day: not on the same layers with another word for pip."""
    where = project({**CODE, "requirements.txt": f"-i {helpers.url()}\nhelper\n"})
    files = {"a.txt": "helper<2\n", "b.txt": "helper<3\n"}
    for env, version in ({"PIP_CONSTRAINT": "/a.txt"}, "1.0"), ({"PIP_CONSTRAINT": "/b.txt"}, "2.0"), ({}, "3.0"):
        assert locked(executor(files, env=env), where)[0] == {"helper": version}


ASK_PIP = """
import json, sys
sys.path[:0] = [sys.argv[1]]
from pip._internal.commands import create_command
o, _ = create_command("install").parse_args([])
print(json.dumps({"constraint": o.constraints, "index-url": o.index_url, "extra-index-url": o.extra_index_urls, "no-index": bool(o.no_index)}))
"""
# name: (files, environment); in a root where pip runs.
ASKED = {
    "nothing": ({}, {}),
    "all places": (
        {
            "etc/xdg/pip/pip.conf": "[global]\nindex-url = https://xdg/simple\nextra-index-url = https://x/simple\n",
            "etc/pip.conf": "[global]\nindex-url = https://etc/simple\nconstraint = /c/etc\n",
            "root/.pip/pip.conf": "[install]\nindex-url = https://old/simple\n",
            "root/.config/pip/pip.conf": "[global]\nextra-index-url = https://new/simple\n",
            "usr/pip.conf": "[global]\nindex-url = https://prefix/simple\nconstraint = /c/prefix\n    /c/etc\n",
        },
        {},
    ),
    "a file by name": (
        {"srv/x.conf": "[global]\nindex-url = https://x/simple\n", "root/.config/pip/pip.conf": "[global]\nindex-url = https://new/simple\n"},
        {"PIP_CONFIG_FILE": "/srv/x.conf"},
    ),
    "no file": ({"etc/pip.conf": "[global]\nindex-url = https://etc/simple\n"}, {"PIP_CONFIG_FILE": "/dev/null"}),
    "another home and configuration": (
        {"data/.pip/pip.conf": "[global]\nconstraint = /c/etc\n", "conf/pip/pip.conf": "[global]\nno-index = 1\n", "sys/pip/pip.conf": "[global]\nextra-index-url = https://s/simple\n"},
        {"HOME": "/data", "XDG_CONFIG_HOME": "/conf", "XDG_CONFIG_DIRS": "/none:/sys"},
    ),
    "variables over files": (
        {"etc/pip.conf": "[install]\nconstraint = /c/etc\nextra-index-url = https://etc/simple\nno-index = 1\n"},
        {"PIP_CONSTRAINT": "/c/prefix /c/etc", "PIP_EXTRA_INDEX_URL": "https://a/simple\thttps://b/simple", "PIP_NO_INDEX": "off"},
    ),
    "empty ones are none": (
        {"etc/pip.conf": "[global]\nconstraint = /c/etc\n", "usr/pip.conf": "[global]\nconstraint =\nindex-url = https://p/simple\n"},
        {"PIP_INDEX_URL": "", "PIP_CONSTRAINT": ""},
    ),
}  # fmt: skip


def test_pip_in_the_base_and_autopack_read_the_same_settings(autopack, base, tmp_path):
    layout = oci.Layout(tmp_path / "base")
    root = support.umoci_unpack(f"oci:{base('minbase')}:latest", tmp_path / "root")
    site = next((support.ENV_BIN.parent / "lib").glob("python3*/site-packages/pip"))
    support.run("cp", "-a", site, root / "srv")
    for name, (files, env) in ASKED.items():
        above = {**files, "c/etc": "from-etc==1\n", "c/prefix": "from-prefix==1\n"}
        config = {"Env": ["PATH=/usr/local/bin:/usr/bin:/bin", *[f"{k}={v}" for k, v in env.items()]]}
        layout.tag(layout.image([oci.tar_of_members(above)], config, base=(str(base("minbase")), "latest")), "x")
        autopack("inspect", f"oci:{layout.path}:x", f"--inventory-out={tmp_path}/inventory.json")
        said = json.loads((tmp_path / "inventory.json").read_text())["pip"]
        ours = {n: v for _, n, v in zip(*[iter(said["settings"])] * 3)}
        support.project(root, above)
        run = support.run_in(root, ["/usr/bin/python3", "-c", ASK_PIP, "/srv"], env={"HOME": "/root", "PATH": "/usr/bin:/bin", **env})
        for path in above:
            (root / path).unlink()
        asked = json.loads(run.stdout)
        limits = [w.split(":")[0] for w in said["constraints"][::2]]
        assert {
            "constraint": sorted(limits),
            "index-url": ours.get("index-url", "https://pypi.org/simple"),
            "extra-index-url": ours.get("extra-index-url", "").split(),
            "no-index": ours.get("no-index") in ("1", "true"),
        } == {**asked, "constraint": sorted(asked["constraint"])}, name
    support.remove(tmp_path / "root")


UV = """#!/bin/sh
[ "$1" = --version ] && { echo uv 0.9.0; exit 0; }
cp uv.toml base.toml %s
exit 2
"""


def test_googles_token_is_not_for_what_the_base_names(executor, locked, project, tmp_path):
    token, theirs, ours = "ya29.marker-of-a-token", "us-python.pkg.dev/base/r/simple/", "us-python.pkg.dev/mine/r/simple/"
    for d in ("kept", "bin", "outside"):
        (tmp_path / d).mkdir()
    (tmp_path / "outside/token").write_text(token + "\n")
    (tmp_path / "bin/uv").write_text(UV % (tmp_path / "kept"))
    (tmp_path / "bin/uv").chmod(0o755)
    base = executor(env={"PIP_EXTRA_INDEX_URL": f"https://{theirs}"})
    env = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin", "PIP_INDEX_URL": f"https://{ours}", "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": tmp_path / "outside/token"}
    locked(base, project({**CODE, "requirements.txt": "helper\n"}), env=env, check=1)
    said = (tmp_path / "kept/base.toml").read_text()
    assert f'"https://oauth2accesstoken:{token}@{ours}"' in said and f'["https://{theirs}"]' in said
    assert theirs not in (tmp_path / "kept/uv.toml").read_text()


def forget(record, *paths):
    """Rewrite a record of a layer as one of before: no content for these files."""
    data, at, out = record.read_bytes()[:-71], len(b"autopack layer 1\n"), b"autopack layer 1\n"

    def number():
        nonlocal at
        v = shift = 0
        while True:
            c = data[at]
            at, v, shift = at + 1, v | (c & 127) << shift, shift + 7
            if not c & 128:
                return v

    def text():
        nonlocal at
        n = number()
        at += n + 1
        return data[at - n - 1 : at - 1]

    while at < len(data):
        begin, kind = at, data[at]
        at += 1
        number()
        path = text()
        if kind & 127 in (2, 3):
            text()
        before = at
        if kind & 128:
            text()
        if path in paths:
            out += bytes([kind & 127]) + data[begin + 1 : before]
        else:
            out += data[begin:at]
    record.write_bytes(out + b"sha256:" + hashlib.sha256(out).hexdigest().encode())
