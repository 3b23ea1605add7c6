#!/usr/bin/env python3
"""manpage.py BINARY: autopack.1 from what every --help says, so that it cannot drift from the options."""

import re
import subprocess
import sys


def help_of(binary, words):
    return subprocess.run([binary, *words, "--help"], capture_output=True, text=True, check=True).stdout


def commands(text):
    m = re.search(r"^commands:\n((?:  .*\n)+)", text, re.M)
    return re.findall(r"^  ([a-z][a-z-]*)(?:  |$)", m.group(1), re.M) if m else []


def roff(text):
    """Preformatted text: nothing in it is a request."""
    return "".join(
        ("\\&" if line[:1] in ".'" else "") + line.replace("\\", "\\e").replace("-", "\\-") + "\n"
        for line in text.splitlines()
    )


def sections(binary, words, out):
    text = help_of(binary, words)
    title = " ".join(["autopack", *words])
    if words:
        out.append(f".SH {title.upper()}\n.nf\n{roff(text)}.fi\n")
    for name in commands(text):
        sections(binary, [*words, name], out)


def main():
    binary = sys.argv[1]
    version = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
    out = [
        f'.TH AUTOPACK 1 "" "autopack {version}" ""\n.SH NAME\n'
        "autopack \\- training code to a container image and a Vertex AI job, without a Docker engine\n"
        f".SH SYNOPSIS\n.nf\n{roff(help_of(binary, []))}.fi\n"
    ]
    sections(binary, [], out)
    out.append(
        ".SH EXIT STATUS\n0: done.  1: the world failed.  2: the command line or a file is wrong, nothing was\n"
        "written or sent.  3, 4: with \\-\\-wait, the job failed, was cancelled.  130, 143: ended by a signal.\n"
    )
    sys.stdout.write("".join(out))


if __name__ == "__main__":
    main()
