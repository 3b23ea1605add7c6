"""The reduced oracle, fixtures/oracle: what gcloud did in each of 364 cases.

cases(*categories)       the cases, in the order of their files
Case(case, tmp)          its files laid out below tmp; run() runs autopack in them
comparable(body, case)   a request body as far as it can be compared
counts()                 how many `custom-jobs create` cases are equal, and why the others are not

`python3 tests/e2e/oracle.py` prints the counts and every difference.
"""

import copy
import json
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "fixtures" / "oracle"
DIFFERENCES = pathlib.Path(__file__).with_name("oracle-differences.json")


def cases(*categories):
    paths = [FIXTURES / f"{c}.jsonl" for c in categories] or sorted(FIXTURES.glob("*.jsonl"))
    return [json.loads(line) for path in paths for line in path.read_text().splitlines()]


def is_create(case):
    return case["argv"][:2] == ["custom-jobs", "create"]


def differences():
    return json.loads(DIFFERENCES.read_text())


class Case:
    def __init__(self, case, tmp):
        self.case = case
        self.workdir = pathlib.Path(tmp) / "workdir"
        self.home = pathlib.Path(tmp) / "home"
        self.workdir.mkdir(parents=True)
        self.home.mkdir(exist_ok=True)
        for path, content in case.get("files", {}).items():
            self._write(path, content)
        self.cwd = self.workdir / case.get("cwd", ".")
        self.cwd.mkdir(parents=True, exist_ok=True)

    def fill(self, text):
        return text.replace("{WORKDIR}", str(self.workdir)).replace("{HOME}", str(self.home))

    def _write(self, path, content):
        at = self.home / path[7:] if path.startswith("{HOME}/") else self.workdir / path
        if path.endswith("/"):
            at.mkdir(parents=True, exist_ok=True)
            return
        at.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, dict):
            at.symlink_to(self.fill(content["symlink"]))
        else:
            at.write_text(self.fill(content))

    def argv(self):
        return [self.fill(a) for a in self.case["argv"]]

    def run(self, autopack, *flags, env=None):
        """Any status; nothing of the machine but the binary and its PATH is seen."""
        token = self.home / "token"
        token.write_text("fake-access-token\n")
        given = {k: self.fill(v) if v is not None else None for k, v in self.case.get("env", {}).items()}
        return autopack(
            *self.argv(),
            *flags,
            cwd=self.cwd,
            input=self.case.get("stdin"),
            check=None,
            env={
                "HOME": str(self.home),
                "CLOUDSDK_CORE_PROJECT": "my-project",
                "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
                "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": str(token),
                "TZ": "UTC",
                **given,
                **(env or {}),
            },
        )


def autopackaged(case):
    return "dockerfile" in case or any("local-package-path" in a for a in case["argv"])


def _repository(image):
    host, _, rest = image.rpartition("/")
    return (f"{host}/" if host else "") + re.split(r"[:@]", rest, maxsplit=1)[0]


def _repositories_only(body):
    """The body with only the repository of each container's image: the tag is ours."""
    body = copy.deepcopy(body)
    for pool in (body.get("jobSpec") or {}).get("workerPoolSpecs") or []:
        container = pool.get("containerSpec") or {}
        if "imageUri" in container:
            container["imageUri"] = _repository(container["imageUri"])
    return body


def comparable(body, case):
    return _repositories_only(body) if autopackaged(case) else body


def recorded_body(case):
    sent = [r for r in case["requests"] if r["method"] == "POST"]
    return sent[0]["body"] if sent else None


def instructions(dockerfile):
    lines = (line.strip() for line in dockerfile.split("\n"))
    return [line for line in lines if line and not line.startswith("#")]


def kind(case, difference):
    """Which line of the counts a case of `custom-jobs create` belongs to; test_oracle.py proves it."""
    if case["refused"]:
        theirs = "refused by the service" if case["requests"] else "refused by gcloud"
        return f"{theirs}, {'not here' if difference else 'the same here'}"
    if not difference:
        return "accepted, equal to the letter"
    if difference.get("same"):
        return "accepted, equal as the API's message"
    ours = "refused" if "refused" in difference else "mended"
    if difference["later"]:
        return f"accepted, but {STOPS[difference['later']['by']]}: {ours} here"
    return f"accepted, {ours} here by a clause of DESIGN or PRIOR-ART"


# What stops gcloud's own output once the stand-ins of the recording are replaced by the real thing.
STOPS = {
    "builder": "its Dockerfile cannot be built",
    "run": "its RUN fails",
    "start": "its container does not start",
    "reference": "its image cannot be pushed",
    "types": "the API takes no such body",
}


def counts():
    known, out = differences(), {}
    for case in filter(is_create, cases()):
        line = kind(case, known.get(case["name"]))
        out[line] = out.get(line, 0) + 1
    return out


def main():
    known = differences()
    for line, n in sorted(counts().items()):
        print(f"{n:5}  {line}")
    for case in filter(is_create, cases()):
        d = known.get(case["name"])
        if d:
            says = d["later"] and f"{d['later']['by']}: {d['later']['says']}"
            print(f"\n{case['name']}: {kind(case, d)}\n  {says or d['clause']}\n  here: {d.get('refused') or d.get('warns') or 'as written in the list'}")


if __name__ == "__main__":
    main()
