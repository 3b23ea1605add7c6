"""autopack inspect: what an image is made of, as text, JSON and a page of HTML."""

import collections
import html.parser
import json
import re
import struct
import zlib

import pytest

import support

CODE = {"trainer/__init__.py": "", "trainer/task.py": "print('trained')\n"}


def made(autopack, base, project, tmp_path, where=None):
    where = where or project(CODE)
    (where / "dist").mkdir()
    support.wheel(where / "dist", "helper", "1.0", {"helper/__init__.py": "x = '<b>&'\n" * 5000})
    autopack(
        "build",
        f"--executor-image-uri=oci:{base('minbase')}:latest",
        f"--local-package-path={where}",
        "--script=trainer/task.py",
        "--extra-packages=dist/helper-1.0-py3-none-any.whl",
        f"--image=oci:{tmp_path}/out",
    )
    return f"oci:{tmp_path}/out"


def test_inspect_agrees_with_skopeo(autopack, base, project, tmp_path):
    image = made(autopack, base, project, tmp_path)
    mine = autopack("inspect", image, "--format=json").json()
    theirs = support.skopeo_inspect(f"{image}:latest")
    assert mine["digest"] == theirs["Digest"]
    assert [x["digest"] for x in mine["layers"]] == theirs["Layers"]
    assert mine["config"]["Entrypoint"] == support.skopeo_inspect(f"{image}:latest", config=True)["config"]["Entrypoint"]
    assert [x["origin"] for x in mine["layers"]][-2:] == ["added", "added"] and mine["layers"][0]["origin"] == "base"
    text = autopack("inspect", image).stdout
    assert theirs["Digest"] in text
    assert re.search(r"^added +sha256:[0-9a-f]{12} +\d+ bytes  code$", text, re.M)
    assert re.search(r"^layers +\d+ of the base, .*; 2 added, ", text, re.M)


def test_distributions_are_named_with_their_layer_and_size(autopack, base, project, tmp_path):
    image = made(autopack, base, project, tmp_path)
    layers = autopack("inspect", image, "--distributions", "--format=json").json()["layers"]
    [layer] = [x for x in layers if "helper" in (x["createdBy"] or "")]
    [share] = layer["shares"]
    assert share["name"] == "helper 1.0" and share["distribution"]
    assert share["bytes"] > 5000 * 9
    assert any(s["name"].startswith("pip ") for x in layers for s in x["shares"] if s["distribution"])


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.links = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [v for k, v in attrs if k in ("src", "href")]


def test_the_report_is_one_file_that_loads_nothing(autopack, base, project, tmp_path):
    image = made(autopack, base, project, tmp_path)
    autopack("inspect", image, f"--report={tmp_path}/r.html")
    text = (tmp_path / "r.html").read_text()
    page = Page()
    page.feed(text)
    assert page.links == [] and "script" not in page.tags and "url(" not in text
    assert page.tags.count("svg") == 2 and page.tags.count("rect") > 5
    assert "helper 1.0" in text


def pixels(png):
    """The colours of a PNG of 8 bits a channel: {(r, g, b): how many}."""
    data, at = b"", 8
    while at < len(png):
        n, kind = struct.unpack(">I4s", png[at : at + 8])
        body = png[at + 8 : at + 8 + n]
        if kind == b"IHDR":
            width, height, depth, color = struct.unpack(">IIBB", body[:10])
            assert depth == 8 and color in (2, 6)
        data += body if kind == b"IDAT" else b""
        at += 12 + n
    step = 3 if color == 2 else 4
    raw, line, out = zlib.decompress(data), bytearray(width * step), collections.Counter()
    for y in range(height):
        start = y * (1 + width * step)
        how, above, line = raw[start], line, bytearray(raw[start + 1 : start + 1 + width * step])
        for x in range(len(line)):
            a = line[x - step] if x >= step else 0
            b, c = above[x], above[x - step] if x >= step else 0
            paeth = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
            line[x] = (line[x] + (0, a, b, (a + b) // 2, paeth)[how]) & 255
        out.update(tuple(line[x : x + 3]) for x in range(0, len(line), step))
    return out


@pytest.mark.full
def test_a_browser_shows_the_report(autopack, base, project, tmp_path):
    image = made(autopack, base, project, tmp_path)
    autopack("inspect", image, f"--report={tmp_path}/r.html")
    flags = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync --hide-scrollbars --window-size=500,900"
    ).split()
    browser = ["chromium", *flags, f"--user-data-dir={tmp_path}/profile"]
    dom = support.run(*browser, "--dump-dom", f"file://{tmp_path}/r.html").stdout
    page = Page()
    page.feed(dom)
    assert page.tags.count("svg") == 2, "the whole, and what was added"
    assert page.tags.count("rect") > 5
    for words in ("What was added to the executor image", "helper 1.0", "<td class=\"w\">added</td><td>code</td>"):
        assert words in dom
    support.run(*browser, f"--screenshot={tmp_path}/r.png", f"file://{tmp_path}/r.html")
    colors = pixels((tmp_path / "r.png").read_bytes())
    total = sum(colors.values())
    assert total == 500 * 900
    painted = [c for c, n in colors.items() if n > total // 1000 and max(c) - min(c) > 8]
    assert len(painted) >= 3, "at least three layers or kinds have a colour of their own"
    assert sum(n for c, n in colors.items() if c != (255, 255, 255)) > total / 5


def test_what_an_image_says_of_itself_is_escaped(autopack, tmp_path):
    layout = support.oci.Layout(tmp_path / "evil")
    tars = [support.oci.tar_of_members({"usr": support.oci.Dir(0o755), "usr/<script>alert(1)</script>": "x"})]
    layout.tag(layout.image(tars, {"Labels": {"x": "</pre><script>alert(2)</script>"}, "Env": ["PATH=/bin"]}), "latest")
    autopack("inspect", f"oci:{tmp_path}/evil", f"--report={tmp_path}/r.html")
    assert "<script" not in (tmp_path / "r.html").read_text()


def test_an_inventory_file_spares_reading_the_base(autopack, base, project, tmp_path, registry, repo):
    ref = base.push("minbase")
    autopack("inspect", ref, f"--inventory-out={tmp_path}/inv.json")
    assert json.loads((tmp_path / "inv.json").read_text())
    where = project(CODE)
    (where / "dist").mkdir()
    support.wheel(where / "dist", "helper", "1.0", {"helper/__init__.py": ""})
    flags = [
        f"--executor-image-uri={ref}",
        f"--local-package-path={where}",
        "--script=trainer/task.py",
        "--extra-packages=dist/helper-1.0-py3-none-any.whl",
    ]
    other = support.Autopack(tmp_path / "other")
    before = len(registry.requests())
    r = other("build", *flags, f"--inventory={tmp_path}/inv.json", f"--output-image-uri={registry.name(repo)}")
    layers = {x["digest"] for x in autopack("inspect", ref, "--format=json").json()["layers"]}
    read = [u for m, u, _ in registry.requests(before) if m == "GET" and any(d in u for d in layers)]
    assert not [u for u in read if "/base/minbase/" in u]
    plain = autopack("build", *flags, f"--output-image-uri={registry.name(repo)}x")
    assert plain.digest == r.digest


@pytest.mark.parametrize("name", ["minbase", "venv"])
def test_pip_inspect_in_the_base_serves_as_inventory(autopack, base, project, tmp_path, name):
    """No layer is read, and the root file system is the one that a reading leads to."""
    layout = base(name)
    root = support.umoci_unpack(f"oci:{layout}:latest", tmp_path / "base")
    env = dict(e.split("=", 1) for e in support.skopeo_inspect(f"oci:{layout}:latest", config=True)["config"]["Env"])
    said = support.run_in(root, ["python3", "-m", "pip", "inspect"], env=env).stdout
    (tmp_path / "pip.json").write_text(said)
    where = project(CODE)
    (where / "dist").mkdir()
    helper = support.wheel(
        where / "dist", "helper", "1.0", {"helper/__init__.py": ""}, entry_points="[console_scripts]\nhelp-me = helper:main\n"
    )
    trees = []
    for flags in ([f"--inventory={tmp_path}/pip.json"], []):
        r = autopack(
            "build", f"--executor-image-uri=oci:{layout}:latest", f"--local-package-path={where}", "--script=trainer/task.py",
            f"--extra-packages=dist/{helper.name}", f"--image=oci:{tmp_path}/image{len(trees)}:x", *flags,
        )  # fmt: skip
        assert ("reading" in r.stderr) == (not flags)
        trees.append(support.tree(support.umoci_unpack(f"oci:{tmp_path}/image{len(trees)}:x", tmp_path / f"out{len(trees)}")))
    assert trees[0] == trees[1]
    assert any(p.endswith("bin/help-me") for p in trees[0])


def test_pip_inspect_does_not_say_what_to_remove(autopack, base, project, tmp_path):
    site = "/opt/py/lib/python3.11/site-packages"
    told = {
        "version": "1",
        "pip_version": "24.0",
        "installed": [
            {"metadata": {"name": n, "version": "1.0"}, "metadata_location": f"{site}/{n}-1.0.dist-info", "installer": "pip"}
            for n in ("pip", "helper")
        ],
        "environment": {
            "implementation_name": "cpython", "sys_platform": "linux", "platform_machine": "x86_64",
            "python_full_version": "3.11.2",
        },
    }  # fmt: skip
    (tmp_path / "pip.json").write_text(json.dumps(told))
    where = project(CODE)
    support.wheel(where, "helper", "2.0", {"helper/__init__.py": ""})
    flags = [
        f"--executor-image-uri=oci:{base('minbase')}:latest", f"--local-package-path={where}", "--script=trainer/task.py",
        "--extra-packages=helper-2.0-py3-none-any.whl", f"--image=oci:{tmp_path}/image:x", f"--inventory={tmp_path}/pip.json",
    ]  # fmt: skip
    r = autopack("build", *flags, check=1)
    assert "cannot replace helper 1.0 of the base: pip inspect does not say what its files are" in r.stderr
    told["environment"]["sys_platform"] = "darwin"
    (tmp_path / "pip.json").write_text(json.dumps(told))
    assert 'run on "darwin", want it run in the executor image' in autopack("build", *flags, check=2).stderr


def test_a_missing_image_is_status_1(autopack, registry, tmp_path):
    r = autopack("inspect", registry.name("no/such"), check=1)
    assert "no/such" in r.stderr and r.stdout == ""
    assert re.search("nowhere", autopack("inspect", f"oci:{tmp_path}/nowhere", check=2).stderr)
