#!/usr/bin/env python3
"""Switches off one guard at a time, in a copy of the tree, and wants a test to fail.

mutate.py [GLOB]    only the guards whose name matches

The table is tests/tools/guards.toml.  A [[guard]] has a name, a file, the
text that is the guard (found exactly once), the text in its place, and the
tests that must notice: `unit` a glob of unit tests, `e2e` words for pytest -k.
A guard whose text is gone fails, so the table cannot rot.  A [[sweep]] has
files and the name of a function that refuses: every `if (X) return FUNCTION(`
there is a guard, switched off as `if (0 && (X))`; `but` lists by their text
those that another guard makes unreachable, each with its reason.
"""

import fnmatch
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
COPY = ROOT / "build" / "mutate"
ROOMS = ("base", "deps", "pack", "attest", "registry", "dockerfile", "vertex", "cli", "tests", "fixtures")


def sync():
    """The tree as it stands, with objects of the last run kept."""
    COPY.mkdir(parents=True, exist_ok=True)
    for room in ROOMS:
        src, dst = ROOT / room, COPY / room
        if not src.is_dir():
            continue
        for where, dirs, files in os.walk(src):
            dirs[:] = [d for d in dirs if d != "__pycache__"]
            to = dst / os.path.relpath(where, src)
            to.mkdir(parents=True, exist_ok=True)
            for extra in set(p.name for p in to.iterdir() if p.is_file()) - set(files):
                (to / extra).unlink()
            for f in files:
                a, b = pathlib.Path(where) / f, to / f
                if not b.exists() or a.read_bytes() != b.read_bytes():
                    shutil.copyfile(a, b)
                    shutil.copymode(a, b)
    # A run that was killed left a mutant's object behind: its source gets a new time.
    if (COPY / "mutant").exists():
        (COPY / (COPY / "mutant").read_text()).touch()
    if not (COPY / "Makefile").exists() or (COPY / "Makefile").read_bytes() != (ROOT / "Makefile").read_bytes():
        shutil.copy2(ROOT / "Makefile", COPY / "Makefile")
    for shared in ("env", "executor"):
        link = COPY / "build" / shared
        link.parent.mkdir(exist_ok=True)
        (ROOT / "build" / shared).mkdir(parents=True, exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(ROOT / "build" / shared)


def run(argv, timeout):
    """(ended well, output); a hang counts as ended badly."""
    try:
        p = subprocess.run(argv, cwd=COPY, capture_output=True, text=True, timeout=timeout, errors="replace")
    except subprocess.TimeoutExpired:
        return False, f"no end after {timeout} s"
    return p.returncode == 0, p.stdout + p.stderr


def tests(guard, unit_only=False):
    """(all pass, first failing line)."""
    if "unit" in guard:
        ok, out = run(["build/release/unit", guard["unit"]], 120)
        if not ok:
            m = re.search(r"^\[  FAILED  \] (.*)$", out, re.M)
            return False, m.group(1) if m else "the unit tests crashed"
    if "e2e" in guard and not unit_only:
        ok, out = run(["/usr/bin/python3", "-m", "pytest", "-q", "-x", "tests/e2e", "-m", "not full", "-k", guard["e2e"]], 900)
        if "no tests ran" in out or "deselected" in out and " passed" not in out and " failed" not in out:
            return True, f"no end to end test matches {guard['e2e']!r}"
        if not ok:
            m = re.search(r"^FAILED (.*)$", out, re.M)
            return False, m.group(1) if m else out.strip().splitlines()[-1]
    return True, ""


def build(guard):
    targets = ["build/release/unit"] if "unit" in guard else []
    targets += ["build/release/autopack"] if "e2e" in guard else []
    return run(["make", f"-j{os.cpu_count()}", *targets], 900)


def condition(text, at):
    """The span of X in the `if (X)` that governs the statement at `at`, or None."""
    head = text.rfind("if (", 0, at)
    if head < 0:
        return None
    depth, i = 1, head + 4
    while depth and i < at:
        depth += {"(": 1, ")": -1}.get(text[i], 0)
        i += 1
    between = text[i:at]
    # Only what follows directly: braces and other statements would make it another's.
    if depth or between.strip(" \t\n{"):
        return None
    return head + 4, i - 1


def swept(sweep):
    """The guards of one [[sweep]]."""
    but = sweep.get("but", {})
    unused = set(but)
    for name in sweep["files"]:
        path = ROOT / name
        text = path.read_text()
        for m in re.finditer(r"\breturn (?:%s)\(" % "|".join(sweep["functions"]), text):
            span = condition(text, m.start())
            if not span:
                continue
            cond = text[span[0] : span[1]]
            flat = re.sub(r"\s+", " ", cond)
            if flat in but:
                unused.discard(flat)
                continue
            line = text.count("\n", 0, span[0]) + 1
            mutant = text[: span[0]] + "0 && (" + cond + ")" + text[span[1] :]
            yield {**sweep, "name": f"{sweep['name']}:{path.name}:{line} {flat[:60]}", "file": name, "mutant": mutant}
    for flat in unused:
        yield {"name": f"{sweep['name']}: but", "file": sweep["files"][0], "problem": f"no guard reads {flat!r}"}


def main():
    wanted = sys.argv[1] if len(sys.argv) > 1 else "*"
    with open(ROOT / "tests/tools/guards.toml", "rb") as f:
        table = tomllib.load(f)
    guards = table.get("guard", []) + [g for s in table.get("sweep", []) for g in swept(s)]
    guards = [g for g in guards if fnmatch.fnmatch(g["name"], wanted)]
    if not guards:
        sys.exit(f"mutate: no guard matches {wanted!r}")
    sync()
    passed = failed = 0
    sound = {}
    for g in guards:
        path = COPY / g["file"]
        text = path.read_text() if path.exists() else ""
        problem = g.get("problem", "")
        key = (g.get("unit"), g.get("e2e"))
        if problem:
            pass
        elif not set(g) & {"unit", "e2e"}:
            problem = "names no test"
        elif "mutant" not in g and text.count(g["old"]) != 1:
            problem = f"its text is {text.count(g['old'])} times in {g['file']}, wanted once"
        else:
            if key not in sound:
                ok, out = build(g)
                sound[key] = tests(g) if ok else (False, "the copy does not build: " + out[-300:])
            if not sound[key][0]:
                problem = f"its tests fail without a change: {sound[key][1]}"
            elif sound[key][1]:
                problem = sound[key][1]
        noticed = ""
        if not problem:
            (COPY / "mutant").write_text(g["file"])
            path.write_text(g.get("mutant") or text.replace(g["old"], g["new"]))
            ok, out = build(g)
            if not ok:
                problem = "the change does not compile: " + "\n".join(re.findall(r".*error:.*", out)[:3])
            else:
                good, noticed = tests(g)
                if good:
                    problem = "SURVIVED: no test fails without it"
            path.write_text(text)
            (COPY / "mutant").unlink()
        if problem:
            failed += 1
            print(f"  FAILED  {g['name']}: {problem}", flush=True)
        else:
            passed += 1
            print(f"  ok      {g['name']}: {noticed}", flush=True)
    print(f"mutate: {passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
