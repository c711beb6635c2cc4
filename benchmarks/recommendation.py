"""Which artifact to take, and why not the others."""

from __future__ import annotations

from fer_edge.evaluation.results import ArtifactResult, Comparison
from fer_edge.evaluation.verdict import Verdict
from fer_edge.manifest import Precision
from fer_edge.system_info import has_int8_dot_product


def verdict_reason(comparison: Comparison, n: int, margin: float) -> list[str]:
    """What an INFERIOR or INCONCLUSIVE verdict means, in words.

    Args:
        comparison: the candidate against the baseline.
        n: images compared.
        margin: acceptable loss of accuracy, as a fraction.
    """
    ends = f"[{100 * comparison.delta_ci95.low:+.2f}, {100 * comparison.delta_ci95.high:+.2f}]"
    limit = f"{100 * margin:g} points"
    if comparison.verdict is Verdict.INFERIOR:
        return [f"it loses more than {limit} of accuracy: {100 * comparison.delta_accuracy:+.2f} {ends}"]
    if comparison.verdict is Verdict.INCONCLUSIVE:
        need = (
            f"about {comparison.required_n} are needed"
            if comparison.required_n
            else "it sits on the margin, where no number decides"
        )
        return [f"{n} images do not decide at {limit} ({100 * comparison.delta_accuracy:+.2f} {ends}): {need}"]
    return []


def speed_reason(artifact: ArtifactResult) -> list[str]:
    """Why the artifact is not proved faster than its runtime's fp32; empty when it is, or is fp32 itself."""
    if artifact.precision == Precision.FP32.value:
        return []
    if artifact.speedup_vs_fp32 is None:
        return ["not compared with its runtime's fp32 artifact, which was not among those given: add it"]
    ci = artifact.speedup_vs_fp32.ci95
    if ci.low > 1:
        return []
    measured = f"not proved faster than its fp32: {artifact.speedup_vs_fp32.value:.2f}x [{ci.low:.2f}, {ci.high:.2f}]"
    return [f"{measured}; {_cause(artifact)}"]


def recommended(artifact: ArtifactResult) -> bool:
    """Whether accuracy is proved, the times are valid and, below fp32, the speed is proved."""
    proved = artifact.comparison.verdict is Verdict.NON_INFERIOR and bool(artifact.valid)
    return proved and not speed_reason(artifact)


def fastest(artifacts: tuple[ArtifactResult, ...]) -> ArtifactResult | None:
    """The recommended artifact with the smallest median time."""
    timed = [(a.latency.percentile_ms(50) or 0.0, a) for a in artifacts if a.recommended and a.latency]
    return min(timed, key=lambda pair: pair[0])[1] if timed else None


def _cause(artifact: ArtifactResult) -> str:
    executed, stored = artifact.executed_precision, artifact.precision
    if stored == Precision.FP16.value and executed != "fp16":
        return f"fp16 is how it is stored; {artifact.runtime} executed it in {executed}, so only the file is smaller"
    if stored == Precision.INT8.value and executed != "int8":
        return f"{artifact.runtime} executed it in {executed}, not in int8"
    if stored in (Precision.INT8.value, Precision.DYNAMIC.value) and not has_int8_dot_product():
        return "this processor has no int8 dot-product instructions (VNNI on x86-64, dotprod on ARM)"
    if stored == Precision.DYNAMIC.value:
        return "its activations are quantized anew in every call, which costs what int8 weights gain"
    return f"the {stored} kernels of {artifact.runtime} do not gain on this network and processor"
