#!/usr/bin/env python3
"""flags.py BINARY: docs/flags.md from what every --help says, so that it cannot drift from the options."""

import re
import sys

from manpage import commands, help_of

# Groups that many commands have; told once.
SHARED = {"everywhere": "Every command", "registry": "Commands that speak to a registry"}


def groups(text):
    """{title: [(spelling, meaning)]} of one help text, in its order."""
    found = {}
    for title, body in re.findall(r"^([a-z][a-z ]*):\n((?:  .*\n)+)", text, re.M):
        if title in ("example", "commands"):
            continue
        # Two spaces begin a flag, more go on with its meaning, which may begin on its line.
        rows = re.findall(r"^  (\S(?:.*?\S)?)(?:  +(.*)|)\n((?:   .*\n)*)", body, re.M)
        found[title] = [(flag, " ".join(f"{first} {rest}".split())) for flag, first, rest in rows]
    return found


def leaves(binary, words=()):
    text = help_of(binary, words)
    below = commands(text)
    if not below:
        yield " ".join(words), text
    for name in below:
        yield from leaves(binary, [*words, name])


def table(rows):
    cell = [(flag.replace("|", "\\|"), meaning.replace("|", "\\|")) for flag, meaning in rows]
    return "| flag | meaning |\n|---|---|\n" + "".join(f"| `{f}` | {m} |\n" for f, m in cell)


def page(binary):
    out = [
        "# Flags\n\nEvery flag of every command, made from the program's own `--help` by `make docs`. "
        "`autopack COMMAND --help` says the same, with an example.\n\n"
        "Values may be given as `--flag=value` or `--flag value`. Lists are split at `,` (requirements at `;`); "
        "`^X^` at the beginning of a list makes `X` the delimiter, as gcloud does. "
        "`--[no-]flag` is switched on with `--flag` and off with `--no-flag`.\n"
    ]
    shared = {}
    for path, text in leaves(binary):
        of_it = groups(text)
        for title in SHARED:
            if title in of_it:
                assert shared.setdefault(title, of_it[title]) == of_it[title], f"{path}: other flags in {title}"
        usage = re.match(r"usage: (.*)\n", text).group(1)
        out.append(f"\n## {path}\n\n`{usage}`\n")
        summary = text.split("\n\n")[1].strip().split("\n\n")[0]
        out.append(f"\n{' '.join(summary.split())}\n")
        for title, rows in of_it.items():
            if title not in SHARED:
                out.append(f"\n**{title}**\n\n{table(rows)}")
        also = [SHARED[t] for t in SHARED if t in of_it]
        out.append("\nAlso: " + ", ".join(f"[{a[0].lower() + a[1:]}](#{a.lower().replace(' ', '-')})" for a in also) + ".\n")
    for title, rows in shared.items():
        out.append(f"\n## {SHARED[title]}\n\n{table(rows)}")
    return "".join(out)


if __name__ == "__main__":
    sys.stdout.write(page(sys.argv[1]))
