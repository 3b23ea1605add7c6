#!/usr/bin/env python3
"""Make fixtures/oracle from the recorded corpus: reduce_oracle.py CORPUS [OUTPUT].

One file per category, one case per line: what gcloud was given, the requests
it sent and their answers, the instructions of the Dockerfile, the other docker
commands, and whether it refused.  Nothing that gcloud printed is kept.
"""

import json
import pathlib
import sys

GIVEN = ("name", "category", "description", "track", "argv", "env", "cwd", "files", "stdin", "server_setup")


def instructions(dockerfile):
    """The instructions, without comments, blank lines and indentation."""
    lines = (line.strip() for line in dockerfile.split("\n"))
    return [line for line in lines if line and not line.startswith("#")]


def request(r):
    out = {"method": r["method"], "path": r["path"], "body": r["body"]}
    quota = r["headers"].get("x-goog-user-project")
    if quota:
        out["x-goog-user-project"] = quota
    out["response"] = r["response"]
    return out


def reduce(case):
    out = {k: case[k] for k in GIVEN if case[k] not in (None, {})}
    out["refused"] = case["exit_code"] != 0
    out["requests"] = [request(r) for r in case["requests"]]
    for call in case["docker"]:
        argv = call["argv"]
        if argv[:2] == ["docker", "build"]:
            out["dockerfile"] = instructions(call["dockerfile"])
            out["image"] = argv[argv.index("-t") + 1]
        elif argv[:2] == ["docker", "run"]:
            out["docker_run"] = argv[2:]
    return out


def main(corpus, output):
    output = pathlib.Path(output)
    output.mkdir(parents=True, exist_ok=True)
    for old in output.glob("*.jsonl"):
        old.unlink()
    categories = {}
    for path in sorted(pathlib.Path(corpus).glob("*.json")):
        case = json.loads(path.read_text())
        categories.setdefault(case["category"], []).append(reduce(case))
    for category, cases in sorted(categories.items()):
        lines = [json.dumps(c, sort_keys=True, ensure_ascii=False) for c in cases]
        (output / f"{category}.jsonl").write_text("\n".join(lines) + "\n")
    print(f"{sum(map(len, categories.values()))} cases in {len(categories)} categories")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__.split("\n")[0])
    main(sys.argv[1], sys.argv[2] if len(sys.argv) == 3 else pathlib.Path(__file__).parents[2] / "fixtures" / "oracle")
