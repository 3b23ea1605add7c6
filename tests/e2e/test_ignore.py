"""What goes into an image and what is left out, beside docker's and git's own answers."""

import gzip
import http.server
import io
import json
import os
import pathlib
import random
import tarfile
import threading

import pytest

import support

SEED = int(os.environ.get("IGNORE_SEED", "20240101"))
NAMES = ["a", "b", "ab", "data", "a.txt", "b.txt", "x.py", ".hidden", "a b", "é"]
PARTS = ["a", "b", "ab", "data", "*", "**", "?", "*.txt", "a*", "[ab]", "[a-b]b", "[^a]", "*.py", ".*", "a b", "é", "\\*"]


def files_of(layout):
    """Files and links below /usr/app in an image that autopack wrote as OCI layout with one layer more than its base."""
    layout = pathlib.Path(layout)
    blob = lambda d: (layout / "blobs/sha256" / d["digest"][7:]).read_bytes()  # noqa: E731
    manifest = json.loads(blob(json.loads((layout / "index.json").read_text())["manifests"][0]))
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(blob(manifest["layers"][-1])))) as t:
        return {m.name[len("usr/app/") :] for m in t if m.name.startswith("usr/app/") and not m.isdir()}


@pytest.fixture
def packed(autopack, base, tmp_path):
    count = iter(range(10000))

    def go(where, *flags, script="task.py"):
        out = tmp_path / f"out{next(count)}"
        r = autopack(
            "build",
            f"--executor-image-uri=oci:{base('tiny-python')}:latest",
            f"--local-package-path={where}",
            f"--script={script}",
            f"--image=oci:{out}:t",
            *flags,
        )
        return files_of(out), r

    return go


def random_tree(rng, top, depth=0):
    for name in rng.sample(NAMES, rng.randint(1, 5)):
        if depth < 3 and "." not in name[1:] and rng.random() < 0.6:
            (top / name).mkdir()
            random_tree(rng, top / name, depth + 1)
        else:
            (top / name).write_text("x")


def random_pattern(rng, docker):
    before = rng.choice(["", "", "", "!", "/", "!/"])
    # docker's older client, which sends the context here, brings back below a directory
    # that is left out only what a "!" without stars names; BuildKit, and we, whatever matches.
    parts = NAMES if docker and "!" in before else PARTS
    text = "/".join(rng.choice(parts) for _ in range(rng.choice([1, 1, 1, 2, 2, 3])))
    return before + text + rng.choice(["", "", "", "/"])


def make_case(where, seed, name):
    rng = random.Random(f"{SEED}-{seed}")
    where.mkdir(parents=True)
    random_tree(rng, where)
    (where / "task.py").write_text("print(1)\n")
    text = "\n".join(random_pattern(rng, name == ".dockerignore") for _ in range(rng.randint(1, 5))) + "\n"
    (where / name).write_text(text)
    return text


class Daemon(http.server.ThreadingHTTPServer):
    """As much of dockerd as `docker build` talks to before it has sent its context."""

    def __init__(self):
        outer = self
        self.contexts = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def reply(self, status, body=b"", kind="application/json"):
                self.send_response(status)
                self.send_header("Api-Version", "1.41")
                self.send_header("Builder-Version", "1")
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def do_HEAD(self):
                self.reply(200)

            def do_GET(self):
                self.reply(200, b"OK" if self.path.endswith("/_ping") else b"{}")

            def do_POST(self):
                body = b""
                while True:  # chunked
                    n = int(self.rfile.readline().split(b";")[0], 16)
                    body += self.rfile.read(n)
                    self.rfile.readline()
                    if n == 0:
                        break
                outer.contexts.append(body)
                self.reply(200, b'{"stream":"done"}\n')

            def log_message(self, *args):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def context(self, where):
        """The files that docker's client sends for a directory, by its .dockerignore."""
        before = len(self.contexts)
        env = {**os.environ, "DOCKER_BUILDKIT": "0", "DOCKER_HOST": f"tcp://127.0.0.1:{self.server_port}"}
        for name in ("DOCKER_CONTEXT", "DOCKER_TLS_VERIFY"):
            env.pop(name, None)
        support.run("docker", "build", "-f-", where, env=env, input="FROM scratch\n")
        data = self.contexts[before]
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        # The client does not fill up its last block, the Dockerfile.
        with tarfile.open(fileobj=io.BytesIO(data + bytes(2048))) as t:
            return {m.name for m in t if not m.isdir() and not m.name.startswith(".dockerfile.")}


@pytest.fixture(scope="module")
def daemon():
    d = Daemon()
    yield d
    d.shutdown()
    d.server_close()


def check_docker(daemon, packed, tmp_path, seed):
    where = tmp_path / f"tree{seed}"
    text = make_case(where, seed, ".dockerignore")
    # Named, or sent by docker for its own use.
    aside = {"task.py", ".dockerignore"}
    assert packed(where)[0] - aside == daemon.context(where) - aside, f"seed {seed}: {text!r}"


def check_git(packed, tmp_path, seed):
    where, store = tmp_path / f"worktree{seed}", tmp_path / f"git{seed}"
    text = make_case(where, seed, ".gitignore")
    git = ["git", f"--git-dir={store}", f"--work-tree={where}"]
    support.run("git", "init", "-q", "--bare", store)
    support.run("git", "--git-dir", store, "config", "core.bare", "false")
    listed = support.run(*git, "ls-files", "-z", "--others", f"--exclude-from={where}/.gitignore", cwd=where).stdout
    aside = {"task.py"}
    mine, _ = packed(where, f"--ignore-file={where}/.gitignore")
    assert mine - aside == set(filter(None, listed.split("\0"))) - aside, f"seed {seed}: {text!r}"


def test_dockerignore_leaves_out_what_docker_leaves_out(daemon, packed, tmp_path):
    for seed in range(40):
        check_docker(daemon, packed, tmp_path, seed)


def test_gitignore_leaves_out_what_git_leaves_out(packed, tmp_path):
    for seed in range(40):
        check_git(packed, tmp_path, seed)


@pytest.mark.full
def test_many_more_random_ignore_files(daemon, packed, tmp_path):
    for seed in range(1000, 1500):
        check_docker(daemon, packed, tmp_path, seed)
        check_git(packed, tmp_path, seed)


WRITTEN = {
    "task.py": "print(1)\n",
    "README.md": "r",
    "docs/a.md": "m",
    "docs/keep.md": "m",
    "data/train/x.csv": "1",
    "data/test/x.csv": "1",
    "src/pkg/mod.py": "1",
    "src/pkg/mod.tmp": "1",
}
IGNORE_FILES = [
    "*.md\n!README.md\n",
    "**/*.md\n!**/keep.md\n",
    "*\n!src\n",
    "data\n!data/train/x.csv\n",
    "data/**\n!data/test\n",
    "# comment\n\n  docs  \n",
    "/docs\n./data/\nsrc/../README.md\n",
    "src/*/mod.???\n",
    "s[a-z]c\n",
    "\ufeffdocs\n",
    "docs\r\ndata\r\n",
]


@pytest.mark.parametrize("text", IGNORE_FILES)
def test_written_dockerignore_leaves_out_what_docker_leaves_out(daemon, packed, project, text):
    where = project({**WRITTEN, ".dockerignore": text})
    aside = {"task.py", ".dockerignore"}
    assert packed(where)[0] - aside == daemon.context(where) - aside


@pytest.mark.parametrize("text", ["*\n!src/**/*.py\n", "**\n!**/*.py\n"])
def test_an_exception_with_stars_reaches_below_what_is_left_out(packed, project, text):
    """As BuildKit has it; docker's older client would lose the file."""
    assert packed(project({**WRITTEN, ".dockerignore": text}))[0] == {"task.py", "src/pkg/mod.py"}


def test_what_is_left_out_is_counted_and_named(packed, project):
    where = project({**WRITTEN, ".dockerignore": "data\n*.md\n", "venv/pyvenv.cfg": "", ".git": "gitdir: nowhere\n"})
    files, r = packed(where)
    assert files == {".dockerignore", "task.py", "docs/a.md", "docs/keep.md", "src/pkg/mod.py", "src/pkg/mod.tmp"}
    assert "4 left out: .git, README.md, data/, venv/" in r.stderr


def test_named_paths_are_never_left_out(packed, project):
    where = project({**WRITTEN, ".dockerignore": "data\n**/*.py\n"})
    files, _ = packed(where, "--extra-dirs=data", script="src/pkg/mod.py")
    assert files == {"src/pkg/mod.py", "src/pkg/mod.tmp"}
    files, _ = packed(where, "--extra-dirs=docs,src", script="task.py")
    assert "task.py" in files


def test_gcloudignore_follows_its_include(packed, project):
    where = project({**WRITTEN, ".gcloudignore": "#!include:.gitignore\n*.csv\n", ".gitignore": "*.md\n"})
    files, _ = packed(where, f"--ignore-file={where}/.gcloudignore")
    assert files == {"task.py", ".gcloudignore", ".gitignore", "src/pkg/mod.py", "src/pkg/mod.tmp"}


@pytest.mark.parametrize(
    "text,words",
    [("a\n[b\n", '.dockerignore:2: pattern "[b"'), ("!\n", '.dockerignore:1: "!" without a pattern')],
)
def test_a_bad_pattern_names_file_and_line(autopack, base, project, text, words):
    where = project({**WRITTEN, ".dockerignore": text})
    r = autopack(
        "build",
        f"--executor-image-uri=oci:{base('tiny-python')}:latest",
        f"--local-package-path={where}",
        "--script=task.py",
        "--image=oci:out",
        "--dry-run",
        check=2,
    )
    assert words in r.stderr
    assert r.stdout == ""
