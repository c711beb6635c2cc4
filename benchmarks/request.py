"""What can be asked of verification and benchmark."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class VerifyRequest:
    """What to compare.

    Attributes:
        artifacts: converted models; `.bin` files beside OpenVINO's `.xml` are ignored.
        baseline: checkpoint, fp32 artifact, or saved predictions (`.npz`).
        data: see `fer_edge.data.folder.open_images`; the test subset is preferred.
        margin: acceptable loss of accuracy, as a fraction.
        threads: for every model; None takes all usable cores.
        runtime: for the artifacts; see `fer_edge.runtime.load.load`.
        save_baseline: `.npz` to write the baseline's predictions to.
    """

    artifacts: tuple[Path, ...]
    baseline: Path
    data: str
    margin: float = 0.01
    threads: int | None = None
    runtime: str | None = None
    save_baseline: Path | None = None

    @property
    def models(self) -> tuple[Path, ...]:
        """The artifacts, each once, without the `.bin` files."""
        return tuple(dict.fromkeys(path for path in self.artifacts if path.suffix != ".bin"))


@dataclass(frozen=True)
class BenchmarkRequest(VerifyRequest):
    """What to compare and to time.

    Attributes:
        min_seconds: least time per model, without warm-up.
    """

    min_seconds: float = 2.0
