"""`custom-jobs create` beside gcloud, case by case.

A case that gcloud accepted is equal (request body; Dockerfile instructions) or
stands in oracle-differences.json, with the clause that makes it differ and
what we do instead, which is asserted.  A case that gcloud refused is refused
here, with nothing sent, or stands there, too.

oracle-differences.json: case -> {
  "clause":  where DESIGN or PRIOR-ART asks for it,
  "later":   the real tool that stops gcloud's own output further on, where only
             stand-ins let the recorded run go on, and what it says:
             {"by": builder|run|start|reference|types, "says": words}; or null,
  "refused": words of our message                              | one of these
  "body", "dockerfile": ours, where they differ from gcloud's  |
  "same": "message": the API reads both bodies as the same     |
  "warns":   words of our warning, may be beside either }
"""

import json
import os
import random
import re
import shutil
import socket
import sys
import threading

import pytest

import oracle
import support

sys.path.insert(0, str(support.ROOT / "tests" / "server"))
import vertex_types  # noqa: E402

CREATE = [c for c in oracle.cases() if oracle.is_create(c)]
DIFFERENCES = oracle.differences()
BY_NAME = {c["name"]: c for c in CREATE}
ACCEPTED = [c for c in CREATE if not c["refused"]]
# Refused by gcloud before anything was sent, and not for want of docker.
REFUSED = [c for c in CREATE if c["refused"] and not c["requests"]]
# Sent, and refused by the service.
ANSWERED = [c for c in CREATE if c["refused"] and c["requests"]]


def ids(cases):
    return [c["name"] for c in cases]


@pytest.fixture(scope="module")
def types():
    t = vertex_types.Types()
    yield t
    t.close()


def dry_run(case, tmp_path, autopack):
    return oracle.Case(case, tmp_path).run(autopack, "--dry-run", "--format=json")


def dockerfile(case, tmp_path, autopack):
    r = oracle.Case(case, tmp_path).run(autopack, "--dry-run", "--dockerfile=-")
    assert r.returncode == 0, repr(r)
    return oracle.instructions(r.stdout)


def check_refused(r, words=None):
    assert r.returncode == 2, f"wanted a refusal: {r!r}"
    assert r.stdout == ""
    errors = [line for line in r.stderr.splitlines() if line.strip()]
    assert errors, repr(r)
    if words:
        assert words in errors[-1], repr(r)


@pytest.mark.parametrize("case", ACCEPTED, ids=ids(ACCEPTED))
def test_accepted_case_is_equal_or_differs_as_written(case, tmp_path, autopack, types):
    wanted = DIFFERENCES.get(case["name"], {})
    r = dry_run(case, tmp_path / "body", autopack)
    if "refused" in wanted:
        check_refused(r, wanted["refused"])
        return
    assert r.returncode == 0, repr(r)
    body, ours = wanted.get("body", oracle.recorded_body(case)), r.json()
    if wanted.get("same") == "message":
        assert oracle.comparable(ours, case) != oracle.comparable(body, case), "equal to the letter"
        ours, body = (types.canonical("v1", "CustomJob", b) for b in (ours, body))
    assert oracle.comparable(ours, case) == oracle.comparable(body, case)
    if "warns" in wanted:
        assert wanted["warns"] in r.stderr
    if "dockerfile" in case:
        assert dockerfile(case, tmp_path / "dockerfile", autopack) == wanted.get("dockerfile", case["dockerfile"])


class Listener:
    """Counts connections on a port of its own; nobody should come."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.connections = 0
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while True:
            try:
                c, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            c.close()

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.socket.getsockname()[1]}/"

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()


@pytest.fixture
def listener():
    x = Listener()
    yield x
    x.close()


@pytest.mark.parametrize("case", REFUSED, ids=ids(REFUSED))
def test_refused_case_is_refused_with_nothing_sent(case, tmp_path, autopack, listener):
    """Not a dry run: everything is set up for sending."""
    wanted = DIFFERENCES.get(case["name"])
    if wanted:
        r = dry_run(case, tmp_path / "body", autopack)
        assert r.returncode == 0, repr(r)
        assert oracle.comparable(r.json(), case) == oracle.comparable(wanted["body"], case)
        return
    env = {
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_AIPLATFORM": listener.endpoint,
        "HTTPS_PROXY": listener.endpoint,
        "https_proxy": listener.endpoint,
    }
    check_refused(oracle.Case(case, tmp_path).run(autopack, env=env))
    assert listener.connections == 0
    assert not list((autopack.cache).rglob("*")), "something was written"


@pytest.mark.parametrize("case", ANSWERED, ids=ids(ANSWERED))
def test_case_that_the_service_refused_sends_the_same(case, tmp_path, autopack):
    """What the service's answer then does is test_submit's matter."""
    r = dry_run(case, tmp_path, autopack)
    assert r.returncode == 0, repr(r)
    assert oracle.comparable(r.json(), case) == oracle.comparable(oracle.recorded_body(case), case)


# gcloud's own output, given to the real thing: each of these returns what that said, or "" when it went well.


def copied(case, root, context):
    """`root` with what the COPY instructions put there, where a source is there."""
    for line in case["dockerfile"]:
        if line.startswith("COPY ["):
            source, target = (p.lstrip("/") for p in json.loads(line[5:]))
            at = root / target
            at.parent.mkdir(parents=True, exist_ok=True)
            if (context / source).is_dir():
                shutil.copytree(context / source, at, dirs_exist_ok=True)
            else:
                shutil.copy(context / source, at)
    return root


def offline(argv, cwd, **env):
    p = support.run(*support.NO_NETWORK, *argv, cwd=cwd, check=False, env={**os.environ, "LC_ALL": "C", **env})
    return p.stdout + p.stderr if p.returncode else ""


def by_builder(case, context, tmp_path, buildah, types):
    """No RUN: nothing runs without a base.  Every base is read as the empty one but those that have no such name."""
    first, *lines = case["dockerfile"]
    if re.fullmatch(r"FROM [a-z0-9.:/-]+", first):
        first = "FROM scratch"
    (tmp_path / "Dockerfile").write_text("\n".join([first, *(i for i in lines if not i.startswith("RUN "))]) + "\n")
    return offline(["buildah", "bud", *buildah.options, "--isolation", "chroot", "-f", tmp_path / "Dockerfile", context], context)


def by_run(case, context, tmp_path, buildah, types):
    root = copied(case, tmp_path / "root", context)
    lines = [i[4:] for i in case["dockerfile"] if re.match(r"RUN pip3? ", i)]
    pip = {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_DRY_RUN": "1", "PATH": f"{support.ENV_BIN}:{os.environ['PATH']}"}
    return "".join(offline(["sh", "-c", line], root, **pip) for line in lines)


def by_start(case, context, tmp_path, buildah, types):
    argv = json.loads(case["dockerfile"][-1].removeprefix("ENTRYPOINT "))
    # Debian has no "python"; our environment does.
    return offline(argv, copied(case, tmp_path / "root", context), PATH=f"{support.ENV_BIN}:{os.environ['PATH']}")


def by_reference(case, context, tmp_path, buildah, types):
    return offline(["skopeo", "inspect", "docker://" + case["image"].replace("{TIMESTAMP}", "20260101.00.00.00.000000")], context)


def by_types(case, context, tmp_path, buildah, types):
    body = oracle.recorded_body(case)
    return types("v1", "CustomJob", body) or "".join(f"{f} is required\n" for f in types.missing("v1", "CustomJob", body))


BY = {"builder": by_builder, "run": by_run, "start": by_start, "reference": by_reference, "types": by_types}


@pytest.fixture
def said(tmp_path, buildah, types):
    def go(tool, case):
        laid = oracle.Case(case, tmp_path)
        path = next((m[1] for a in case["argv"] if (m := re.search(r"local-package-path=([^,]*)", a))), ".")
        return BY[tool](json.loads(laid.fill(json.dumps(case))), laid.cwd / path, tmp_path, buildah, types)

    return go


LATER = [c for c in ACCEPTED if DIFFERENCES.get(c["name"], {}).get("later")]


@pytest.mark.parametrize("case", LATER, ids=ids(LATER))
def test_what_gcloud_made_is_stopped_by_the_real_tool(case, said):
    later = DIFFERENCES[case["name"]]["later"]
    assert later["says"] in said(later["by"], case)


@pytest.mark.parametrize("tool,name", [("builder", "path-spaces"), ("start", "ep-script-bash"), ("types", "flag-all-together")])
def test_the_real_tool_takes_a_sound_case(tool, name, said):
    assert said(tool, BY_NAME[name]) == ""


@pytest.mark.parametrize("tool,name", [("run", "dep-requirements-two"), ("reference", "name-punctuation")])
def test_the_real_tool_wants_the_network_only(tool, name, said):
    words = said(tool, BY_NAME[name])
    assert re.search("No matching distribution|pinging container registry gcr.io", words) and "nvalid" not in words


# What a reader wants to know first; `python3 tests/e2e/oracle.py` prints it with every difference.
COUNTS = {
    "accepted, equal to the letter": 142,
    "accepted, equal as the API's message": 3,
    "accepted, mended here by a clause of DESIGN or PRIOR-ART": 11,
    "accepted, refused here by a clause of DESIGN or PRIOR-ART": 5,
    "accepted, but its Dockerfile cannot be built: mended here": 4,
    "accepted, but its Dockerfile cannot be built: refused here": 6,
    "accepted, but its RUN fails: mended here": 2,
    "accepted, but its RUN fails: refused here": 3,
    "accepted, but its container does not start: refused here": 6,
    "accepted, but its image cannot be pushed: mended here": 4,
    "accepted, but its image cannot be pushed: refused here": 3,
    "accepted, but the API takes no such body: mended here": 1,
    "accepted, but the API takes no such body: refused here": 9,
    "refused by gcloud, the same here": 71,
    "refused by gcloud, not here": 6,
    "refused by the service, the same here": 5,
}


def test_list_of_differences_is_short_and_names_clauses():
    assert set(DIFFERENCES) <= set(BY_NAME)
    for name, d in DIFFERENCES.items():
        assert re.match(r"(DESIGN \d|PRIOR-ART): .", d["clause"]), name
        assert ("refused" in d) != bool({"body", "dockerfile", "same"} & set(d)), name
    counts = oracle.counts()
    assert counts == COUNTS, json.dumps(counts, indent=1)
    # What the real tools stop was accepted by the stand-ins of the recording only.
    sound = sum(n for line, n in counts.items() if line.startswith("accepted,") and ", but " not in line)
    equal = sum(n for line, n in counts.items() if line.startswith("accepted, equal"))
    assert equal >= 0.90 * sound, f"{equal} of {sound}"


# One changed input each; what they return is the changed case, or None where there is no such input.


def _argv(case, old, new):
    argv = [a.replace(old, new, 1) for a in case["argv"]]
    return None if argv == case["argv"] else {**case, "argv": argv}


def _flag(case, name, value):
    """A flag that was not there."""
    return None if any(a.startswith(name) for a in case["argv"]) else {**case, "argv": [*case["argv"], f"{name}={value}"]}


def _code(case):
    """One byte more in a file that goes into the image."""
    if "dockerfile" not in case:
        return None
    copied = [json.loads(i[5:])[0] for i in case["dockerfile"] if i.startswith("COPY [")][-1]
    if "trainer" not in copied:
        return None
    for path, content in case["files"].items():
        if f"/{copied}/" in path and path.endswith(".py") and isinstance(content, str):
            return {**case, "files": {**case["files"], path: content + "#\n"}}
    return None


MUTATIONS = {
    "machine type": lambda c: _argv(c, "machine-type=n1-standard-4", "machine-type=n1-standard-16"),
    "display name": lambda c: _argv(c, "--display-name=my-job", "--display-name=my-other-job"),
    "executor image": lambda c: _argv(c, "tf-cpu.2-8:latest", "tf-cpu.2-9:latest") if oracle.autopackaged(c) else None,
    "container image": lambda c: _argv(c, "container-image-uri=gcr.io/my-project/trainer:1", "container-image-uri=gcr.io/my-project/trainer:2"),
    "replica count": lambda c: _argv(c, "replica-count=1", "replica-count=7"),
    "requirement": lambda c: _argv(c, "requirements=", "requirements=absl-py;") if oracle.autopackaged(c) else None,
    "code": _code,
    "label": lambda c: _flag(c, "--labels", "changed=yes"),
    "argument": lambda c: _flag(c, "--args", "changed"),
    "network": lambda c: _flag(c, "--network", "projects/1/global/networks/changed"),
}


def changed_cases():
    out = []
    for case in ACCEPTED:
        if case["name"] in DIFFERENCES:
            continue
        made = {k: m for k, m in ((k, f(case)) for k, f in MUTATIONS.items()) if m}
        if made:
            kind = random.Random(case["name"]).choice(sorted(made))
            out.append((case, kind, made[kind]))
    return out


CHANGED = changed_cases()


@pytest.mark.parametrize("case,kind,changed", CHANGED, ids=[f"{c['name']}-{k}" for c, k, _ in CHANGED])
def test_one_changed_input_changes_the_output(case, kind, changed, tmp_path, autopack):
    before = dry_run(case, tmp_path / "before", autopack)
    after = dry_run(changed, tmp_path / "after", autopack)
    again = dry_run(case, tmp_path / "again", autopack)
    assert (before.returncode, after.returncode) == (0, 0), f"{before!r}\n{after!r}"
    assert before.stdout != after.stdout
    assert before.stdout == again.stdout
