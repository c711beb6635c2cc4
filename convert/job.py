"""One conversion: export, calibrate, quantize, compare, seal; one target's failure does not stop the others."""

from __future__ import annotations

import errno
import hashlib
import importlib
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from convert.calibration import CalibrationSet, sample_calibration
from convert.parity import check
from convert.plan import AS_EXPORTED, FormatPlan, Plan, load_plan
from convert.request import ConvertRequest, Target, TargetResult
from convert.targets import TARGETS
from convert.targets.base import ConversionTarget, FloatGraphs
from fer_edge.artifact import artifact_files, payload_sha256, read_manifest, size_bytes, write_manifest
from fer_edge.checkpoint import add_checkpoint_info, file_sha256, read_checkpoint_info
from fer_edge.contract import InputContract
from fer_edge.errors import ArtifactError, BadInputError, FerEdgeError, NoSpaceError
from fer_edge.manifest import CheckpointInfo, Format, GoldenSample, Manifest, Precision, Source
from fer_edge.optional import require
from fer_edge.preprocess import Image
from fer_edge.quiet import quiet
from fer_edge.registry import lookup
from fer_edge.runtime.backends import open_backend
from fer_edge.runtime.backends.base import Probabilities
from fer_edge.synthetic import SIZES, random_face
from fer_edge.whole_file import whole_file

if TYPE_CHECKING:
    import keras

PARITY_IMAGES = 256
GOLDEN_CANDIDATES = 256
MIN_FREE_BYTES = 20 * 2**20
TOOLS = {
    Format.TFLITE: ("tensorflow", "keras", "numpy"),
    Format.ONNX: ("tensorflow", "keras", "tf2onnx", "onnx", "onnxruntime", "numpy"),
    Format.OPENVINO: ("tensorflow", "keras", "tf2onnx", "onnx", "openvino", "nncf", "numpy"),
}


@dataclass(frozen=True)
class _Common:
    """What all targets of one conversion share.

    Attributes:
        accuracy: of the baseline on the parity faces, 0-1.
    """

    request: ConvertRequest
    plan: Plan
    source: Source
    graphs: FloatGraphs
    parity_faces: Image
    baseline: Probabilities
    accuracy: float
    golden_face: Image


def convert(request: ConvertRequest, say: Callable[[str], None]) -> list[TargetResult]:
    """Make the requested artifacts in `request.out`.

    Raises:
        BadInputError: model, data or output folder are wrong; artifacts exist already.
        MissingDependencyError: a converter's package is not installed.
        NoSpaceError: the disk is full.
    """
    plan = load_plan(request.plan)
    check_output(request)
    for target in request.targets:
        require(f"convert.targets.{target.format.value}", extra="convert")
    say(f"[1/3] calibration: {request.calibration_count} images of {request.calibration.source}")
    calibration = sample_calibration(
        request.calibration, request.contract, request.calibration_count, request.evaluation, request.seed
    )
    request.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".convert-", dir=request.out) as work:
        say(f"[2/3] full-precision outputs of {request.model.name}")
        with quiet():
            common = _prepare(request, plan, calibration, Path(work))
        say(f"      {_described(common)}")
        say(f"[3/3] {len(request.targets)} artifacts, plan {request.plan}")
        results = []
        for number, target in enumerate(request.targets, 1):
            result = _attempt(common, target)
            results.append(result)
            outcome = result.reason or (
                f"{result.size_bytes / 1e6:.1f} MB, agreement {result.parity.agreement:.3f}" if result.parity else ""
            )
            say(f"  {number}/{len(request.targets)} {target}: {result.status}, {outcome} ({result.seconds:.0f} s)")
    return results


def check_output(request: ConvertRequest) -> None:
    """Refuse to replace artifacts that are already there.

    Raises:
        BadInputError: one exists, and neither --resume nor --overwrite was given.
    """
    paths = [request.out / target.file_name(request.model.stem) for target in request.targets]
    if request.foreign is not None:
        paths.append(wrapped_path(request))
    present = [path for path in paths if path.exists()]
    if present and not (request.resume or request.overwrite):
        raise BadInputError(
            f"{present[0]} exists already ({len(present)} of {len(paths)} artifacts do)",
            "Give another --out, --resume to make only what is missing, or --overwrite to replace them",
        )


def _prepare(request: ConvertRequest, plan: Plan, calibration: CalibrationSet, work: Path) -> _Common:
    from convert import model as float_model

    model = float_model.open_float_model(request.model, request.foreign)
    images = request.evaluation or request.calibration
    spread = np.linspace(0, len(images) - 1, min(PARITY_IMAGES, len(images))).astype(np.int64)
    faces = images.take(spread).array(request.contract)
    baseline = float_model.predict(model, faces)
    float_model.check_probabilities(request.model, baseline)
    info = read_checkpoint_info(request.model)
    sha256 = file_sha256(request.model)
    if request.foreign is not None:
        sha256 = hashlib.sha256(f"{sha256} {request.foreign}".encode()).hexdigest()
        _keep_wrapped(model, request, sha256)
    source = Source(
        name=request.model.name,
        sha256=sha256,
        architecture=info.architecture if info else "unknown",
        selected_on=info.training.tuning if info and info.training else (),
    )
    graphs = FloatGraphs(model, request.contract, calibration, work)
    accuracy = float((baseline.argmax(1) == images.targets[spread]).mean())
    return _Common(request, plan, source, graphs, faces, baseline, accuracy, _golden_face(model, request.contract))


def _described(common: _Common) -> str:
    """What a person should know about the baseline before its copies are made."""
    request, classes = common.request, len(common.graphs.contract.labels)
    kept = f"; kept as the baseline: {wrapped_path(request)}" if request.foreign is not None else ""
    text = f"it classifies {common.accuracy:.1%} of {len(common.parity_faces)} of these images rightly{kept}"
    if common.accuracy < 1.5 / classes:
        text += f"\n      warning: chance gives {1 / classes:.1%}; check the class folders and, of a foreign model, "
        text += "the order of --labels, --colour, --scale, --mean and --std"
    return text


def wrapped_path(request: ConvertRequest) -> Path:
    """Where a foreign model is kept with its scaling and contract inside."""
    return request.out / f"{request.model.stem}-fp32.keras"


def _keep_wrapped(model: keras.Model, request: ConvertRequest, sha256: str) -> None:
    """Write a foreign model with its scaling and contract inside: the baseline for verify and benchmark."""
    path = wrapped_path(request)
    if path.exists() and not request.overwrite:
        info = read_checkpoint_info(path)
        if info is None or info.wraps_sha256 != sha256:
            message = f"{path} is there already, made from another model or contract"
            raise BadInputError(message, "Give another --out, or --overwrite to replace it")
        return
    with whole_file(path) as temporary:
        model.save(temporary)
        info = CheckpointInfo(architecture="unknown", contract=request.contract, wraps_sha256=sha256)
        add_checkpoint_info(temporary, info)


def _golden_face(model: keras.Model, contract: InputContract) -> Image:
    """The synthetic face (of many) that the model classifies with the largest top-1 margin."""
    from convert.model import predict
    from fer_edge.preprocess import preprocess

    random = np.random.default_rng(0)
    size = min(max(contract.height, contract.width, SIZES[0]), SIZES[1])
    faces = np.stack([preprocess(random_face(random, size), contract) for _ in range(GOLDEN_CANDIDATES)])
    ordered = np.sort(predict(model, faces), axis=1)
    return np.asarray(faces[(ordered[:, -1] - ordered[:, -2]).argmax()])


def _attempt(common: _Common, target: Target) -> TargetResult:
    """Make one artifact; a failure becomes its reason, except a full disk and an interruption."""
    started = time.monotonic()
    request = common.request
    path = request.out / target.file_name(request.model.stem)
    try:
        if request.resume and path.exists() and (kept := _kept(common, target, path)):
            return kept
        with quiet():
            manifest = _make(common, target, path)
    except Exception as error:  # converters raise anything; the others must still be made
        if shutil.disk_usage(request.out).free < MIN_FREE_BYTES or getattr(error, "errno", 0) == errno.ENOSPC:
            raise NoSpaceError(f"no space left in {request.out}", "Free space, then run again with --resume") from error
        reason = str(error) if isinstance(error, FerEdgeError) else f"{type(error).__name__}: {error}"
        first = " ".join(reason.split())[:300]
        return TargetResult(target, "failed", reason=first, seconds=time.monotonic() - started)
    return _result(target, "made", path, manifest, time.monotonic() - started)


def _kept(common: _Common, target: Target, path: Path) -> TargetResult | None:
    """With --resume: the artifact that is there; None for a damaged one, which is made again.

    Raises:
        BadInputError: it is whole, but was made from other things, and --overwrite was not given.
    """
    try:
        manifest = read_manifest(path)
        whole = payload_sha256(path, target.format) == manifest.payload_sha256
    except ArtifactError:
        return None
    calibration = common.graphs.calibration.record if target.precision is Precision.INT8 else None
    plan = common.request.plan, _format_plan(common, target).sha256()
    pairs = {
        "model or contract": (manifest.source, common.source),
        "plan": ((manifest.plan, manifest.plan_sha256), plan),
        "calibration images": (manifest.calibration, calibration),
        "versions of the converters": (manifest.tools, _tools(target.format)),
    }
    other = [name for name, (found, wanted) in pairs.items() if found != wanted]
    if not whole or (other and common.request.overwrite):
        return None
    if other:
        message = f"{path} is there already, made from other inputs ({', '.join(other)})"
        raise BadInputError(message, "Give another --out, or --overwrite to replace it")
    return _result(target, "kept", path, manifest, 0.0)


def _result(target: Target, status: str, path: Path, manifest: Manifest, seconds: float) -> TargetResult:
    return TargetResult(target, status, path, size_bytes(path), manifest.parity, manifest.steps, seconds=seconds)


def _format_plan(common: _Common, target: Target) -> FormatPlan:
    """Only int8 has a plan."""
    plan: FormatPlan = getattr(common.plan, target.format.value)
    return plan if target.precision is Precision.INT8 else AS_EXPORTED


def _tools(format_: Format) -> dict[str, str]:
    return {name: importlib.import_module(name).__version__ for name in TOOLS[format_]}


def _make(common: _Common, target: Target, path: Path) -> Manifest:
    """Convert, compare with the baseline, embed the manifest, and only then move the files into place."""
    implementation: ConversionTarget = lookup(TARGETS, target.format.value, "format")()
    made = common.graphs.work / path.name
    plan = _format_plan(common, target)
    steps, settings = implementation.convert(common.graphs, target.precision, plan, made)
    contract = common.graphs.contract
    with open_backend(
        target.format, made, contract, target.precision, threads=common.request.threads, settings=settings
    ) as backend:
        parity = check(common.baseline, backend.predict(common.parity_faces), target.precision)
        golden = GoldenSample.of(common.golden_face, backend.predict(common.golden_face[None])[0])
    manifest = Manifest(
        format=target.format,
        precision=target.precision,
        contract=contract,
        golden=golden,
        payload_sha256=payload_sha256(made, target.format),
        source=common.source,
        plan=common.request.plan,
        plan_sha256=plan.sha256(),
        steps=steps,
        runtime_settings=settings,
        calibration=common.graphs.calibration.record if target.precision is Precision.INT8 else None,
        parity=parity,
        tools=_tools(target.format),
    )
    write_manifest(made, manifest)
    for file in reversed(artifact_files(made)):  # the .xml last: without its .bin it would look like an artifact
        file.replace(path.with_suffix(file.suffix))
    return manifest
