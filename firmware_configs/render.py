"""The files that a device needs, made from its profile: boot, udev, systemd and settings."""

from __future__ import annotations

import json
import shlex
import tempfile
from dataclasses import dataclass
from pathlib import Path
from string import Template

from fer_edge.errors import BadInputError
from fer_edge.profiles import Profile

TEMPLATES = Path(__file__).parent / "templates"
TARGETS = {
    "run.toml": "/etc/fer-edge/run.toml",
    "60-fer-edge.rules": "/etc/udev/rules.d/60-fer-edge.rules",
    "fer-edge.service": "/etc/systemd/system/fer-edge.service",
}
BOOT_CONFIG = "config.txt"
# Raspberry Pi OS has this rule; other systems on the same board let root alone allocate libcamera's buffers.
DMA_HEAP = 'SUBSYSTEM=="dma_heap", GROUP="video", MODE="0660"'


@dataclass(frozen=True)
class Rendered:
    """One file.

    Attributes:
        name: in the folder that is written.
        target: where it belongs on the device.
        text: its content.
    """

    name: str
    target: str
    text: str


def render(profile: Profile) -> list[Rendered]:
    """All files for a device, in the order in which they are installed."""
    targets = dict(TARGETS)
    if profile.system.boot_config is not None:
        targets = {BOOT_CONFIG: profile.system.boot_config, **targets}
    values = _values(profile)
    return [Rendered(name, target, _fill(name, values)) for name, target in targets.items()]


def _fill(name: str, values: dict[str, str]) -> str:
    return Template((TEMPLATES / name).read_text(encoding="utf-8")).substitute(values).rstrip("\n") + "\n"


def _values(profile: Profile) -> dict[str, str]:
    service = profile.service
    # A daemon that was restarted has made its sockets anew, and the service sees the old ones: it restarts too.
    unit = [f"{key}={daemon}\n" for daemon in service.daemons for key in ("Wants", "After", "PartOf")]
    return {
        "title": profile.title,
        "boot_config": profile.system.boot_config or "",
        "rules": DMA_HEAP if "char-dma_heap" in service.devices else "",
        "source": json.dumps(profile.camera.source, ensure_ascii=False),
        "detect_every": str(profile.recommended.detect_every),
        "threads": str(profile.recommended.threads),
        "unit": "".join(unit),
        "groups": " ".join(service.groups),
        "memory_max_mb": str(service.memory_max_mb),
        "binds": "".join(f"BindPaths={socket}\n" for socket in service.sockets),
        "devices": "".join(f"DeviceAllow={device} rw\n" for device in service.devices),
        "memory_deny_write_execute": "no" if service.generates_code else "yes",
    }


def write(files: list[Rendered], folder: Path, overwrite: bool) -> None:
    """Write the files, each under a temporary name first.

    Raises:
        BadInputError: one exists, and `overwrite` is false; nothing was written then.
    """
    taken = [file.name for file in files if (folder / file.name).exists()]
    if taken and not overwrite:
        raise BadInputError(f"{folder / taken[0]} exists already", "Give another --out, or --overwrite to replace it")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".render-") as temporary:
        for file in files:
            (Path(temporary) / file.name).write_text(file.text, encoding="utf-8")
        for file in files:
            (Path(temporary) / file.name).replace(folder / file.name)


def install_commands(profile: Profile, files: list[Rendered], folder: Path) -> list[str]:
    """Shell commands that install fer-edge and the files on the device, in a checkout of fer-edge there."""
    shared = "--system-site-packages " if profile.camera.apt else ""
    commands = [f"sudo apt install python3-venv {' '.join(profile.camera.apt)}".rstrip()]
    # Tested versions, except where the camera's packages from apt allow only others.
    wanted = " ".join(map(shlex.quote, profile.camera.pip)) or "-c constraints.txt"
    commands += [f"sudo python3 -m venv {shared}/opt/fer-edge"]
    commands += [f"sudo /opt/fer-edge/bin/pip install '.[onnx,web]' {wanted}"]
    # The file that is fetched is for its owner alone, and the service is another user.
    commands += ["sudo XDG_CACHE_HOME=/var/cache /opt/fer-edge/bin/fer-edge models fetch"]
    commands += ["sudo chmod -R a+rX /var/cache/fer-edge"]
    for file in files:
        path = shlex.quote(str(folder / file.name))
        if file.name == BOOT_CONFIG:
            commands.append(f"sudo tee -a {file.target} < {path} > /dev/null")
        else:
            commands.append(f"sudo install -D -m 644 {path} {file.target}")
    commands += ["sudo udevadm control --reload"]
    commands += ["sudo udevadm trigger --subsystem-match=video4linux --subsystem-match=dma_heap"]
    commands += ["sudo systemctl daemon-reload", "sudo systemctl enable --now fer-edge"]
    return commands
