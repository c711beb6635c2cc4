#!/bin/bash
# Run a command in a root of arm64_root.sh, beside the files of the tests: enter.sh ROOT COMMAND...
# The mounts are in a namespace of the command's own and end with it: there is nothing to unmount.
set -euo pipefail
root=$(realpath "$1")
shift
inside='mount -t proc proc "$0/proc"; mount --bind "$0/srv/cpuinfo" "$0/proc/cpuinfo"
exec chroot "$0" env --chdir=/srv/files "$@"'
exec env -u PIP_FIND_LINKS -u PYTHONPATH -u XDG_CACHE_HOME HOME=/root PATH=/srv/environment/bin:"$PATH" \
  QEMU_CPU=cortex-a72 unshare --mount --pid --fork --kill-child bash -ec "$inside" "$root" "$@"
