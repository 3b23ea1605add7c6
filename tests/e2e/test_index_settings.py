"""Where packages are looked for: autopack understands pip.conf and PIP_* as the pinned pip does."""

import json
import os
import tomllib

import pytest

import support

# pip's own reading of its configuration, for `pip install` without arguments.
ASK_PIP = """
import json, os, sys
sys.path[:0] = [sys.argv[1]]
from pip._internal.commands import create_command
o, _ = create_command("install").parse_args([])
links = [os.path.normpath(os.path.join(os.getcwd(), os.path.expanduser(l))) if "://" not in l else l for l in o.find_links]
print(json.dumps({
    "index": None if o.no_index else o.index_url, "extra": o.extra_index_urls, "links": links, "hosts": o.trusted_hosts,
    "no-index": bool(o.no_index), "pre": bool(o.pre), "cert": o.cert and os.path.abspath(o.cert),
    "keyring": o.keyring_provider in ("subprocess", "import"),
}))
"""

# Stands in for uv: keeps what it was given, and has no answer.
STAND_IN = """#!/bin/sh
[ "$1" = --version ] && { echo uv 0.9.0; exit 0; }
cp uv.toml %(kept)s/seen.toml
env >%(kept)s/seen.env
exit 2
"""

PYPI = "https://pypi.org/simple"
HOME, XDG, XDG2, VENV, CWD = "user", "xdg", "xdg2", "venv", "cwd"

# name: (files by place, environment); {top} is the directory that holds the places.
CASES = {
    "nothing": ({}, {}),
    "old and new place of the user's": (
        {
            f"{HOME}/.pip/pip.conf": "[global]\nindex-url = https://old/simple\nextra-index-url = https://kept/simple\n",
            f"{HOME}/.config/pip/pip.conf": "[global]\nindex-url = https://new/simple\n",
        },
        {},
    ),
    "XDG_CONFIG_HOME": (
        {f"{XDG}/pip/pip.conf": "[global]\nindex-url = https://xdg/simple\n", f"{HOME}/.config/pip/pip.conf": "[global]\npre = 1\n"},
        {"XDG_CONFIG_HOME": "{top}/xdg"},
    ),
    "XDG_CONFIG_DIRS": (
        {
            f"{XDG}/pip/pip.conf": "[global]\nindex-url = https://first/simple\nno-index = false\n",
            f"{XDG2}/pip/pip.conf": "[global]\nindex-url = https://second/simple\n",
        },
        {"XDG_CONFIG_DIRS": "{top}/xdg:{top}/xdg2"},
    ),
    "the active environment's": (
        {f"{VENV}/pip.conf": "[global]\nindex-url = https://venv/simple\n", f"{HOME}/.pip/pip.conf": "[global]\nindex-url = https://user/simple\n"},
        {},
    ),
    "a named file in place of the user's": (
        {
            f"{CWD}/mine.conf": "[global]\nextra-index-url = https://mine/simple\n",
            f"{HOME}/.pip/pip.conf": "[global]\nindex-url = https://user/simple\n",
            f"{VENV}/pip.conf": "[global]\nextra-index-url = https://venv/simple\n",
        },
        {"PIP_CONFIG_FILE": "{top}/cwd/mine.conf"},
    ),
    "a named file that is not there": (
        {f"{HOME}/.pip/pip.conf": "[global]\nindex-url = https://user/simple\n"},
        {"PIP_CONFIG_FILE": "{top}/cwd/none.conf"},
    ),
    "no file at all": ({f"{HOME}/.pip/pip.conf": "[global]\nindex-url = https://user/simple\n"}, {"PIP_CONFIG_FILE": "/dev/null"}),
    "[install] after [global], whatever their order": (
        {
            f"{HOME}/.pip/pip.conf": "[install]\nindex-url = https://install/simple\n[global]\nindex-url = https://global/simple\n",
            f"{VENV}/pip.conf": "[global]\nindex-url = https://later-global/simple\n[download]\nindex-url = https://download/simple\n",
        },
        {},
    ),
    "colons, underscores, capitals, dashes": (
        {f"{HOME}/.pip/pip.conf": "[global]\nIndex_URL: https://h/simple?a=b\n--trusted-host : h\nPRE=on\n"},
        {},
    ),
    "indented": ({f"{HOME}/.pip/pip.conf": "[global]\n  index-url = https://one/simple\n  extra-index-url = https://two/simple\n  pre = 0\n"}, {}),
    "many lines and comments": (
        {
            f"{HOME}/.pip/pip.conf": "# top\n; top\n[global]\nextra-index-url =\n    https://one/simple\n    # not this\n\n"
            "    https://two/simple https://three/simple\ntrusted-host =\n  one\n  two:8080\n"
        },
        {},
    ),
    "CRLF": ({f"{HOME}/.pip/pip.conf": "[global]\r\nindex-url = https://crlf/simple\r\nextra-index-url =\r\n  https://x/simple\r\n"}, {}),
    "empty values are none": (
        {f"{HOME}/.pip/pip.conf": "[global]\nindex-url = https://user/simple\nfind-links = /l\n", f"{VENV}/pip.conf": "[global]\nindex-url =\n"},
        {"PIP_FIND_LINKS": ""},
    ),
    "PIP_* over files": (
        {f"{HOME}/.pip/pip.conf": "[install]\nindex-url = https://user/simple\nextra-index-url = https://x/simple\npre = true\nno-index = true\n"},
        {"PIP_INDEX_URL": "https://env/simple", "PIP_EXTRA_INDEX_URL": "https://a/simple https://b/simple", "PIP_PRE": "0", "PIP_NO_INDEX": "false"},
    ),
    "paths from here and from home": (
        {f"{HOME}/.pip/pip.conf": "[global]\nfind-links =\n  wheels\n  ~/wheels\n  https://h/links/\ncert = ca.pem\n", f"{CWD}/ca.pem": ""},
        {},
    ),
    "no-index": ({}, {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "./w ../v"}),
    "keyring": ({f"{HOME}/.pip/pip.conf": "[global]\nkeyring-provider = subprocess\n"}, {}),
    "keyring off": ({f"{HOME}/.pip/pip.conf": "[global]\nkeyring-provider = subprocess\n"}, {"PIP_KEYRING_PROVIDER": "disabled"}),
}


@pytest.fixture
def places(tmp_path):
    """A home, configuration directories, a virtual environment and a working directory."""
    for d in (HOME, XDG, XDG2, CWD, "kept", "bin"):
        (tmp_path / d).mkdir()
    support.run("/usr/bin/python3", "-m", "venv", "--without-pip", tmp_path / VENV)
    return tmp_path


def ours(autopack, base, project, places, env):
    uv = places / "bin" / "uv"
    uv.write_text(STAND_IN % {"kept": places / "kept"})
    uv.chmod(0o755)
    (places / "inventory.json").write_text(json.dumps(support.INVENTORY))
    where = project({"trainer/task.py": "", "requirements.txt": "six\n"})
    autopack(
        "build", f"--executor-image-uri=oci:{base('tiny-python')}:latest", f"--local-package-path={where}", "--script=trainer/task.py",
        f"--image=oci:{places}/out:x", f"--inventory={places}/inventory.json",
        cwd=places / CWD, env={**env, "PATH": f"{places}/bin:/usr/bin:/bin"}, check=1,
    )  # fmt: skip
    seen = tomllib.loads((places / "kept/seen.toml").read_text())
    variables = dict(l.split("=", 1) for l in (places / "kept/seen.env").read_text().splitlines() if "=" in l)
    return {
        "index": None if seen.get("no-index") else seen.get("index-url", PYPI),
        "extra": seen.get("extra-index-url", []),
        "links": [l if "://" in l else os.path.normpath(l) for l in seen.get("find-links", [])],
        "hosts": seen.get("allow-insecure-host", []),
        "no-index": seen.get("no-index", False),
        "pre": seen.get("prerelease") == "allow",
        "cert": variables.get("SSL_CERT_FILE"),
        "keyring": variables.get("UV_KEYRING_PROVIDER") == "subprocess",
    }


@pytest.mark.parametrize("name", CASES)
def test_pip_and_autopack_read_the_same_settings(autopack, base, project, places, name):
    files, variables = CASES[name]
    for path, text in files.items():
        (places / path).parent.mkdir(parents=True, exist_ok=True)
        (places / path).write_text(text)
    none = [k for k in autopack.env if k.startswith(("PIP_", "UV_", "SSL_CERT", "XDG_CONFIG", "REQUESTS_CA"))]
    env = {k: None for k in none} | {"HOME": places / HOME, "VIRTUAL_ENV": places / VENV}
    env |= {k: v.replace("{top}", str(places)) for k, v in variables.items()}
    site = next((support.ENV_BIN.parent / "lib").glob("python3*/site-packages"))
    asked = support.run(
        places / VENV / "bin/python", "-c", ASK_PIP, site, cwd=places / CWD, env={k: str(v) for k, v in env.items() if v is not None}
    )
    assert ours(autopack, base, project, places, env) == json.loads(asked.stdout)


@pytest.mark.parametrize("netrc", [False, True], ids=["", "netrc"])
def test_an_index_of_googles_gets_the_token_and_no_other_does(autopack, base, project, places, netrc):
    token = "ya29.marker-of-a-token"
    (places / "outside").mkdir()
    (places / "outside/token").write_text(token + "\n")
    (places / "outside/netrc").write_text("machine europe-west4-python.pkg.dev login me password mine\n" if netrc else "")
    google, other = "europe-west4-python.pkg.dev/project/repository/simple/", "pkg.dev.example.com/simple/"
    env = {
        "PIP_CONFIG_FILE": "/dev/null", "PIP_INDEX_URL": f"https://{google}", "NETRC": places / "outside/netrc",
        "PIP_EXTRA_INDEX_URL": f"https://{other} https://me:mine@us-{google} http://{google}",
        "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": places / "outside/token",
    }  # fmt: skip
    seen = ours(autopack, base, project, places, env)
    assert seen["index"] == ("https://" if netrc else f"https://oauth2accesstoken:{token}@") + google
    assert seen["extra"] == [f"https://{other}", f"https://me:mine@us-{google}", f"http://{google}"]
    kept = [p for p in places.rglob("*") if p.is_file() and not p.is_symlink() and token.encode() in p.read_bytes()]
    assert {p.parent.name for p in kept} <= {"outside", "kept"}
