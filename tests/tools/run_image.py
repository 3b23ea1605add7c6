#!/usr/bin/env python3
"""run_image.py ROOTFS CONFIG.json [ARG...]: runs an unpacked image's entry point as its config says.

In namespaces of its own, with chroot: works where cgroups let neither crun nor podman start.
"""

import json
import os
import sys

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Where the root is no mount point (in a chroot) it cannot be made private, and need not be.
MOUNT = 'mount --make-rprivate / 2>/dev/null || :; mount --rbind /dev "$0/dev" && mount -t proc proc "$0/proc" && r=$0 && '


def command(rootfs, argv, env=(), cwd="/"):
    """The argument vector that runs argv in a root file system."""
    for d in ("proc", "dev"):
        os.makedirs(os.path.join(rootfs, d), exist_ok=True)
    inner = MOUNT + 'exec chroot "$r" /bin/sh -c \'cd "$0" && exec "$@"\' "$@"'
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    unshare = ["unshare", "--mount", "--propagation", "unchanged", "--pid", "--fork", "--kill-child", *user]
    return [*unshare, "/bin/sh", "-c", inner, str(rootfs), cwd, "/usr/bin/env", "-i", PATH, *env, *map(str, argv)]


if __name__ == "__main__":
    with open(sys.argv[2]) as f:
        c = json.load(f)["config"]
    args = sys.argv[3:] or c.get("Cmd") or []
    argv = command(sys.argv[1], [*c.get("Entrypoint", []), *args], c.get("Env") or [], c.get("WorkingDir") or "/")
    os.execvp(argv[0], argv)
