"""A real terminal (tmux) for tests: keys go in, screens come out."""

import contextlib
import http.server
import pathlib
import re
import subprocess
import threading
import time

import support


class Terminal:
    def __init__(self, tmp, env, columns=100, rows=30, shell=("sh",)):
        self.socket = str(pathlib.Path(tmp) / "tmux")
        self.env = env
        self.n = 0
        self.tmux("new-session", "-d", "-s", "t", "-x", str(columns), "-y", str(rows), *shell)

    def tmux(self, *argv):
        return subprocess.run(
            ["tmux", "-S", self.socket, "-f", "/dev/null", *argv],
            capture_output=True,
            text=True,
            check=True,
            env={**self.env, "TERM": "xterm-256color"},
        ).stdout

    def send(self, line):
        self.tmux("send-keys", "-t", "t", "-l", line)
        self.tmux("send-keys", "-t", "t", "Enter")

    def key(self, name):
        self.tmux("send-keys", "-t", "t", name)

    def resize(self, columns, rows):
        self.tmux("resize-window", "-t", "t", "-x", str(columns), "-y", str(rows))

    def screen(self):
        """Its lines, those joined that the terminal had to wrap."""
        return [line.rstrip() for line in self.tmux("capture-pane", "-p", "-J", "-t", "t").splitlines()]

    def wait(self, pattern, seconds=60):
        """The screen's text once the pattern is on it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            text = "\n".join(self.screen())
            if re.search(pattern, text, re.M):
                return text
            time.sleep(0.05)
        raise AssertionError(f"{pattern!r} never came:\n{text}")

    def run(self, line, status, seconds=120):
        """The screen that one command leaves behind, from its first line to its exit status."""
        self.n += 1
        self.send(f"clear; {line}; echo end-{self.n} status=$?")
        text = self.wait(rf"^end-{self.n} status=\d+$", seconds)
        before, _, after = text.partition(f"end-{self.n} status=")
        assert after.split()[0] == str(status), f"{line}\n{text}"
        return before

    def close(self):
        self.tmux("kill-server")


@contextlib.contextmanager
def slow_registry(blob=1 << 20, piece=4096, pause=0.02):
    """A registry that serves one image, its layer in small pieces; yields the image's name."""
    layer = bytes(blob)
    config = b'{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:' + b"0" * 64 + b'"]}}'

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self, body, kind="application/octet-stream"):
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "HEAD":
                return
            with contextlib.suppress(OSError):
                for i in range(0, len(body), piece):
                    self.wfile.write(body[i : i + piece])
                    time.sleep(pause if len(body) == blob else 0)

        def do_GET(self):
            if "/manifests/" in self.path:
                return self.answer(manifest, "application/vnd.oci.image.manifest.v1+json")
            return self.answer(config if support.hashlib.sha256(config).hexdigest() in self.path else layer if "/blobs/" in self.path else b"{}")

        do_HEAD = do_GET

        def log_message(self, *args):
            pass

    def desc(kind, data):
        digest = "sha256:" + support.hashlib.sha256(data).hexdigest()
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": digest, "size": len(data)}

    manifest = support.json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": desc("config.v1+json", config),
            "layers": [desc("layer.v1.tar", layer)],
        }
    ).encode()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}/slow/image:1"
    finally:
        server.shutdown()
        server.server_close()
