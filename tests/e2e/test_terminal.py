"""What a person sees on a terminal, read from a real one (tmux)."""

import pathlib
import re
import shlex
import subprocess
import time

import pytest

CODE = {"trainer/__init__.py": "", "trainer/task.py": "print('trained')\n"}


class Terminal:
    def __init__(self, tmp, env, columns=100, rows=30):
        self.socket = str(pathlib.Path(tmp) / "tmux")
        self.env = env
        self.tmux("new-session", "-d", "-s", "t", "-x", str(columns), "-y", str(rows), "sh")

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

    def screen(self):
        return [line.rstrip() for line in self.tmux("capture-pane", "-p", "-t", "t").splitlines()]

    def wait(self, pattern, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            text = "\n".join(self.screen())
            if re.search(pattern, text, re.M):
                return text
            time.sleep(0.05)
        raise AssertionError(f"{pattern!r} never came:\n{text}")

    def close(self):
        self.tmux("kill-server")


@pytest.fixture
def terminal(autopack, tmp_path):
    made = []

    def make(**kw):
        made.append(Terminal(tmp_path, autopack.environ({"PS1": "$ ", "LC_ALL": "C.UTF-8"}), **kw))
        return made[-1]

    yield make
    for t in made:
        t.close()


def command(autopack, base, where, out):
    return " ".join(
        [
            shlex.quote(str(autopack.binary)),
            "build",
            f"--executor-image-uri=oci:{base('tiny-python')}:latest",
            f"--local-package-path={where}",
            "--script=trainer/task.py",
            f"--output-image-uri={out}",
        ]
    )


@pytest.mark.parametrize("columns", [100, 40])
def test_the_last_screen_is_the_summary_and_no_bar(autopack, base, project, registry, repo, terminal, columns):
    t = terminal(columns=columns)
    t.send(command(autopack, base, project(CODE), registry.name(repo)) + "; echo status=$?")
    text = t.wait(r"^status=0$")
    assert re.search(r"^time ", text, re.M) and re.search(r"^layers ", text, re.M)
    assert "[###" not in text and "[---" not in text
    assert f"{registry.name(repo)}@sha256:"[:30] in text


def test_a_wrong_flag_shows_one_line(autopack, terminal):
    t = terminal()
    t.send(f"{autopack.binary} build --scirpt=x; echo status=$?")
    text = t.wait(r"^status=2$")
    assert "autopack: error: unknown flag --scirpt; did you mean --script?" in text


def test_control_c_ends_with_130_and_a_clean_screen(autopack, project, terminal, tmp_path):
    import socket

    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen()
    host = f"127.0.0.1:{s.getsockname()[1]}"
    t = terminal()
    t.send(
        f"{autopack.binary} build --executor-image-uri={host}/b --local-package-path={project(CODE)} "
        f"--script=trainer/task.py --output-image-uri={host}/x; echo status=$?"
    )
    t.wait(r"\d\.\d s  0 done")
    t.tmux("send-keys", "-t", "t", "C-c")
    text = t.wait(r"^status=130$", 5)
    assert "autopack: error:" in text
    assert not re.search(r"^ +\d+\.\d s  0 done", text, re.M)
    s.close()


def test_no_color_and_a_dumb_terminal_are_respected(autopack, base, project, registry, repo, terminal):
    t = terminal()
    line = command(autopack, base, project(CODE), registry.name(repo))
    t.send(f"TERM=dumb {line} 2>{autopack.home}/err; NO_COLOR=1 {line} --verbosity=debug; echo status=$?")
    t.wait(r"^status=0$")
    colored = t.tmux("capture-pane", "-p", "-e", "-t", "t")
    assert "\x1b[2m" not in colored and "\x1b[33m" not in colored
    assert "\x1b" not in (autopack.home / "err").read_text()
