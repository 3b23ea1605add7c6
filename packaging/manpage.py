#!/usr/bin/env python3
"""manpage.py BINARY: autopack.1 from what every --help says, so that it cannot drift from the options."""

import json
import os
import re
import subprocess
import sys

ENVIRONMENT = {
    "AUTOPACK_CACHE_KEY": "secret that signs and checks the records kept in a repository",
    "AUTOPACK_KEY_PASSWORD, COSIGN_PASSWORD": "password of the key that \\-\\-sign\\-key names",
    "CLOUDSDK_*": "as gcloud reads them: project, region, account, configuration, access token",
    "GOOGLE_APPLICATION_CREDENTIALS": "file of credentials: service account, user, workload identity",
    "REGISTRY_AUTH_FILE, DOCKER_CONFIG": "where credentials of registries are kept",
    "PIP_*, NETRC": "the package index, as pip is told",
    "SOURCE_DATE_EPOCH": "the time that everything in an image has",
    "SSL_CERT_FILE, HTTPS_PROXY, NO_PROXY": "as curl knows them",
    "CI": "when set, progress is plain dated lines",
    "NO_COLOR, TERM": "no colours; no live display on a dumb terminal",
    "PAGER": "shows a long help (default: less)",
}
FILES = {
    "pyproject.toml": "[tool.autopack] in the working directory: settings of the code",
    "$XDG_CONFIG_HOME/autopack/config.toml": "settings of the user (default: ~/.config)",
    "$XDG_CACHE_HOME/autopack": "wheels, locks, inventories and records (default: ~/.cache)",
    ".dockerignore": "in the working directory: what does not go into the image",
}


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


def listed(entries):
    """Names and what they are; \\& because a name may begin with a dot."""
    return ".nh\n.na\n" + "".join(f".TP\n\\&{name}\n{what}\n" for name, what in entries.items()) + ".ad\n.hy\n"


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
    # The keys, not the settings of whoever makes this page.
    nobody = {k: v for k, v in os.environ.items() if not re.match("XDG_|AUTOPACK_|CLOUDSDK_", k)} | {"HOME": "/nonexistent"}
    argv = [os.path.abspath(binary), "config", "--format=json"]
    config = subprocess.run(argv, capture_output=True, text=True, check=True, cwd="/", env=nobody).stdout
    names = ", ".join("AUTOPACK_" + row["key"].upper().replace("-", "_") for row in json.loads(config))
    out.append(".SH ENVIRONMENT\n" + listed({names: "one for each setting that autopack config shows", **ENVIRONMENT}))
    out.append(".SH FILES\n" + listed(FILES))
    out.append(
        ".SH EXIT STATUS\n0: done.  1: the world failed.  2: the command line or a file is wrong, nothing was\n"
        "written or sent.  3, 4: with \\-\\-wait, the job failed, was cancelled.  130, 143: ended by a signal.\n"
        ".SH SEE ALSO\ngcloud(1), docker\\-login(1), cosign(1); README.md and docs/ beside the package\n"
    )
    sys.stdout.write("".join(out))


if __name__ == "__main__":
    main()
