#!/bin/bash
# A Debian bookworm root for arm64, the userland of Raspberry Pi OS, with fer-edge in it: arm64_root.sh ROOT PROJECT
# Needs root, mmdebstrap, binfmt-support and qemu-user-static; enter.sh runs commands there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$1 project=$2

# Without a Raspberry Pi 4's cores the runtimes crash. What cpuinfo names as the model is in every report.
processor() {
  local cpus="$root/sys/devices/system/cpu" n cpu
  mkdir -p "$cpus"
  echo 0-3 | tee "$cpus"/{possible,present,online} > /dev/null
  for n in 0 1 2 3; do
    cpu="$cpus/cpu$n"
    mkdir -p "$cpu"/{topology,regs/identification}
    echo "$n" > "$cpu/topology/core_id"
    echo 0 > "$cpu/topology/physical_package_id"
    echo $((1 << n)) > "$cpu/topology/core_cpus"
    echo f > "$cpu/topology/package_cpus"
    echo 0x00000000410fd083 > "$cpu/regs/identification/midr_el1"
    printf '%s\t: %s\n' processor "$n" 'model name' 'Cortex-A72 emulated by qemu-user: its timings mean nothing' \
      Features 'fp asimd evtstrm crc32 cpuid' 'CPU implementer' 0x41 'CPU architecture' 8 'CPU variant' 0x0 \
      'CPU part' 0xd08 'CPU revision' 3
    echo
  done > "$root/srv/cpuinfo"
}

[ -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ] || update-binfmts --enable qemu-aarch64
if [ ! "$root/ready" -nt "$here/arm64_root.sh" ]; then  # absent, or made by an older script
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -1)
  rm -rf --one-file-system "$root"
  mkdir -p "$root"
  mmdebstrap --variant=extract --arch=arm64 --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
    --include=bash,dash,coreutils,base-files,python3,python3-venv,ca-certificates,libgomp1,libstdc++6 \
    bookworm "$root" "deb $mirror bookworm main"
  mkdir -p "$root/etc/ssl/certs" "$root/srv/files"
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  cp /etc/resolv.conf "$root/etc/"
  processor
  "$here/enter.sh" "$root" python3 -m venv /srv/environment
  touch "$root/ready"
fi
rm -rf --one-file-system "$root/srv/project"
mkdir "$root/srv/project"
(cd "$project" && git ls-files -z | tar --null -T - -cf -) | tar -xf - -C "$root/srv/project"
"$here/enter.sh" "$root" pip install -q --no-cache-dir -c /srv/project/constraints.txt "/srv/project[onnx,openvino,benchmark]"
