"""README.md and docs/: every command line is run, against a loopback registry and a stand-in for the service.

In a ```sh block a line that begins with "$ " is a command; lines below it are what it prints, "..." standing for
anything.  A block behind a line that ends with "`NAME`:" is the file of that name.
"""

import json
import re
import subprocess
import sys

import pytest

import support
from support import ROOT

sys.path.insert(0, str(ROOT / "tests" / "server"))
import vertex as stand_in  # noqa: E402
import vertex_types  # noqa: E402

sys.path.insert(0, str(ROOT / "packaging"))
import flags as flags_page  # noqa: E402

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
REGISTRY_IN_PAGES = "europe-west4-docker.pkg.dev/my-project"
# Run by another test, or by CI itself.
ELSEWHERE = {
    "make setup": ".ci/run",
    "make": ".ci/run",
    "make deb": "test_packages.py",
    "make tarball": "test_packages.py",
    "make image": "test_packages.py",
    "sudo apt-get install ./build/packages/autopack_*.deb": "test_packages.py",
    "python3 -m pip install uv": "tests/tools/setup.sh",
    "gcloud auth application-default login": "test_doctor_cache.py",
}


def parts(page):
    """("file", name, text) and ("sh", [(command, printed lines)]) of a page, in its order."""
    fence = r"(?:^[^\n]*`(?P<name>[\w./-]+)`:\n\n)?^```(?P<kind>\w*)\n(?P<body>.*?)^```$"
    for m in re.finditer(fence, page.read_text(), re.M | re.S):
        if m["kind"] == "sh":
            commands = []
            for line in m["body"].replace("\\\n", " ").splitlines():
                if line.startswith("$ "):
                    commands.append((re.sub(r"\s+", " ", line[2:]).strip(), []))
                else:
                    assert commands, f"{page.name}: {line!r} stands before any command"
                    commands[-1][1].append(line)
            yield "sh", commands
        elif m["name"]:
            yield "file", m["name"], m["body"]


def commands_of(page):
    return [c for kind, *rest in parts(page) if kind == "sh" for c, _ in rest[0]]


def pattern(lines):
    """Printed lines as a regular expression; "..." is anything within a line, or any lines when it stands alone."""
    return "".join("(?:.*\\n)*" if line == "..." else re.escape(line).replace(re.escape("..."), ".*") + "\\n" for line in lines)


@pytest.fixture(scope="module")
def types():
    t = vertex_types.Types()
    yield t
    t.close()


@pytest.fixture
def service(types):
    v = stand_in.Vertex(check=types)
    yield v
    v.stop()


@pytest.fixture
def reader(autopack, registry, base, service, tmp_path):
    """Does what a page says as its reader would, names of registries made local; returns [(command, stdout)]."""
    registry.push_layout(base("debian"), "latest", "team/executor", "1")
    where = support.project(
        tmp_path / "reader", {"trainer/train.py": "import six\nprint('ran')\n", "trainer/requirements.txt": "six\n"}
    )
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "autopack").symlink_to(support.BINARY)
    token = tmp_path / "token"
    token.write_text("fake-access-token")
    env = autopack.environ({**service.environment(token), "PATH": f"{tmp_path / 'bin'}:{autopack.env['PATH']}"})
    del env["CLOUDSDK_CORE_PROJECT"]

    def local(text):
        return text.replace(REGISTRY_IN_PAGES, registry.host)

    def go(page):
        script, wanted = [], []
        for kind, *rest in parts(page):
            if kind == "file":
                name, text = rest
                support.project(where, {f".pages/{len(script)}": local(text)})
                script.append(f'mkdir -p "$(dirname "{name}")"; cp "{where}/.pages/{len(script)}" "{name}"')
                continue
            for command, printed in rest[0]:
                if command in ELSEWHERE:
                    continue
                wanted.append((command, [local(line) for line in printed]))
                script.append(f"printf '\\n@@@ {len(wanted) - 1}\\n'; printf '\\n+ %s\\n' {len(wanted) - 1} >&2")
                # Everything is built already; installing must need nothing more.
                made = re.sub(r"^make ", f"make -s -C {ROOT} MODE={support.MODE} ", command)
                script.append(local(made))
        p = subprocess.run(
            ["bash", "-eu"], input="\n".join(script) + "\n", cwd=where, env=env, capture_output=True, text=True, timeout=600
        )
        out = re.split(r"^@@@ \d+\n", p.stdout, flags=re.M)[1:]
        last = wanted[len(out) - 1][0] if out else "(nothing)"
        assert p.returncode == 0 and len(out) == len(wanted), f"{page.name}: {last}\nstatus {p.returncode}\n{p.stdout}\n{p.stderr}"
        ran = []
        for i, (command, printed) in enumerate(wanted):
            got = out[i][:-1] if i + 1 < len(wanted) else out[i]
            if printed:
                assert re.fullmatch(pattern(printed), got), f"{page.name}: {command}\nprints\n{got}\nnot\n" + "\n".join(printed)
            ran.append((command, got))
        return ran

    go.where, go.env = where, env
    return go


@pytest.mark.parametrize("page", [p for p in PAGES if set(commands_of(p)) - set(ELSEWHERE)], ids=lambda p: p.name)
def test_every_command_of_a_page_runs(page, reader, service, registry):
    ran = reader(page)
    assert ran
    for command, out in ran:
        if " --dry-run" in command and "--format" not in command and "custom-jobs create" in command:
            assert json.loads(out)["displayName"]
        elif "--dockerfile=-" in command:
            assert out.startswith("FROM ")
        elif command.startswith("autopack build ") and "--image" not in command and "--dry-run" not in command:
            assert re.fullmatch(re.escape(registry.host) + r"/[\w./-]+@sha256:[0-9a-f]{64}\n", out), command


def test_the_job_of_the_readme_is_the_image_that_was_pushed(reader, service, registry, unpack):
    reader(ROOT / "README.md")
    sent = service.sent[-1]
    assert sent.path == "/v1/projects/my-project/locations/europe-west4/customJobs"
    uri = sent.body["jobSpec"]["workerPoolSpecs"][0]["containerSpec"]["imageUri"]
    assert re.fullmatch(re.escape(registry.host) + r"/team/train@sha256:[0-9a-f]{64}", uri)
    assert support.run_image(uri, None, rootfs=unpack(uri)).stdout == "ran\n"


def test_what_is_not_run_here_is_run_elsewhere():
    for command, where in ELSEWHERE.items():
        path = ROOT / where if "/" in where else ROOT / "tests/e2e" / where
        assert path.is_file(), command
    assert not set(ELSEWHERE) - {c for p in PAGES for c in commands_of(p)}, "no page says it any more"


def test_links_between_pages_lead_somewhere():
    def anchors(text):
        heads = re.findall(r"^#+ (.*)$", text, re.M)
        return {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in heads}

    for page in [*PAGES, *(ROOT / "packaging").glob("*.md")]:
        for target in re.findall(r"\]\(([^)]+)\)", re.sub(r"```.*?```", "", page.read_text(), flags=re.S)):
            path, _, anchor = target.partition("#")
            to = (page.parent / path).resolve() if path else page
            assert to.exists(), f"{page.name}: {target}"
            assert not anchor or anchor in anchors(to.read_text()), f"{page.name}: {target}"
    linked = set(re.findall(r"\]\((docs/[^)#]+)\)", (ROOT / "README.md").read_text()))
    assert linked == {str(p.relative_to(ROOT)) for p in PAGES[1:]}, "README.md links every page"


# ---- messages ----


def messages():
    """Every string of the program, adjacent ones joined, what is filled in later as NUL."""
    string = r'"((?:[^"\\\n]|\\.)*)"'
    out = set()
    for path in (p for room in ("base", "deps", "pack", "attest", "registry", "vertex", "cli") for p in (ROOT / room).glob("*.c")):
        # A macro between two strings is a string, too.
        for run in re.findall(rf"{string.replace('(', '(?:', 1)}(?:\s*(?:[A-Za-z_]\w*\s*)?{string.replace('(', '(?:', 1)})*", path.read_text()):
            text = re.sub(r'"\s+"', "", run)
            text = re.sub(r'"\s*[A-Za-z_]\w*\s*"', "\0", text)[1:-1]
            text = re.sub(r"%[-+ #0]*[\d.*]*(?:hh|h|ll|l|z|j)?[diouxXscpfg\0]", "\0", text)
            out.add(text.replace('\\"', '"').replace("\\n", "\n").replace("%%", "%"))
    return out


def wraps():
    """What ap_err_wrap() puts before a message, where it is a plain string."""
    rooms = ("base", "deps", "pack", "attest", "registry", "vertex", "cli")
    texts = (p.read_text() for room in rooms for p in (ROOT / room).glob("*.c"))
    return {w for text in texts for w in re.findall(r'ap_err_wrap\(\w+, "([^"%]+)"\)', text)}


def test_each_quoted_message_is_one_of_the_program():
    page = (ROOT / "docs/troubleshooting.md").read_text()
    quoted = re.findall(r"^### `(.*)`$", page, re.M)
    assert len(quoted) >= 30 and len(quoted) == len(re.findall("^### ", page, re.M))
    known = messages()
    before = wraps()
    for message in quoted:
        if message.split(": ")[0] in before:
            message = message.split(": ", 1)[1]
        pieces = [re.escape(piece) for piece in message.split("...")]
        assert sum(map(len, pieces)) >= 10, message
        assert any(re.search(".*".join(pieces), k) for k in known), f"no message says {message!r} any more"


# ---- flags ----


def every_flag(autopack):
    """{command: {flag}}, --no-flag too, from the tables by way of --help."""
    out = {}
    for path, text in flags_page.leaves(str(autopack.binary)):
        found = re.findall(r"^  (?:-\w, )?--(\[no-\])?([a-z][a-z-]*)", text, re.M)
        out[path] = {name for _, name in found} | {f"no-{name}" for no, name in found if no}
    return out


def test_the_page_of_flags_is_the_programs_own(autopack):
    assert flags_page.page(str(autopack.binary)) == (ROOT / "docs/flags.md").read_text(), "make docs writes it anew"


def test_every_flag_is_in_help_manual_completion_and_docs(autopack, tmp_path):
    support.run("bash", ROOT / "packaging/install.sh", "install", support.BINARY, tmp_path)
    manual = support.run("man", "-l", tmp_path / "share/man/man1/autopack.1", env={"MANWIDTH": "120", "PATH": "/usr/bin:/bin"}).stdout
    manual = re.sub(r".\x08", "", manual)
    page = (ROOT / "docs/flags.md").read_text()
    scripts = {shell: autopack("completion", shell).stdout for shell in ("bash", "zsh", "fish")}
    flags = every_flag(autopack)
    assert len(flags) > 25 and "executor-image-uri" in flags["build"] and "no-vcs-labels" in flags["build"]
    shared = page[page.index("\n## Every command") :]
    for path, names in flags.items():
        in_manual = re.search(rf"^AUTOPACK {re.escape(path.upper())}$(.*?)(?=^AUTOPACK |^EXIT STATUS)", manual, re.M | re.S).group(1)
        in_page = re.search(rf"^## {re.escape(path)}$(.*?)^## ", page, re.M | re.S).group(1) + shared
        known = {
            shell: re.search(rf"^\t'autopack {re.escape(path)}'\) known='([^']*)'", scripts[shell], re.M).group(1).split()
            for shell in ("bash", "zsh")
        }
        for name in names:
            plain = name[3:] if name.startswith("no-") and name[3:] in names else name
            spelled = f"--[no-]{plain}" if f"no-{plain}" in names else f"--{plain}"
            assert re.search(rf"{re.escape(spelled)}(?![a-z-])", in_manual), (path, name, "manual")
            assert re.search(rf"{re.escape(spelled)}(?![a-z-])", in_page), (path, name, "docs/flags.md")
            for shell, words in known.items():
                assert f"--{name}" in words or f"--{name}=" in words, (path, name, shell)
            assert f"'__autopack_at \"autopack {path}\"' -l {name} " in scripts["fish"], (path, name, "fish")


def test_the_table_of_commands_is_the_programs_own(autopack):
    def walk(words):
        text = autopack(*words, "--help").stdout
        m = re.search(r"^commands:\n((?:  .*\n)+)", text, re.M)
        if not m:
            return {" ".join(words)}
        names = re.findall(r"^  ([a-z][a-z-]*)(?:  |$)", m.group(1), re.M)
        return set().union(*(walk([*words, n]) for n in names))

    table = re.search(r"^\| command \|.*?\n\n", (ROOT / "README.md").read_text(), re.M | re.S).group(0)
    written = set()
    for cell in re.findall(r"^\| `((?:[^`|]|\\\|)+)` \|", table, re.M):
        first, *rest = cell.split(" ", 1)
        written.update(f"{first} {verb}" for verb in rest[0].replace("\\", "").split("|")) if rest else written.add(first)
    assert written == walk([])


def test_the_map_names_every_room():
    for room in ("base", "deps", "pack", "attest", "registry", "dockerfile", "vertex", "cli", "packaging", "docs", "tests", "fixtures"):
        assert f"| `{room}/` |" in (ROOT / "README.md").read_text()


def spans(page):
    """What stands in backticks in running text."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S))


@pytest.mark.parametrize("page", [p for p in PAGES if p.name != "flags.md"], ids=lambda p: p.name)
def test_flags_and_variables_that_a_page_names_are_there(page, autopack):
    gcloud = json.loads((ROOT / "fixtures/gcloud-flags.json").read_text())
    known = set().union(*every_flag(autopack).values())
    if page.name == "migrate-from-gcloud.md":
        known |= set(gcloud["everywhere"]).union(*gcloud["commands"].values())
    keys = {r["key"].upper().replace("-", "_") for r in autopack("config", "--format=json").json()}
    sources = "".join(p.read_text() for p in (ROOT / "cli").glob("*.c"))
    for text in spans(page):
        # Other programs' flags stand behind their names.
        for flag in re.findall(r"--([a-z][a-z-]+)", text) if re.match(r"--|autopack ", text) else []:
            assert flag in known, f"{page.name}: `{text}`"
        for name in re.findall(r"\bAUTOPACK_([A-Z_]+[A-Z])\b", text):
            assert name in keys or f'"AUTOPACK_{name}"' in sources, f"{page.name}: `{text}`"


# ---- gcloud ----


def table_of_gcloud(heading, page):
    """{flag or key: what is here} of the tables below a heading."""
    body = re.search(rf"^### {re.escape(heading)}\n(.*?)(?=^##|\Z)", page, re.M | re.S).group(1)
    return dict(re.findall(r"^\| `(?:--)?([a-z-]+)` \| (.*) \|$", body, re.M))


def test_each_flag_of_gcloud_is_told_and_is_here(autopack):
    page = (ROOT / "docs/migrate-from-gcloud.md").read_text()
    gcloud = json.loads((ROOT / "fixtures/gcloud-flags.json").read_text())
    assert f"gcloud {gcloud['gcloud']}" in page
    ours = every_flag(autopack)
    headings = re.findall(r"^### (.*)$", page, re.M)
    everywhere = table_of_gcloud("Every command", page)
    assert sorted(everywhere) == gcloud["everywhere"]

    def heading_of(command):
        noun, verb = command.split()
        return next(h for h in headings if h == command or (noun in h.split(":")[0] and verb in re.findall(r"[a-z-]+", h.partition(":")[2])))

    def compare(told, flags, known, command):
        assert set(flags) <= set(told), command
        for flag in flags:
            assert (flag in known) != told[flag].startswith("not here"), (command, flag)

    for command, flags in gcloud["commands"].items():
        compare(table_of_gcloud(heading_of(command), page), flags, ours[command], command)
        compare(everywhere, [f for f in gcloud["everywhere"] if f != "format"], ours[command], command)
    # A key is here when the help of the flag names it.
    for where, keys in gcloud["keys"].items():
        command, flag = where.rsplit(" ", 1)
        text = " ".join(autopack(*command.split(), "--help").stdout.split())
        named = re.search(rf"{flag}=KEY=VALUE(.*?) --", text).group(1)
        section = re.search(rf"^### {command}\n(.*?)(?=^###)", page, re.M | re.S).group(1)
        for key in keys:
            assert re.search(rf"\b{key}\b", named) and f"`{key}`" in section, (command, key)
