"""`custom-jobs create` beside gcloud, case by case.

A case that gcloud accepted is equal (request body; Dockerfile instructions) or
stands in oracle-differences.json, with the clause that makes it differ and
what we do instead, which is asserted.  A case that gcloud refused is refused
here, with nothing sent, or stands there, too.

oracle-differences.json: case -> {
  "clause":  where DESIGN or PRIOR-ART asks for it,
  "later":   what stops gcloud's own output further on (docker, pip, service,
             start: the container's), where only stand-ins let the recorded run
             go on; or null,
  "refused": words of our message                              | one of these
  "body", "dockerfile": ours, where they differ from gcloud's  |
  "warns":   words of our warning, may be beside either }
"""

import json
import random
import re
import socket
import threading

import pytest

import oracle

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
def test_accepted_case_is_equal_or_differs_as_written(case, tmp_path, autopack):
    wanted = DIFFERENCES.get(case["name"], {})
    r = dry_run(case, tmp_path / "body", autopack)
    if "refused" in wanted:
        check_refused(r, wanted["refused"])
        return
    assert r.returncode == 0, repr(r)
    body = wanted.get("body", oracle.recorded_body(case))
    assert oracle.comparable(r.json(), case) == oracle.comparable(body, case)
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


def test_list_of_differences_is_short_and_names_clauses():
    accepted = set(ids(ACCEPTED))
    assert set(DIFFERENCES) <= set(BY_NAME)
    for name, d in DIFFERENCES.items():
        assert re.match(r"(DESIGN \d|PRIOR-ART): .", d["clause"]), name
        assert ("refused" in d) != bool({"body", "dockerfile", "warns"} & set(d)), name
    # What docker, pip, the service or the start refuses was accepted by the stand-ins of the recording only.
    sound = [n for n in accepted if not DIFFERENCES.get(n, {}).get("later")]
    differ = [n for n in sound if n in DIFFERENCES and set(DIFFERENCES[n]) - {"clause", "later", "warns"}]
    assert len(differ) <= 0.10 * len(sound), f"{len(differ)} of {len(sound)}: {sorted(differ)}"


# One changed input each; what they return is the changed case, or None where there is no such input.


def _argv(case, old, new):
    argv = [a.replace(old, new, 1) for a in case["argv"]]
    return None if argv == case["argv"] else {**case, "argv": argv}


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
