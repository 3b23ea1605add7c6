"""Every command line of README.md is run: against a loopback registry and a stand-in for the service."""

import http.server
import json
import re
import subprocess
import threading

import pytest

import support
from support import ROOT

REGISTRY_IN_README = "europe-west4-docker.pkg.dev/my-project"
# Run by CI itself, not from inside a test.
ELSEWHERE = {"make setup", "make"}


def blocks():
    """Each ```sh block: its command lines, continuation lines joined."""
    for body in re.findall(r"^```sh\n(.*?)^```$", (ROOT / "README.md").read_text(), re.M | re.S):
        lines = body.replace("\\\n", " ").splitlines()
        yield [re.sub(r"\s+", " ", line[2:]).strip() for line in lines if line.startswith("$ ")]


@pytest.fixture
def service():
    """Answers custom job creation as the service does, and keeps the bodies."""
    bodies = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            bodies.append((self.path, self.headers["Authorization"], body))
            answer = {"name": "projects/1/locations/europe-west4/customJobs/42", "state": "JOB_STATE_PENDING", **body}
            data = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.bodies = bodies
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def reader(autopack, registry, base, service, tmp_path):
    """Runs one command line as a reader of README.md would, names of registries made local."""
    registry.push_layout(base("debian"), "latest", "team/executor", "1")
    where = support.project(
        tmp_path / "reader", {"trainer/train.py": "import six\nprint('ran')\n", "trainer/requirements.txt": "six\n"}
    )
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "autopack").symlink_to(support.BINARY)
    token = tmp_path / "token"
    token.write_text("ya29.reader")
    env = autopack.environ(
        {
            "PATH": f"{tmp_path / 'bin'}:{autopack.env['PATH']}",
            "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": str(token),
            "AUTOPACK_AIPLATFORM_ENDPOINT": f"http://127.0.0.1:{service.server_port}",
        }
    )

    def go(command, cwd=where):
        command = command.replace(REGISTRY_IN_README, registry.host)
        p = subprocess.run(
            ["bash", "-euc", command], cwd=cwd, env=env, capture_output=True, text=True, timeout=300,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert p.returncode == 0, f"{command}\nstatus {p.returncode}\n{p.stdout}\n{p.stderr}"
        return p.stdout

    go.where, go.env = where, env
    return go


def test_every_command_of_the_readme_runs(reader, registry, service, unpack):
    ran = 0
    for commands in blocks():
        for command in commands:
            if command in ELSEWHERE:
                continue
            # Everything is built already; installing must need nothing more.
            cwd = ROOT if command.startswith("make ") else reader.where
            out = reader(command + (f" MODE={support.MODE}" if command.startswith("make ") else ""), cwd)
            ran += 1
            if " --dry-run" in command and "--format" not in command:
                assert json.loads(out)["displayName"] == "train"
            elif "--dockerfile=-" in command:
                assert out.startswith("FROM ")
            elif command.startswith("autopack custom-jobs create") and "--dry-run" not in command:
                assert out == "projects/1/locations/europe-west4/customJobs/42\n"
    assert ran >= 8
    (path, authorization, body) = service.bodies[-1]
    assert path == "/v1/projects/my-project/locations/europe-west4/customJobs"
    assert authorization == "Bearer ya29.reader"
    uri = body["jobSpec"]["workerPoolSpecs"][0]["containerSpec"]["imageUri"]
    assert re.fullmatch(re.escape(registry.host) + r"/team/train@sha256:[0-9a-f]{64}", uri)
    p = support.run_image(uri, None, rootfs=unpack(uri))
    assert p.stdout == "ran\n"


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
    for room in ("base", "deps", "pack", "attest", "registry", "dockerfile", "vertex", "cli", "tests", "fixtures"):
        assert f"| `{room}/` |" in (ROOT / "README.md").read_text()
