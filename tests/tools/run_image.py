#!/usr/bin/env python3
"""run_image.py ROOTFS CONFIG.json [ARG...]: runs an unpacked image's entry point as its config says.

In namespaces of its own, with chroot: works where cgroups let neither crun nor podman start.
"""

import json
import os
import pathlib
import sys

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENTER = pathlib.Path(__file__).resolve().parents[2] / "fixtures" / "executor" / "enter.sh"


def command(rootfs, argv, env=(), cwd="/"):
    """The argument vector that runs argv in a root file system."""
    for d in ("proc", "dev"):
        os.makedirs(os.path.join(rootfs, d), exist_ok=True)
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    unshare = ["unshare", "--mount", "--propagation", "unchanged", "--pid", "--fork", "--kill-child", *user]
    inside = ["/bin/sh", "-c", 'cd "$0" && exec "$@"', cwd, "/usr/bin/env", "-i", PATH, *env, *map(str, argv)]
    return [*unshare, "/bin/sh", str(ENTER), str(rootfs), *inside]


if __name__ == "__main__":
    with open(sys.argv[2]) as f:
        c = json.load(f)["config"]
    args = sys.argv[3:] or c.get("Cmd") or []
    argv = command(sys.argv[1], [*c.get("Entrypoint", []), *args], c.get("Env") or [], c.get("WorkingDir") or "/")
    os.execvp(argv[0], argv)
