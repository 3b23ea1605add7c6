#!/usr/bin/env python3
"""Switches off one guard at a time, in a copy of the tree, and wants a test to fail.

mutate.py [GLOB]    try only the guards whose name matches

The table is tests/tools/guards.toml.  A [[guard]] has a name, a file, the
text that is the guard (found exactly once), the text in its place, and the
tests that must notice: `unit` globs of unit tests, `e2e` words for pytest -k.
Both texts begin with an `if (X)`, or are whole statements, or expressions.  A
guard whose text is gone fails, so the table cannot rot.  A [[sweep]] has files and the name of a
function that refuses: every `if (X) return FUNCTION(` there is a guard, never
true when it is switched off; `but` lists by their text those that another
guard makes unreachable, each with its reason.

The copy is compiled once, with every guard in both forms; AP_MUTANT=NUMBER in
the environment of a test says which one is switched off.
"""

import concurrent.futures
import fnmatch
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
COPY = ROOT / "build" / "mutate"
ROOMS = sorted(d.name for d in ROOT.iterdir() if d.is_dir() and d.name[0] != "." and d.name != "build")
SWITCH = """\
#include <stdlib.h>
__attribute__((unused)) static int ap_mutant(int k)
{
	static int on = -1;
	const char *s = on < 0 ? getenv("AP_MUTANT") : NULL;

	if (on < 0)
		on = s ? atoi(s) : 0;
	return on == k;
}
"""


def write(path, data):
    """Only where it changes: make goes by the time."""
    if not path.exists() or path.read_bytes() != data:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def sync(switched):
    """The tree as it stands but for the files of `switched`, with objects of the last run kept."""
    for room in ROOMS:
        for where, dirs, files in os.walk(ROOT / room):
            dirs[:] = [d for d in dirs if d != "__pycache__"]
            to = COPY / os.path.relpath(where, ROOT)
            to.mkdir(parents=True, exist_ok=True)
            for extra in {p.name for p in to.iterdir() if p.is_file()} - set(files):
                (to / extra).unlink()
            for f in files:
                name = os.path.relpath(os.path.join(where, f), ROOT)
                write(to / f, switched[name].encode() if name in switched else (ROOT / name).read_bytes())
                shutil.copymode(ROOT / name, to / f)
    for name in ("Makefile", "README.md"):
        write(COPY / name, (ROOT / name).read_bytes())
    write(COPY / "mutant.h", SWITCH.encode())
    for shared in ("env", "executor"):
        link = COPY / "build" / shared
        link.parent.mkdir(exist_ok=True)
        (ROOT / "build" / shared).mkdir(parents=True, exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(ROOT / "build" / shared)


def run(argv, timeout, **env):
    """(ended well, output); a hang counts as ended badly."""
    try:
        p = subprocess.run(
            argv, cwd=COPY, env={**os.environ, **env}, capture_output=True, text=True, timeout=timeout, errors="replace"
        )
    except subprocess.TimeoutExpired:
        return False, f"no end after {timeout} s"
    return p.returncode == 0, p.stdout + p.stderr


def tests(guard, number=0, unit_timeout=300):
    """(all pass, first failing line)."""
    env = {"AP_MUTANT": str(number)}
    if "unit" in guard:
        ok, out = run(["build/release/unit", *guard["unit"].split()], unit_timeout, **env)
        if not ok:
            m = re.search(r"^\[  FAILED  \] (.*)$", out, re.M)
            return False, m.group(1) if m else f"the unit tests crashed: {out.strip()[-60:]!r}"
    if "e2e" in guard:
        argv = ["/usr/bin/python3", "-m", "pytest", "-q", "-x", "tests/e2e", "-m", "not full", "-k", guard["e2e"]]
        ok, out = run(argv, 900, **env)
        if "no tests ran" in out or "deselected" in out and " passed" not in out and " failed" not in out:
            return True, f"no end to end test matches {guard['e2e']!r}"
        if not ok:
            m = re.search(r"^FAILED (.*)$", out, re.M)
            return False, m.group(1) if m else out.strip().splitlines()[-1]
    return True, ""


def closing(text, at):
    """Where the bracket opened before `at` closes."""
    depth = 1
    while depth and at < len(text):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
    return at - 1


def condition(text, at):
    """The span of X in the `if (X)` that governs the statement at `at`, or None."""
    head = text.rfind("if (", 0, at)
    if head < 0:
        return None
    end = closing(text, head + 4)
    # Only what follows directly: braces and other statements would make it another's.
    if end >= at or text[end + 1 : at].strip(" \t\n{"):
        return None
    return head + 4, end


def replacement(guard, text):
    """(start, end, text with both forms and %d for the number), or a problem's words."""
    if "span" in guard:
        start, end = guard["span"]
        return start, end, f"!ap_mutant(%d) && ({text[start:end].replace('%', '%%')})"
    old, new = guard["old"], guard["new"]
    if text.count(old) != 1:
        return f"its text is {text.count(old)} times in {guard['file']}, wanted once"
    start = text.index(old)
    if old.startswith("if (") and new.startswith("if ("):
        a, b = closing(old, 4), closing(new, 4)
        if old[a:] == new[b:]:
            both = f"ap_mutant(%d) ? ({new[4:b].replace('%', '%%')}) : ({old[4:a].replace('%', '%%')})"
            return start + 4, start + a, both
    both = "if (ap_mutant(%%d)) { %s } else { %s }" if old.endswith(";") else "(ap_mutant(%%d) ? (%s) : (%s))"
    return start, start + len(old), both % (new.replace("%", "%%"), old.replace("%", "%%"))


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
            flat = re.sub(r"\s+", " ", text[slice(*span)])
            if flat in but:
                unused.discard(flat)
                continue
            line = text.count("\n", 0, span[0]) + 1
            yield {**sweep, "name": f"{sweep['name']}:{path.name}:{line} {flat[:60]}", "file": name, "span": span}
    for flat in unused:
        yield {"name": f"{sweep['name']}: but", "file": sweep["files"][0], "problem": f"no guard reads {flat!r}"}


def switch(guards):
    """{file: text with every guard in both forms}; what cannot be switched gets its "problem"."""
    switched = {}
    for name in {g["file"] for g in guards}:
        text = (ROOT / name).read_text() if (ROOT / name).exists() else ""
        spans = []
        for number, g in enumerate(guards, 1):
            if g["file"] != name or "problem" in g:
                continue
            found = replacement(g, text)
            if not set(g) & {"unit", "e2e"}:
                g["problem"] = "names no test"
            elif isinstance(found, str):
                g["problem"] = found
            elif any(s < found[1] and found[0] < e for s, e, _ in spans):
                g["problem"] = "another guard holds the same text"
            else:
                spans.append((*found[:2], found[2] % number))
        for start, end, both in sorted(spans, reverse=True):
            text = text[:start] + both + text[end:]
        switched[name] = text
    return switched


def main():
    wanted = sys.argv[1] if len(sys.argv) > 1 else "*"
    with open(ROOT / "tests/tools/guards.toml", "rb") as f:
        table = tomllib.load(f)
    guards = table.get("guard", []) + [g for s in table.get("sweep", []) for g in swept(s)]
    sync(switch(guards))
    argv = ["make", f"-j{os.cpu_count()}", "opt.release=-O1 -g1", "WERROR=", "build/release/unit", "build/release/autopack"]
    ok, out = run(argv, 1800, CPPFLAGS=f"-include {COPY}/mutant.h")
    if not ok:
        sys.exit("mutate: the copy does not build:\n" + "\n".join(re.findall(r".*error:.*", out)[:10] or [out[-2000:]]))
    chosen = [(n, g) for n, g in enumerate(guards, 1) if fnmatch.fnmatch(g["name"], wanted)]
    if not chosen:
        sys.exit(f"mutate: no guard matches {wanted!r}")
    sound, takes = {}, {}
    for key in {which(g) for _, g in chosen if "problem" not in g}:
        began = time.monotonic()
        sound[key] = tests(dict(key))
        takes[key] = time.monotonic() - began

    def one(number, g):
        if "problem" in g:
            return False, g["problem"]
        fine, why = sound[which(g)]
        if not fine:
            return False, f"its tests fail without a change: {why}"
        if why:
            return False, why
        good, noticed = tests(g, number, 20 + 5 * takes[which(g)])
        return (False, "SURVIVED: no test fails without it") if good else (True, noticed)

    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for (_, g), (ok, words) in zip(chosen, pool.map(lambda c: one(*c), chosen)):
            failed += not ok
            print(f"  {'ok     ' if ok else 'FAILED '} {g['name']}: {words}", flush=True)
    print(f"mutate: {len(chosen) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


def which(guard):
    """The tests of a guard, as a key."""
    return tuple((k, guard[k]) for k in ("unit", "e2e") if k in guard)


if __name__ == "__main__":
    main()
