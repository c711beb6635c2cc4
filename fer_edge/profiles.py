"""Device profiles: what a board is, where that is documented, and how fer-edge should run on it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from fer_edge.errors import UsageError
from fer_edge.manifest import Precision
from fer_edge.toml_file import read_toml

# By path, for the core imports no other package of ours.
FOLDER = Path(__file__).parents[1] / "firmware_configs" / "profiles"
FACTS = ("cpu", "memory", "system", "camera")

# What is rendered into files that root installs: one line, without anything that systemd would take for more.
Line = Annotated[str, Field(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]+$")]
Requirement = Annotated[str, Field(max_length=200, pattern=r"^[a-z0-9][^\x00-\x1f\x7f]*$")]
DeviceName = Annotated[str, Field(max_length=100, pattern=r"^(char-[a-z0-9_]+|/dev/[A-Za-z0-9/_,-]+)$")]
AbsolutePath = Annotated[str, Field(max_length=200, pattern=r"^(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)+$")]
Name = Annotated[str, Field(max_length=60, pattern=r"^[a-z0-9][a-z0-9_.+-]*$")]
Count = Annotated[int, Field(ge=1, le=1024)]
Megabytes = Annotated[int, Field(ge=64, le=2**22)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Cpu(_Part):
    """The processor.

    Attributes:
        features: those that matter for inference, named as `fer-edge doctor` names them.
    """

    model: Line
    architecture: Literal["aarch64", "x86_64"]
    cores: Count
    features: list[Literal["avx2", "avx512", "vnni", "bf16", "dotprod", "fp16", "i8mm"]]


class Memory(_Part):
    """Memory sizes that the board is sold with."""

    sizes_mb: Annotated[list[Megabytes], Field(min_length=1)]


class System(_Part):
    """Operating system and what can be installed there.

    Attributes:
        python: versions that come with the system, "3.11".
        runtimes: those with wheels for this architecture and these versions of Python.
        boot_config: the firmware's file, where there is one to change.
    """

    os: Line
    python: Annotated[list[Annotated[str, Field(pattern=r"^3\.\d+$")]], Field(min_length=1)]
    runtimes: Annotated[list[Literal["litert", "tflite-runtime", "onnx", "openvino"]], Field(min_length=1)]
    boot_config: AbsolutePath | None = None


class Camera(_Part):
    """The camera.

    Attributes:
        source: for `fer-edge run --source`.
        apt: packages of the system that read it; they are the reason for --system-site-packages.
        pip: what they ask of packages that come from pip.
    """

    source: Line
    apt: list[Name]
    pip: list[Requirement] = []


class Recommended(_Part):
    """How to run; `reason` says what the choice rests on."""

    format: Literal["tflite", "onnx", "openvino"]
    precision: Precision = Field(strict=False)
    threads: Count
    detect_every: Count
    reason: Line


class Service(_Part):
    """What the systemd service may use.

    Attributes:
        memory_max_mb: more, and the kernel ends it.
        devices: "char-NAME" as in /proc/devices, or a path.
        groups: that own these devices.
        sockets: of camera daemons in /tmp, which the service otherwise has for itself alone.
        daemons: units that the camera needs.
        generates_code: whether the camera's libraries write machine code and run it.
    """

    memory_max_mb: Megabytes
    devices: Annotated[list[DeviceName], Field(min_length=1)]
    groups: Annotated[list[Name], Field(min_length=1)]
    sockets: list[AbsolutePath] = []
    daemons: list[Name] = []
    generates_code: bool = False


class Source(_Part):
    """The document that facts were taken from; `facts` are dotted names such as "cpu.cores"."""

    facts: Annotated[list[Name], Field(min_length=1)]
    where: Line


class Profile(_Part):
    """One board.

    Attributes:
        title: its name.
        tested: what of this was run on it.
        sources: where every fact of `cpu`, `memory`, `system` and `camera` is documented.
    """

    schema_version: Literal[1]
    title: Line
    tested: Line
    cpu: Cpu
    memory: Memory
    system: System
    camera: Camera
    recommended: Recommended
    service: Service
    sources: list[Source]

    @model_validator(mode="after")
    def _facts_have_sources(self) -> Profile:
        stated = {f"{part}.{name}" for part in FACTS for name in getattr(self, part).model_fields_set}
        named = {fact for source in self.sources for fact in source.facts}
        if stated - named:
            raise ValueError(f"no source is given for {', '.join(sorted(stated - named))}")
        if named - stated:
            raise ValueError(
                f"a source is given for {', '.join(sorted(named - stated))}, which the profile does not say"
            )
        return self


def profile_names() -> list[str]:
    """The profiles that come along."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load_profile(name: str) -> Profile:
    """Read a profile by its name, or from the path of a TOML file.

    Raises:
        UsageError: there is no such profile.
        BadInputError: the file is not valid.
    """
    if name.endswith(".toml"):
        path = Path(name)
    elif name in profile_names():
        path = FOLDER / f"{name}.toml"
    else:
        known = ", ".join(profile_names())
        raise UsageError(f"there is no device profile {name!r}", f"Choose one of: {known}, or the path of a .toml file")
    return read_toml(path, Profile, "device profile", "Compare it with docs/devices.md")
