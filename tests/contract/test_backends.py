"""One suite for every backend: what `Backend` promises, on a model that tells colours."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import fer_edge
from fer_edge.artifact import payload_sha256, read_manifest, write_manifest
from fer_edge.contract import InputContract
from fer_edge.errors import ArtifactError, BadInputError, CheckpointError, EnvironmentFailure, FerEdgeError, UsageError
from fer_edge.manifest import GoldenSample, Precision
from fer_edge.runtime.backends import open_backend
from fer_edge.runtime.backends.base import Backend, Probabilities
from fer_edge.runtime.backends.fake import FakeBackend
from fer_edge.runtime.load import load
from fer_edge.system_info import system_info
from tests.support.tiny_models import ARTIFACTS, CONTRACT, FORMATS, copied, make_manifest, tiny_images

CHECKPOINT = "tiny.keras"
FAKE = "fake"
FACES, LABELS = tiny_images(60, seed=11)
EXECUTED = {
    "tiny-fp32.tflite": "fp32",
    "tiny-fp16.tflite": "fp32",
    "tiny-dynamic.tflite": "int8 weights",
    "tiny-int8.tflite": "int8",
    "tiny-fp32.onnx": "fp32",
    "tiny-fp16.onnx": "fp32",
    "tiny-int8.onnx": "int8",
    "tiny-fp32.xml": "fp32",
    "tiny-fp16.xml": "fp32",
    # OpenVINO's int8 is wrong on other processors: see the backend.
    "tiny-int8.xml": "int8" if "vnni" in system_info().features else "fp32",
    CHECKPOINT: "fp32",
    FAKE: "fp32",
}
ONE_PER_FORMAT = ("tiny-int8.tflite", "tiny-int8.onnx", "tiny-int8.xml")


@pytest.fixture(scope="module", params=[*ARTIFACTS, CHECKPOINT, FAKE])
def name(request: pytest.FixtureRequest) -> str:
    value: str = request.param
    return value


@pytest.fixture(scope="module")
def backend(name: str, tiny_artifacts: Path) -> Iterator[Backend]:
    """An opened model of each kind."""
    threads = None if name == CHECKPOINT else 1  # TensorFlow cannot change them once it runs
    opened = FakeBackend(CONTRACT) if name == FAKE else load(tiny_artifacts / name, threads=threads)
    with opened as entered:
        yield entered


@pytest.fixture(scope="module")
def expected(tiny_artifacts: Path) -> Probabilities:
    """The checkpoint's probabilities of `FACES`."""
    with load(tiny_artifacts / CHECKPOINT) as baseline:
        return baseline.predict(FACES)


class TestContract:
    def test_it_is_a_backend(self, backend: Backend, name: str) -> None:
        assert isinstance(backend, Backend)
        assert backend.contract == CONTRACT
        assert backend.executed_precision == EXECUTED[name]
        assert backend.runtime.split()[0] in {
            "ai-edge-litert",
            "tflite-runtime",
            "onnxruntime",
            "openvino",
            "keras",
            "fake",
        }

    def test_it_gives_probabilities(self, backend: Backend) -> None:
        result = backend.predict(FACES)
        assert result.dtype == np.float32
        assert result.shape == (len(FACES), len(CONTRACT.labels))
        assert (result >= 0).all()
        assert np.allclose(result.sum(axis=1), 1, atol=1e-5)

    def test_it_knows_the_colours(self, backend: Backend, name: str) -> None:
        if name != FAKE:
            assert (backend.predict(FACES).argmax(axis=1) == LABELS).mean() >= 0.95

    def test_it_computes_as_the_checkpoint(self, backend: Backend, name: str, expected: Probabilities) -> None:
        if name != FAKE:
            limit = {"fp32": 1e-4, "fp16": 1e-2}.get(name.removeprefix("tiny-").split(".")[0], 0.15)
            assert np.abs(backend.predict(FACES) - expected).max() <= limit

    def test_many_faces_are_many_single_faces(self, backend: Backend) -> None:
        singles = np.concatenate([backend.predict(face[None]) for face in FACES[:8]])
        assert np.allclose(backend.predict(FACES[:8]), singles, atol=1e-6)

    def test_no_face_gives_no_row(self, backend: Backend) -> None:
        assert backend.predict(FACES[:0]).shape == (0, len(CONTRACT.labels))

    def test_results_and_inputs_stay_as_they_are(self, backend: Backend) -> None:
        faces = FACES[:1].copy()
        first = backend.predict(faces)
        kept = first.copy()
        backend.predict(255 - FACES[:1])
        assert np.array_equal(first, kept)
        assert np.array_equal(faces, FACES[:1])

    def test_views_are_as_good_as_copies(self, backend: Backend) -> None:
        view = FACES[::2, ::-1, :, ::-1]
        assert np.allclose(backend.predict(view), backend.predict(np.ascontiguousarray(view)), atol=1e-6)
        view = FACES[:1, ::-1, :, ::-1]
        view.flags.writeable = False
        assert np.allclose(backend.predict(view), backend.predict(np.ascontiguousarray(view)), atol=1e-6)

    @pytest.mark.parametrize(
        "faces",
        [
            FACES.astype(np.float32),
            FACES.astype(np.int8),
            FACES[0],
            FACES[:, :31],
            FACES[..., :1],
            FACES.transpose(0, 3, 1, 2),
        ],
        ids=lambda faces: f"{faces.dtype}{faces.shape}",
    )
    def test_other_arrays_are_refused(self, backend: Backend, faces: np.ndarray) -> None:
        with pytest.raises(BadInputError, match=r"predict takes uint8\[N, 32, 32, 3\], not"):
            backend.predict(faces)


def test_closing_twice_is_fine(name: str, tiny_artifacts: Path) -> None:
    opened = FakeBackend(CONTRACT) if name == FAKE else load(tiny_artifacts / name)
    with opened:
        opened.predict(FACES[:1])
    opened.close()


@pytest.mark.parametrize("artifact", ONE_PER_FORMAT)
def test_threads(artifact: str, tiny_artifacts: Path) -> None:
    results = [load(tiny_artifacts / artifact, threads=threads).predict(FACES) for threads in (1, 2, None)]
    assert np.array_equal(results[0].argmax(1), results[1].argmax(1))
    assert np.array_equal(results[0].argmax(1), results[2].argmax(1))
    with pytest.raises(UsageError, match="0 threads"):
        load(tiny_artifacts / artifact, threads=0)


@pytest.mark.parametrize("artifact", ONE_PER_FORMAT)
@pytest.mark.parametrize("change", [{"height": 48}, {"labels": ("a", "b")}], ids=str)
def test_a_contract_that_does_not_fit(artifact: str, change: dict[str, object], tiny_artifacts: Path) -> None:
    contract = InputContract.model_validate({**CONTRACT.model_dump(), **change})
    path = tiny_artifacts / artifact
    with pytest.raises(ArtifactError, match="but its contract says"):
        open_backend(FORMATS[path.suffix], path, contract, Precision.INT8)


@pytest.mark.parametrize("artifact", ONE_PER_FORMAT)
def test_a_file_that_the_runtime_cannot_open(artifact: str, tiny_artifacts: Path, tmp_path: Path) -> None:
    path = copied(tiny_artifacts, artifact, tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 3])
    with pytest.raises(ArtifactError, match=r"cannot open .*tiny-int8"):
        open_backend(FORMATS[path.suffix], path, CONTRACT, Precision.INT8)


@pytest.mark.parametrize(
    ("artifact", "runtime", "error", "message"),
    [
        ("tiny-int8.tflite", "torch", UsageError, "unknown runtime 'torch'.*litert, tflite-runtime"),
        (
            "tiny-int8.onnx",
            "NoProvider",
            EnvironmentFailure,
            "no NoProvider here.*CPUExecutionProvider",
        ),
        (
            "tiny-int8.onnx",
            "NoProvider,CPUExecutionProvider",
            EnvironmentFailure,
            "no NoProvider here",
        ),
        ("tiny-int8.xml", "NPU", EnvironmentFailure, "no device 'NPU' here.*CPU"),
        (CHECKPOINT, "litert", UsageError, "runs in Keras only"),
    ],
)
def test_a_runtime_that_is_not_there(
    artifact: str, runtime: str, error: type[FerEdgeError], message: str, tiny_artifacts: Path
) -> None:
    with pytest.raises(error, match=message):
        load(tiny_artifacts / artifact, runtime=runtime)


@pytest.mark.parametrize(
    ("artifact", "runtime", "hidden", "message"),
    [
        ("tiny-int8.tflite", "litert", ["ai_edge_litert.interpreter"], "pip install ai-edge-litert"),
        (
            "tiny-int8.tflite",
            "tflite-runtime",
            ["tflite_runtime.interpreter"],
            r"pip install 'fer-edge\[tflite-runtime\]'",
        ),
        (
            "tiny-int8.tflite",
            None,
            ["ai_edge_litert.interpreter", "tflite_runtime.interpreter"],
            "no TFLite runtime .*pip install ai-edge-litert",
        ),
        ("tiny-int8.onnx", None, ["onnxruntime"], r"pip install 'fer-edge\[onnx\]'"),
        ("tiny-int8.xml", None, ["openvino"], r"pip install 'fer-edge\[openvino\]'"),
        (CHECKPOINT, None, ["tensorflow"], r"pip install 'fer-edge\[train\]'"),
    ],
)
def test_a_package_that_is_not_installed(
    artifact: str,
    runtime: str | None,
    hidden: list[str],
    message: str,
    tiny_artifacts: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in hidden:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(EnvironmentFailure, match=message):
        load(tiny_artifacts / artifact, runtime=runtime)


def test_tensorflow_that_runs_already_keeps_its_threads(tiny_artifacts: Path) -> None:
    load(tiny_artifacts / CHECKPOINT).predict(FACES[:1])
    with pytest.warns(UserWarning, match="cannot change to 77 threads"):
        load(tiny_artifacts / CHECKPOINT, threads=77)


class TestLoad:
    """What `fer_edge.load` proves before it hands a model out."""

    @pytest.mark.parametrize("artifact", ONE_PER_FORMAT)
    def test_an_altered_model_is_refused(self, artifact: str, tiny_artifacts: Path, tmp_path: Path) -> None:
        path = copied(tiny_artifacts, artifact, tmp_path)
        victim = path.with_suffix(".bin") if artifact.endswith(".xml") else path
        content = bytearray(victim.read_bytes())
        content[600] ^= 1
        victim.write_bytes(content)
        with pytest.raises(ArtifactError, match="altered or cut short"):
            fer_edge.load(path)

    @pytest.mark.parametrize("artifact", ONE_PER_FORMAT)
    def test_another_label_is_refused(self, artifact: str, tiny_artifacts: Path, tmp_path: Path) -> None:
        path = copied(tiny_artifacts, artifact, tmp_path)
        face = tiny_images(1)[0][0]
        golden = GoldenSample.of(face, np.array([0.1, 0.8, 0.1], np.float32))
        write_manifest(path, read_manifest(path).model_copy(update={"golden": golden}))
        message = f"golden sample for 'red' here, not for 'green'.*executed as {EXECUTED[artifact]}"
        with pytest.raises(ArtifactError, match=message):
            fer_edge.load(path)

    @pytest.mark.parametrize("artifact", ONE_PER_FORMAT)
    def test_other_probabilities_are_a_warning(self, artifact: str, tiny_artifacts: Path, tmp_path: Path) -> None:
        path = copied(tiny_artifacts, artifact, tmp_path)
        golden = GoldenSample.of(tiny_images(1)[0][0], np.array([0.9, 0.05, 0.05], np.float32))
        write_manifest(path, read_manifest(path).model_copy(update={"golden": golden}))
        with pytest.warns(UserWarning, match=f"differ by 0.*executed as {EXECUTED[artifact]}.*fer-edge verify"):
            fer_edge.load(path).close()

    def test_a_golden_sample_with_too_few_probabilities(self, tiny_artifacts: Path, tmp_path: Path) -> None:
        path = copied(tiny_artifacts, "tiny-int8.tflite", tmp_path)
        golden = GoldenSample.of(tiny_images(1)[0][0], np.array([0.9, 0.1], np.float32))
        write_manifest(path, read_manifest(path).model_copy(update={"golden": golden}))
        with pytest.raises(ArtifactError, match="2 probabilities for 3 labels"):
            fer_edge.load(path)

    @pytest.mark.parametrize("artifact", ONE_PER_FORMAT)
    def test_a_valid_manifest_on_a_broken_model(self, artifact: str, tiny_artifacts: Path, tmp_path: Path) -> None:
        path = copied(tiny_artifacts, artifact, tmp_path)
        damage: dict[str, Callable[[bytes], bytes]] = {
            ".tflite": lambda content: content[:8] + b"\xff" * 400 + content[408:],
            ".onnx": lambda content: b"\x08\x0a\x3a\x04\xff\xff\xff\xff",
            ".xml": lambda content: content.replace(b'type="Convolution"', b'type="Convulsion"'),
        }
        path.write_bytes(damage[path.suffix](path.read_bytes()))
        write_manifest(path, make_manifest(path, Precision.INT8))
        assert payload_sha256(path, FORMATS[path.suffix]) == read_manifest(path).payload_sha256
        with pytest.raises(ArtifactError, match="cannot open"):
            fer_edge.load(path)

    def test_a_foreign_checkpoint_says_how_to_convert_it(self, tiny_artifacts: Path, tmp_path: Path) -> None:
        path = tmp_path / "foreign.keras"
        with zipfile.ZipFile(tiny_artifacts / CHECKPOINT) as source, zipfile.ZipFile(path, "w") as target:
            for member in source.infolist():
                if member.filename != "fer_edge.json":
                    target.writestr(member, source.read(member))
        with pytest.raises(CheckpointError, match="did not make it.*--labels"):
            fer_edge.load(path)
