"""gcloud's other commands beside ours: manage, persistent resources, tuning, failures.

The recorded answers are replayed.  A case that gcloud accepted sends the same
requests here (but for gcloud's `alt=json`), or stands in
oracle-manage-differences.json with the clause that makes it differ and what
we do instead, which is asserted; what gcloud refused is refused, with nothing
sent, or stands there, too.
"""

import json
import pathlib
import re
import sys
import urllib.parse

import pytest

import oracle
import support

sys.path.insert(0, str(support.ROOT / "tests" / "server"))
import wire  # noqa: E402

DIFFERENCES = json.loads(pathlib.Path(__file__).with_name("oracle-manage-differences.json").read_text())
CASES = [c for c in oracle.cases("jobs-manage", "persistent-create", "persistent-manage", "hp-tuning")]
# Nothing of docker in them: what the service answered to custom-jobs create.
FAILURES = [c for c in oracle.cases("failures") if c["requests"] and "dockerfile" not in c]
OPERATIONS = ("create", "delete", "reboot")


class Replay:
    """Answers as recorded, by method and path; keeps what came."""

    def __init__(self, case):
        self.answers = [(r["method"], self.path(r["path"]), r["response"]) for r in case["requests"]]
        self.came = []
        self.server = wire.Server(self)

    @staticmethod
    def path(target):
        parts = urllib.parse.urlsplit(target)
        query = sorted((k, v) for k, v in urllib.parse.parse_qsl(parts.query, keep_blank_values=True) if k != "alt")
        # gcloud's beta track speaks v1beta1 always; we where a field needs it.
        path = re.sub(r"^/v1(beta1)?/", "/", parts.path)
        return urllib.parse.unquote(path), tuple(query)

    def __call__(self, req):
        key = (req.method, self.path(req.target))
        self.came.append((*key, json.loads(req.body) if req.body else None))
        for method, path, response in self.answers:
            if (method, path) == key:
                return wire.Answer.json(response["status"], response["body"])
        return wire.Answer.json(404, {"error": {"message": f"not recorded: {key}", "status": "NOT_FOUND"}})


def run(case, tmp_path, autopack):
    replay = Replay(case)
    # gcloud does not follow these operations, and recorded no answers for that.
    flags = ["--async"] if case["argv"][0] == "persistent-resources" and case["argv"][1] in OPERATIONS else []
    env = {"CLOUDSDK_API_ENDPOINT_OVERRIDES_AIPLATFORM": replay.server.url + "/"}
    try:
        return oracle.Case(case, tmp_path).run(autopack, *flags, env=env), replay
    finally:
        replay.server.stop()


def wanted_requests(case):
    return [(r["method"], Replay.path(r["path"]), r["body"]) for r in case["requests"]]


def same(came, wanted):
    """An empty body and {} are the same to the service."""
    assert [(m, p) for m, p, _ in came] == [(m, p) for m, p, _ in wanted]
    for (_, _, have), (_, _, want) in zip(came, wanted):
        assert (have or {}) == (want or {})


@pytest.mark.parametrize("case", CASES + FAILURES, ids=[c["name"] for c in CASES + FAILURES])
def test_case_sends_what_gcloud_sends_or_differs_as_written(case, tmp_path, autopack):
    wanted = DIFFERENCES.get(case["name"], {})
    if "argv" in wanted:
        # gcloud has no such flag; ours packages the code.  The tag of the image is ours.
        assert case["refused"]
        r, replay = run({**case, "argv": wanted["argv"]}, tmp_path, autopack)
        assert r.returncode == 0 and not replay.came, repr(r)
        spec = json.loads(re.sub(r"(my-hp-job):[^\"]+", r"\1", r.stdout))["trialJobSpec"]
        assert spec == wanted["trialJobSpec"]
        return
    r, replay = run(case, tmp_path, autopack)
    if "refused" in wanted:
        assert r.returncode == 2 and wanted["refused"] in r.stderr, repr(r)
        assert not replay.came and r.stdout == ""
    elif "body" in wanted:
        [(method, _, body)] = replay.came
        assert method == "POST" and body == wanted["body"], repr(r)
    elif case["refused"] and not case["requests"]:
        assert r.returncode == 2 and r.stdout == "", repr(r)
        assert not replay.came
    else:
        same(replay.came, wanted_requests(case))
        assert r.returncode == (1 if case["refused"] else 0), repr(r)
        if case["refused"]:
            message = case["requests"][-1]["response"]["body"]["error"]["message"]
            assert " ".join(message.split()) in " ".join(r.stderr.split())
        if "warns" in wanted:
            assert wanted["warns"] in r.stderr


def test_described_and_listed_resources_are_printed_whole(tmp_path, autopack):
    for case in CASES:
        verb = case["argv"][1]
        if case["refused"] or verb not in ("describe", "list") or "--format=json" in case["argv"]:
            continue
        body = case["requests"][-1]["response"]["body"]
        changed = {**case, "argv": [*case["argv"], "--format=json"]}
        r, _ = run(changed, tmp_path / case["name"], autopack)
        if verb == "describe":
            assert r.json() == body
        else:
            [(key, rows)] = [(k, v) for k, v in body.items() if isinstance(v, list)] or [("", [])]
            limit = next((int(a[8:]) for a in case["argv"] if a.startswith("--limit=")), len(rows))
            assert r.json()[:limit] == rows[:limit]


def test_list_of_differences_is_short_and_names_clauses():
    names = {c["name"]: c for c in CASES + FAILURES}
    assert set(DIFFERENCES) <= set(names)
    for name, d in DIFFERENCES.items():
        assert re.match(r"(DESIGN \d|PRIOR-ART|issue 6): .", d["clause"]), name
    # Differences where gcloud is not wrong by its own service's rules.
    accepted = [n for n, c in names.items() if not c["refused"] and not DIFFERENCES.get(n, {}).get("wrong")]
    differ = [n for n in accepted if set(DIFFERENCES.get(n, {})) & {"refused", "body"}]
    assert len(differ) <= 0.05 * len(accepted), differ
