"""Which camera this machine has."""

from __future__ import annotations

from pathlib import Path

from fer_edge.errors import EnvironmentFailure, FerEdgeError
from fer_edge.runtime.sources import open_source

JETSON = Path("/etc/nv_tegra_release")


def candidates() -> list[str]:
    """URIs worth trying here, the likeliest first."""
    first = ["csi://0", "picamera2://0"] if JETSON.exists() else ["picamera2://0", "csi://0"]
    devices = sorted(Path("/dev").glob("video*"), key=lambda path: (len(path.name), path.name))
    return [*first, *(f"v4l2://{device}" for device in devices)]


def find_source() -> str:
    """The URI of the first camera that gives a frame.

    Raises:
        EnvironmentFailure: there is none; the message lists what was tried.
    """
    tried = []
    for uri in candidates():
        try:
            with open_source(uri) as source:
                if source.read() is not None:
                    return uri
            tried.append(f"{uri}: it gives no frame")
        except FerEdgeError as error:
            tried.append(f"{uri}: {error.message}")
    if not any(uri.startswith("v4l2") for uri in candidates()):
        tried.append("v4l2: there is no /dev/video*")
    listed = "".join(f"\n         {line}" for line in tried)
    raise EnvironmentFailure(
        f"no camera was found{listed}", "Plug one in, or try without: fer-edge run --source synthetic://"
    )
