"""What the executor image has besides its site directories: PYTHONPATH and .pth files lead pip there, and us."""

import re

import pytest

import support
from support import oci
from test_base_pip import CODE, SITE, executor, forget, helpers, index, locked  # noqa: F401


def at(site, name, version):
    """Members of a distribution in any directory."""
    info = f"{name}-{version}.dist-info"
    return {
        f"{site}/{name}.py": f"VALUE = '{version}'\n",
        f"{site}/{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{site}/{info}/RECORD": f"{name}.py,,\n{info}/METADATA,,\n{info}/RECORD,,\n",
    }


OWN = at("opt/own", "helper", "1.5")  # which no index has
# name: (members, environment)
PLACES = {
    "PYTHONPATH": (OWN, {"PYTHONPATH": "/nowhere:/opt/own/"}),
    "pth": ({**OWN, f"{SITE}/own.pth": "# ours\nimport sys\n/opt/own \n"}, {}),
    "pth, relative and behind a link": (
        {**OWN, "opt/link": oci.Link("own"), f"{SITE}/own.pth": "../../../../opt/link\n"},
        {},
    ),
    "setup.py develop": (
        {
            "opt/own/helper.egg-info/PKG-INFO": "Metadata-Version: 2.1\nName: helper\nVersion: 1.5\n",
            f"{SITE}/helper.egg-link": "/opt/own\n.",
            f"{SITE}/easy-install.pth": "/opt/own\n",
        },
        {},
    ),
}


@pytest.mark.parametrize("name", PLACES)
def test_what_lies_on_the_path_is_not_installed_again(autopack, executor, locked, project, helpers, name, tmp_path):
    members, env = PLACES[name]
    where = project({**CODE, "requirements.txt": f"-i {helpers.url()}\nhelper<2\n"})
    assert locked(executor(), where)[0] == {"helper": "1.0"}
    base = executor(members, env=env)
    assert locked(base, where)[0] == {}
    autopack("inspect", base, f"--inventory-out={tmp_path}/inventory.json")
    assert locked(base, where, f"--inventory={tmp_path}/inventory.json")[0] == {}


@pytest.mark.parametrize(
    "name,members,env",
    [
        ("no directory of a path", OWN, {}),
        ("not there", OWN, {"PYTHONPATH": "/opt/others:opt/own:"}),
        ("code and comments", {**OWN, f"{SITE}/own.pth": "#/opt/own\nimport /opt/own\n"}, {}),
        ("hidden", {**OWN, f"{SITE}/.own.pth": "/opt/own\n"}, {}),
        ("beside PYTHONPATH", {**OWN, "opt/first/own.pth": "/opt/own\n"}, {"PYTHONPATH": "/opt/first"}),
    ],
    ids=lambda v: v.replace(" ", "-") if isinstance(v, str) else "",
)
def test_what_does_not_lie_on_the_path_is_no_part_of_the_base(executor, locked, project, helpers, name, members, env):
    where = project({**CODE, "requirements.txt": f"-i {helpers.url()}\nhelper<2\n"})
    assert locked(executor(members, env=env), where)[0] == {"helper": "1.0"}


def test_what_pythonpath_would_find_first_is_removed_as_pip_does(executor, locked, project, helpers, tmp_path):
    where = project({**CODE, "requirements.txt": f"-i {helpers.url()}\nhelper==2.0\n"})
    base = executor({**OWN, "opt/own/stays.py": ""}, env={"PYTHONPATH": "/opt/own"})
    assert locked(base, where)[0] == {"helper": "2.0"}
    root = support.umoci_unpack(f"oci:{tmp_path}/out:x", tmp_path / "root")
    assert [p.name for p in (root / "opt/own").iterdir()] == ["stays.py"]
    assert (root / SITE / "helper-2.0.dist-info").is_dir()


def test_records_of_earlier_versions_serve(autopack, executor, locked, project, helpers):
    where = project({**CODE, "requirements.txt": f"-i {helpers.url()}\nhelper<2\n"})
    pth = f"{SITE}/own.pth"
    base = executor(OWN, {pth: "/opt/own\n"})
    assert locked(base, where)[0] == {}
    for record in (autopack.cache / "autopack" / "inventory" / "1").iterdir():
        forget(record, pth.encode())
    for again in (1, 0):
        found, r = locked(base, where, "--refresh")
        assert found == {} and len(re.findall(r"for pip's configuration and \.pth", r.stderr)) == again
