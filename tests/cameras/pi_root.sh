#!/bin/bash
# A Debian trixie root with libcamera's virtual camera, the real picamera2 and fer-edge: pi_root.sh ROOT PROJECT
# Needs root, mmdebstrap and gcc. The camera shows ROOT/srv/frames/*.jpg, 640x480.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$1 project=$2
if [ ! -e "$root/ready" ]; then
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -1)
  rm -rf --one-file-system "$root"
  mmdebstrap --variant=extract --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
    --include=bash,coreutils,base-files,python3,python3-venv,ca-certificates,libgomp1,gcc,libc6-dev,python3-dev \
    --include=libcap-dev,libcamera-tools,python3-libcamera,libarchive13t64 \
    --aptopt='APT::Default-Release "trixie-backports"' \
    trixie "$root" "deb $mirror trixie main" "deb $mirror trixie-backports main"
  mkdir -p "$root"/{etc/ssl/certs,tmp,proc,dev/shm,srv/frames,usr/share/libcamera/pipeline/virtual}
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  cp /etc/resolv.conf "$root/etc/"
  for device in "null 3" "zero 5" "urandom 9" "random 8"; do
    set -- $device
    [ -e "$root/dev/$1" ] || mknod -m 666 "$root/dev/$1" c 1 "$2"
  done
  gcc -shared -fPIC -O1 -o "$root/srv/dmabuf_shim.so" "$here/dmabuf_shim.c" -ldl
  cat > "$root/usr/share/libcamera/pipeline/virtual/virtual.yaml" <<'YAML'
%YAML 1.1
---
"Virtual0":
  supported_formats:
  - {width: 640, height: 480, frame_rates: [30, 30]}
  frames:
    path: "/srv/frames/"
  location: "CameraLocationFront"
  model: "Virtual Video Device"
YAML
  chroot "$root" env -u PIP_FIND_LINKS HOME=/root python3 -m venv --system-site-packages /srv/environment
  chroot "$root" env -u PIP_FIND_LINKS HOME=/root /srv/environment/bin/pip install -q --no-cache-dir numpy picamera2
  touch "$root/ready"
fi
rm -rf "$root/srv/project" "$root/srv/stand-ins"
mkdir "$root/srv/project"
(cd "$project" && git ls-files -z | tar --null -T - -cf -) | tar -xf - -C "$root/srv/project"
cp -r "$here/pi" "$root/srv/stand-ins"
chroot "$root" env -u PIP_FIND_LINKS HOME=/root /srv/environment/bin/pip install -q --no-cache-dir \
  -c /srv/project/constraints.txt "/srv/project[onnx,benchmark]"
