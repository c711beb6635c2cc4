"""libcamera's virtual camera has no raw stream, which picamera2 asks every camera for."""

from __future__ import annotations

from typing import Any

import libcamera

_generate = libcamera.Camera.generate_configuration


def _without_raw(camera: Any, roles: list[Any]) -> Any:
    raw, other = libcamera.StreamRole.Raw, libcamera.StreamRole.Viewfinder
    return _generate(camera, [other if role == raw else role for role in roles])


libcamera.Camera.generate_configuration = _without_raw

from picamera2 import Picamera2  # noqa: E402 - asks libcamera while it is imported
from picamera2.allocators import LibcameraAllocator  # noqa: E402

_open = Picamera2.__init__


def _with_its_own_buffers(self: Picamera2, *arguments: Any, **options: Any) -> None:
    """The default allocator maps DMA heaps, which the virtual camera's buffers do not come from."""
    _open(self, *arguments, **options)
    self.allocator = LibcameraAllocator(self.camera)


Picamera2.__init__ = _with_its_own_buffers
