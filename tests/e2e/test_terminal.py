"""What a person sees on a terminal, read from a real one (tmux): keys go in, screens come out."""

import contextlib
import json
import re
import shlex
import socket

import pytest

import support
from terminal import Terminal, slow_registry

CODE = {"trainer/__init__.py": "", "trainer/task.py": "print('trained')\n"}


@pytest.fixture
def terminal(autopack, tmp_path):
    made = []

    def make(env=None, **kw):
        made.append(Terminal(tmp_path, autopack.environ({"PS1": "$ ", "LC_ALL": "C.UTF-8", "CI": None, **(env or {})}), **kw))
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


def test_a_persons_first_ten_minutes(autopack, base, project, registry, repo, terminal, tmp_path):
    """Install, doctor, build, edit, build, and the things that go wrong; nothing scrolls off 80x24."""
    where = project(CODE)
    t = terminal(columns=80, rows=24)
    t.run(f"make -s -C {support.ROOT} install MODE={support.MODE} PREFIX=$HOME/.local", 0)
    t.run("PATH=$HOME/.local/bin:$PATH; hash -r", 0)
    assert re.search(r"^autopack \d+\.\d+\.\d+$", t.run("autopack --version", 0), re.M)

    text = t.run(f"autopack doctor --output-image-uri={registry.name(repo)}", 1)
    mend = r"(gcloud config set project |export AUTOPACK_PROJECT=)PROJECT_ID"
    assert re.search(rf"^missing +project +not set$\n^ +-> {mend}$", text, re.M), text
    assert re.search(r"^ok +registry +", text, re.M) and re.search(r"^ok +python +3\.", text, re.M)
    assert not re.search(r"^ +\d+\.\d s", text, re.M)

    t.run(f"cd {where}", 0)
    base_flag = f"--executor-image-uri=oci:{base('tiny-python')}:latest"
    build = f"autopack build {base_flag} --script=trainer/task.py --output-image-uri={registry.name(repo)}:1"
    text = t.run(build, 0)
    [image, digest, layers, code, sent, took, result] = text.rstrip().rsplit("\n", 7)[-7:]
    assert image == f"image    {registry.name(repo)}:1"
    assert re.fullmatch(r"digest   sha256:[0-9a-f]{64}", digest)
    assert layers == "layers   1 added to 2 of the executor image"
    assert re.fullmatch(r" +\d+ bytes  code", code)
    assert re.fullmatch(r"sent     [\d.]+ (bytes|kB) of [\d.]+ (bytes|kB)", sent)
    assert re.fullmatch(r"time     .*\d\.\d\d s in all", took)
    assert len(text.splitlines()) < 24

    t.run("echo 'print(2)' >> trainer/task.py", 0)
    text = t.run(build, 0)
    assert re.search(r"^sent     .*, 2 already there$", text, re.M), text
    text = t.run(build, 0)
    assert "nothing to build or push: made of the same inputs before" in text

    text = t.run(f"{build} --scirpt=trainer/task.py", 2)
    assert text.strip() == "autopack: error: unknown flag --scirpt; did you mean --script?"
    text = t.run(build.replace("task.py", "tusk.py"), 2)
    assert text.strip() == (
        'autopack: error: script "trainer/tusk.py": no such file in the working directory "."; '
        'did you mean "trainer/task.py"?'
    )
    text = t.run(build.replace(registry.host, "127.0.0.1:1"), 1)
    assert re.fullmatch(r"autopack: error: .*127\.0\.0\.1:1: cannot connect: Connection refused", text.strip())


@pytest.mark.parametrize("columns", [100, 40])
def test_the_last_screen_is_the_summary_and_no_bar(autopack, base, project, registry, repo, terminal, columns):
    t = terminal(columns=columns)
    text = t.run(command(autopack, base, project(CODE), registry.name(repo)), 0)
    assert re.search(r"^time ", text, re.M) and re.search(r"^layers ", text, re.M)
    assert "[###" not in text and "[---" not in text
    assert f"{registry.name(repo)}@sha256:"[:30] in text


def test_a_slow_layer_is_shown_live_and_survives_a_resize(autopack, terminal):
    with slow_registry() as image:
        t = terminal(columns=100, rows=24)
        t.send(f"clear; {autopack.binary} inspect {image} --distributions; echo status=$?")
        text = t.wait(r"^inventory layer 1 of 1 +\[#+-+\] \d+ kB of 1\.0 MB, \d+ kB/s$")
        assert len([x for x in text.splitlines() if "layer 1 of 1" in x]) == 1
        t.resize(40, 24)
        text = t.wait(r"^layer 1 of +\d+ kB of 1\.0 MB, \d+ kB/s$")
        assert len([x for x in text.splitlines() if "layer 1 of" in x]) == 1, text
        assert not re.search(r"[#-]{8}", text), text
        t.resize(120, 24)
        text = t.wait(r"^inventory layer 1 of 1 +\[#+-+\]")
        assert len([x for x in text.splitlines() if "layer 1 of 1" in x]) == 1, text
        t.key("C-c")
        text = t.wait(r"^status=130$", 5)
        assert "autopack: error: ended by SIGINT" in text
        assert "layer 1 of 1" not in text


def test_control_c_ends_with_130_and_a_clean_screen(autopack, project, terminal):
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen()
    host = f"127.0.0.1:{s.getsockname()[1]}"
    t = terminal()
    t.send(
        f"clear; {autopack.binary} build --executor-image-uri={host}/b --local-package-path={project(CODE)} "
        f"--script=trainer/task.py --output-image-uri={host}/x; echo status=$?"
    )
    t.wait(r"^ +\d\.\d s  resolve$")
    t.key("C-c")
    text = t.wait(r"^status=130$", 5)
    assert text.split("status=130")[0].replace("^C", "").strip() == "autopack: error: ended by SIGINT"
    s.close()


def test_a_silent_registry_is_waited_for_in_one_line(autopack, project, terminal):
    t = terminal()
    t.send(
        f"clear; {autopack.binary} build --executor-image-uri=127.0.0.1:1/b --local-package-path={project(CODE)} "
        "--script=trainer/task.py --output-image-uri=127.0.0.1:1/x; echo status=$?"
    )
    text = t.wait(r"^waiting   127\.0\.0\.1:1: cannot connect: Connection refused, again in")
    assert len([x for x in text.splitlines() if x.startswith("waiting")]) == 1
    t.wait(r"^status=1$")


def test_long_help_is_paged_from_its_first_screen(autopack, terminal):
    t = terminal(columns=80, rows=24)
    t.send(f"clear; {autopack.binary} build --help; echo status=$?")
    text = t.wait(r"^:$")
    assert text.startswith("usage: autopack build [flags]\n") and "\nexample:\n  autopack build " in text
    t.key("C-c")
    # What is typed before the pager is over the Ctrl-C is lost.
    for attempt in range(10):
        t.send("g/--platform")
        with contextlib.suppress(AssertionError if attempt < 9 else ()):
            t.wait(r"^  --platform=OS/ARCH ", 5)
            break
    t.tmux("send-keys", "-t", "t", "-l", "q")
    t.wait(r"^status=0$")
    # What fits is not paged, nor what a person said not to page, nor where the pager is missing.
    assert t.run(f"{autopack.binary} cache --help", 0).startswith("usage: autopack cache COMMAND\n")
    for setting in ("PAGER=cat", "PAGER=", "PAGER=/no/such/pager", "TERM=dumb"):
        assert "the same as --verbosity=debug" in t.run(f"{setting} {autopack.binary} build --help 2>/dev/null", 0)
    assert "tail of it" in t.run(f"PAGER='sed -n \\$s/.*/tail\\ of\\ it/p' {autopack.binary} build --help", 0)


def test_no_color_and_a_dumb_terminal_are_respected(autopack, base, project, registry, repo, terminal):
    t = terminal()
    line = command(autopack, base, project(CODE), registry.name(repo))
    t.send(f"TERM=dumb {line} 2>{autopack.home}/err; NO_COLOR=1 {line} --verbosity=debug; echo status=$?")
    t.wait(r"^status=0$")
    colored = t.tmux("capture-pane", "-p", "-e", "-t", "t")
    assert "\x1b[2m" not in colored and "\x1b[33m" not in colored
    assert "\x1b" not in (autopack.home / "err").read_text()


@pytest.mark.parametrize("prefix,stamp", [("TERM=dumb", ""), ("CI=1", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ")])
def test_a_dumb_terminal_and_ci_get_lines(autopack, base, project, registry, repo, terminal, prefix, stamp):
    line = command(autopack, base, project(CODE), registry.name(repo))
    t = terminal()
    t.send(f"clear; {prefix} script -qec {shlex.quote(line)} {autopack.home}/typescript; echo status=$?")
    text = t.wait(r"^status=0$")
    assert re.search(rf"^{stamp}digest   sha256:", text, re.M), text
    assert "\x1b[" not in (autopack.home / "typescript").read_text(errors="replace")


SHELLS = {
    "bash": ("bash --norc", "PS1='$ '; source <(autopack completion bash)"),
    "zsh": (
        "zsh -f",
        "PS1='$ '; mkdir f; autopack completion zsh > f/_autopack; fpath=($PWD/f $fpath); "
        "autoload -Uz compinit; compinit -u -d $PWD/dump",
    ),
    "fish": ("fish --no-config", "function fish_prompt; echo -n '$ '; end; autopack completion fish | source"),
}


@pytest.mark.parametrize("shell", SHELLS)
def test_tab_completes_commands_flags_values_and_files(autopack, terminal, tmp_path, shell):
    command, setup = SHELLS[shell]
    (tmp_path / "trainer").mkdir()
    (tmp_path / "trainer" / "task.py").write_text("")
    t = terminal(shell=command.split(), env={"PATH": f"{autopack.binary.parent}:/usr/bin:/bin"})
    t.send(f"cd {tmp_path}")
    t.send(setup)
    for typed, want in (
        ("autopack custom-jobs cr", "autopack custom-jobs create"),
        ("autopack build --executor", "autopack build --executor-image-uri"),
        ("autopack build --compression=z", "autopack build --compression=zstd"),
        ("autopack build --script=trai", "autopack build --script=trainer/"),
        ("autopack build --local-package-path trai", "autopack build --local-package-path trainer/"),
        ("autopack custom-jobs create --region=me-w", "autopack custom-jobs create --region=me-west1"),
        ("autopack build --platform=linux/ar", "autopack build --platform=linux/arm64"),
        ("autopack build --sign-key=trai", "autopack build --sign-key=trainer/"),
        ("autopack build --sbom=cy", "autopack build --sbom=cyclonedx"),
        ("autopack inspect --report=trai", "autopack inspect --report=trainer/"),
        ("autopack completion z", "autopack completion zsh"),
    ):
        t.send("clear")
        t.wait(r"\A\$\s*\Z")
        t.tmux("send-keys", "-t", "t", "-l", typed)
        t.wait(r"\A\$ " + re.escape(typed))
        t.key("Tab")
        t.wait(r"\A\$ " + re.escape(want), 20)
        t.key("C-u")


def test_a_google_key_with_a_password_is_refused_and_not_asked_for(autopack, terminal, tmp_path):
    pem = tmp_path / "key.pem"
    support.run("openssl", "genrsa", "-aes128", "-passout", "pass:secret", "-out", pem, "2048")
    key = {"type": "service_account", "client_email": "sa@p.iam.gserviceaccount.com", "private_key": pem.read_text()}
    (tmp_path / "key.json").write_text(json.dumps(key))
    t = terminal(env={"GOOGLE_APPLICATION_CREDENTIALS": tmp_path / "key.json"}, rows=24)
    text = t.run(f"{autopack.binary} custom-jobs list --project=p --region=us-central1", 2, seconds=20)
    assert "is not an RSA key in PEM form" in text and "pass phrase" not in text
