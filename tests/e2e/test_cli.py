"""The command line itself: help, version, completion, exit statuses, streams."""

import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

import support

CODE = {"trainer/__init__.py": "", "trainer/task.py": "print('trained')\n"}


def commands(autopack, path=()):
    """Every command of the tree with its help text, found by reading the help."""
    text = autopack(*path, "--help").stdout
    yield path, text
    m = re.search(r"^commands:\n((?:  .*\n)+)", text, re.M)
    for line in m.group(1).splitlines() if m else []:
        word = re.match(r"  (\S+)", line)
        if word and not line.startswith("   "):
            yield from commands(autopack, (*path, word.group(1)))


def test_every_level_has_help_and_an_example(autopack):
    seen = dict(commands(autopack))
    assert {("build",), ("custom-jobs",), ("custom-jobs", "create"), ("copy",), ("config",)} <= set(seen)
    for path, text in seen.items():
        assert text.startswith(f"usage: autopack{''.join(' ' + p for p in path)}")
        if "commands:" not in text:
            assert "example:" in text, path
            assert "\n".join(text.splitlines()[:24]).count("example:") == 1, f"{path}: not on the first screen"


@pytest.mark.parametrize("words", [[], ["build"], ["custom-jobs"], ["custom-jobs", "create"]])
def test_help_may_stand_in_front(autopack, words):
    assert autopack("help", *words).stdout == autopack(*words, "--help").stdout


def test_no_heading_of_the_help_is_empty(autopack):
    for path, text in commands(autopack):
        assert not re.search(r"^[a-z][a-z ]*:\n(?!  )", text, re.M), path


def test_the_first_screen_of_help_says_what_it_is_and_shows_an_example(autopack):
    for path, text in commands(autopack):
        lines = text.splitlines()
        assert max(map(len, lines)) <= 80, (path, [x for x in lines if len(x) > 80])
        screen = lines[:23]
        if "commands:" in text:
            assert len(lines) <= 24 or "commands:" in screen, path
            continue
        start = screen.index("example:") + 1
        example = screen[start : screen.index("", start)]
        assert example[0].startswith(f"  autopack {' '.join(path)}"), path
        assert all(x.startswith("  ") for x in example)


@pytest.mark.parametrize(
    "argv,words",
    [
        (["custom-jobs", "create", "--machine-type=n1-standard-4"], "--worker-pool-spec=machine-type=X"),
        (["hp-tuning-jobs", "create", "--script=task.py"], "--worker-pool-spec=script=X"),
        (["build", "--base-image=python"], "its name is --executor-image-uri"),
        (["build", "--display-name=x"], "autopack custom-jobs create"),
        (["custom-jobs", "list", "--flatten=x"], "--format=json"),
    ],
)
def test_a_flag_that_is_elsewhere_is_answered_with_its_place(autopack, argv, words):
    r = autopack(*argv, check=2)
    assert words in r.stderr and r.stdout == ""


def test_version_is_one_line(autopack):
    assert re.fullmatch(r"autopack \d+\.\d+\.\d+\n", autopack("--version").stdout)


@pytest.mark.parametrize(
    "argv,word",
    [
        ([], "wants a command"),
        (["custom-jobs"], "wants a command"),
        (["biuld"], "autopack build"),
        (["custom-job", "create"], "autopack custom-jobs"),
        (["ai", "custom-jobs", "create"], "autopack custom-jobs"),
        (["push"], '"autopack copy"'),
        (["custom-jobs", "run"], '"autopack custom-jobs local-run"'),
        (["build", "--executor-image"], "--executor-image-uri"),
        (["build", "--container-image-uri=x"], '"autopack custom-jobs create" has it'),
        (["build", "--platform=linux/amd46", "--image=oci:x", "--executor-image-uri=oci:b"], "did you mean linux/amd64?"),
        (["build", "--platform=linux/aarch64", "--image=oci:x", "--executor-image-uri=oci:b"], "did you mean linux/arm64?"),
        (["build", "--platform=darwin/arm64", "--image=oci:x", "--executor-image-uri=oci:b"], "did you mean linux/arm64?"),
        (["completion", "tcsh"], "bash, zsh or fish"),
        (["copy", "oci:a"], "SOURCE DEST"),
        (["copy", "oci:a", "oci-archive:/nowhere/x.tar"], 'DEST: "/nowhere" is no directory'),
        (["copy", "oci:a", "oci:b", "--digest-file=/nowhere/x"], '--digest-file: "/nowhere" is no directory'),
        (["copy", "oci:a", "oci:b"], "oci layout a: no such directory"),
        (["copy", "oci:/etc", "oci:b"], "/etc holds no OCI layout"),
        (["inspect", "oci:a", "--report=/nowhere/x"], '--report: "/nowhere" is no directory'),
        (["inspect", "oci:a", "--inventory-out=/nowhere/x"], '--inventory-out: "/nowhere" is no directory'),
        (["inspect", "oci:a", "--publish=x/UPPER"], "--publish=x/UPPER: image reference"),
        (["inspect", "oci:a", "--publish=oci:b"], "--publish=oci:b: want a registry's repository"),
        (["build"], "--executor-image-uri is missing"),
    ],
)
def test_a_wrong_word_is_status_2_with_what_was_meant(autopack, argv, word):
    r = autopack(*argv, check=2)
    assert r.stdout == ""
    assert word in r.stderr


def test_global_flags_may_stand_before_the_command(autopack):
    r = autopack("--project", "p1", "config", "--format=value(value)", "--quiet")
    assert r.stdout.splitlines()[0] == "p1"


def test_a_full_standard_output_is_status_1(autopack):
    with open("/dev/full", "w") as full:
        p = subprocess.run(
            [str(autopack.binary), "--help"], stdout=full, stderr=subprocess.PIPE, text=True, env=autopack.environ()
        )
    assert p.returncode == 1
    assert "standard output" in p.stderr


def test_config_shows_each_value_and_where_it_came_from(autopack, project):
    where = project({"pyproject.toml": '[tool.autopack]\nplatform = "linux/arm64"\n'})
    rows = {
        r["key"]: r
        for r in autopack("config", "--format=json", cwd=where, env={"AUTOPACK_REGION": "us-west1"}).json()
    }
    assert rows["platform"]["value"] == "linux/arm64" and "pyproject.toml" in rows["platform"]["from"]
    assert rows["region"]["value"] == "us-west1" and rows["region"]["from"] == "AUTOPACK_REGION"
    assert rows["project"]["from"] == "not set"
    table = autopack("config", cwd=where).stdout
    assert table.splitlines()[0].split() == ["KEY", "VALUE", "FROM"]


@pytest.mark.parametrize(
    "text,word",
    [
        ("[tool.autopack]\nplatfrom = 1\n", '"platform"'),
        ("[tool.autopack]\nplatform = 1\n", "wants a string"),
        ('[tool.autopack]\ncompression = "xz"\n', "gzip|zstd"),
        ("[tool.autopack\n", "line 1"),
    ],
)
def test_a_wrong_setting_is_named(autopack, project, text, word):
    where = project({"pyproject.toml": text})
    r = autopack("config", cwd=where, check=2)
    assert word in r.stderr and "pyproject.toml" in r.stderr


def complete_bash(autopack, line):
    script = f"""
source <({autopack.binary} completion bash)
COMP_LINE={line!r}
COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'
IFS=$'\\n' read -d '' -ra COMP_WORDS < <(python3 - "$COMP_LINE" <<'P'
import re, sys
for w in re.findall(r'=|[^ =]+|(?<= )$', sys.argv[1]):
    print(w)
P
)
[[ $COMP_LINE == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
compopt() {{ :; }}
_autopack
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    return subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, env=autopack.environ(), cwd=autopack.home
    ).stdout.split()


@pytest.mark.parametrize(
    "line,want",
    [
        ("autopack bu", {"build"}),
        ("autopack custom-jobs cr", {"create"}),
        ("autopack build --executor", {"--executor-image-uri="}),
        ("autopack build --dry-run=", {"plan", "check", "pushed"}),
        ("autopack build --compression=z", {"zstd"}),
        ("autopack build --progress js", {"json"}),
        ("autopack completion z", {"zsh"}),
        ("autopack custom-jobs create --no-enable-w", {"--no-enable-web-access"}),
    ],
)
def test_bash_completes_commands_flags_and_values(autopack, line, want):
    assert set(complete_bash(autopack, line)) == want


def test_completion_scripts_parse_and_name_every_flag(autopack):
    scripts = {shell: autopack("completion", shell).stdout for shell in ("bash", "zsh", "fish")}
    subprocess.run(["bash", "-n"], input=scripts["bash"], text=True, check=True)
    for path, text in commands(autopack):
        for flag in re.findall(r"^  (?:-\w, )?--(?:\[no-\])?([a-z-]+)", text, re.M):
            assert f"--{flag}" in scripts["bash"] and f"--{flag}" in scripts["zsh"], (path, flag)
            assert f"-l {flag} " in scripts["fish"], (path, flag)


@pytest.mark.parametrize(
    "line,want",
    [
        ("autopack bu", {"build"}),
        ("autopack custom-jobs cr", {"create"}),
        ("autopack build --compression ", {"gzip", "zstd"}),
        ("autopack build --executor", {"--executor-image-uri"}),
        ("autopack completion ", {"bash", "zsh", "fish"}),
    ],
)
def test_fish_completes_commands_flags_and_values(autopack, line, want):
    script = autopack("completion", "fish").stdout + f"\ncomplete -C {line!r}\n"
    r = support.run("fish", "--no-config", input=script, env=autopack.environ({"PATH": f"{autopack.binary.parent}:/usr/bin:/bin"}))
    assert {row.split("\t")[0] for row in r.stdout.splitlines()} == want
    assert r.stderr == ""


def test_man_shows_every_command_and_flag_of_the_help(autopack, tmp_path):
    page = support.run("/usr/bin/python3", support.ROOT / "packaging/manpage.py", autopack.binary).stdout
    (tmp_path / "autopack.1").write_text(page)
    env = autopack.environ({"MANWIDTH": "100", "MAN_KEEP_FORMATTING": None, "MANROFFOPT": None, "LC_ALL": "C.UTF-8"})
    p = support.run("man", "--warnings=w", "-l", tmp_path / "autopack.1", env=env)
    assert p.stderr == ""
    shown = re.sub(r".\x08", "", p.stdout)
    plain = " ".join(shown.split())
    for row in autopack("config", "--format=json").json():
        assert "AUTOPACK_" + row["key"].upper().replace("-", "_") in plain, row["key"]
    for path, text in commands(autopack):
        if path:
            assert f"AUTOPACK {' '.join(path).upper()}" in shown
        for flag in re.findall(r"^  (?:-\w, )?(--(?:\[no-\])?[a-z-]+)", text, re.M):
            assert flag in shown, (path, flag)


def silent_server():
    """Takes connections and never answers."""
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen()
    return s


@pytest.mark.parametrize("sig,status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_run_within_a_second(autopack, project, sig, status):
    s = silent_server()
    accepted = threading.Event()

    def accept():
        while True:
            try:
                held.append(s.accept())
            except OSError:
                return
            accepted.set()

    held = []
    threading.Thread(target=accept, daemon=True).start()
    host = f"127.0.0.1:{s.getsockname()[1]}"
    p = autopack.popen(
        "build",
        f"--executor-image-uri={host}/base",
        f"--local-package-path={project(CODE)}",
        "--script=trainer/task.py",
        f"--output-image-uri={host}/x",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert accepted.wait(20)
    time.sleep(0.2)
    p.send_signal(sig)
    started = time.monotonic()
    out, err = p.communicate(timeout=20)
    s.close()
    assert p.returncode == status, err
    assert time.monotonic() - started < 2
    assert out == ""


def test_progress_as_json_is_one_object_a_line(autopack, base, project, tmp_path):
    r = autopack(
        "build",
        f"--executor-image-uri=oci:{base('tiny-python')}:latest",
        f"--local-package-path={project(CODE)}",
        "--script=trainer/task.py",
        f"--image=oci:{tmp_path}/out",
        "--progress=json",
    )
    events = [json.loads(line) for line in r.stderr.splitlines()]
    assert {"layer", "upload", "manifest"} <= {e["step"] for e in events}
    assert all(e["event"] in ("start", "bytes", "done", "skip", "note", "warning", "retry", "stage") for e in events)


def test_quiet_says_nothing_and_plain_lines_are_dated(autopack, base, project, tmp_path):
    def run(n, *flags, **kw):
        return autopack(
            "build",
            f"--executor-image-uri=oci:{base('tiny-python')}:latest",
            f"--local-package-path={where}",
            "--script=trainer/task.py",
            f"--image=oci:{tmp_path}/out{n}",
            *flags,
            **kw,
        )

    where = project(CODE)
    assert run(1, "--quiet").stderr == ""
    assert run(2, "--no-user-output-enabled").stderr == ""
    for r in (run(3, "--progress=plain"), run(4, env={"CI": "true"})):
        assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ", line) for line in r.stderr.splitlines())


def test_debug_shows_requests_and_no_secret(autopack, base, project, registry, repo):
    auth = autopack.home / "auth.json"
    auth.write_text(json.dumps({"auths": {registry.host: {"auth": "dXNlcjpodW50ZXIy"}}}))
    r = autopack(
        "build",
        f"--executor-image-uri={base.push('tiny-python')}",
        f"--local-package-path={project(CODE)}",
        "--script=trainer/task.py",
        f"--output-image-uri={registry.name(repo)}",
        f"--authfile={auth}",
        "--verbosity=debug",
    )
    assert f"http://{registry.host}/v2/" in r.stderr
    assert "hunter2" not in r.stderr and "dXNlcjpodW50ZXIy" not in r.stderr


def test_debug_ends_with_what_each_stage_cost(autopack, base, project, registry, repo):
    where = project({**CODE, "trainer/data.bin": os.urandom(3_000_000)})
    r = autopack(
        "build",
        f"--executor-image-uri={base.push('tiny-python')}",
        f"--local-package-path={where}",
        "--script=trainer/task.py",
        f"--output-image-uri={registry.name(repo)}",
        "--verbosity=debug",
    )
    pattern = r"debug plan: stage (\w+) +(\d+\.\d\d) s, (\d+\.\d\d) s of processor(?:, (\d+) requests?, (.*) sent, .* received)?"
    rows = [re.fullmatch(pattern, line) for line in r.stderr.splitlines() if line.startswith("debug plan: stage")]
    assert all(rows) and [m.group(1) for m in rows] == ["plan", "resolve", "layers", "image", "push", "attest"]
    assert r.stderr.splitlines()[-1] == rows[-1].group(0)
    assert sum(float(m.group(2)) for m in rows) <= r.seconds
    sent = [m.group(5) for m in rows if m.group(5)]
    assert any(re.fullmatch(r"3\.0 MB", s) for s in sent), sent
    asked = len(re.findall(r"^debug http: ", r.stderr, re.M))
    assert sum(int(m.group(4) or 0) for m in rows) == asked
