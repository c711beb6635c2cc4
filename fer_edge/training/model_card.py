"""The model card: what a model is, what it learned from, what it must not be used for."""

from __future__ import annotations

from pathlib import Path

from fer_edge.manifest import CheckpointInfo
from fer_edge.training.recipe import Recipe
from fer_edge.training.state import Progress
from fer_edge.whole_file import write_text_file

TEMPLATE = """# {architecture}, {size} px, {classes} expressions

A facial-expression classifier trained by `fer-edge train`.

| | |
|---|---|
| input | `[N, {size}, {size}, 3]`, RGB, 0-255, NHWC: a face crop; {inside} inside the graph |
| crop | the face's box, grown on each side by {margin:.0%} of its longer side, stretched to this size (`{resize}`) |
| output | float32 `[N, {classes}]`: probabilities of {labels} |
| recipe | `{recipe}`{overrides} |
| initial weights | {weights} |
| seed | {seed} |
| images | {fit} to fit, {tuning} to tune (SHA-256 of the set: `{data}`) |
| targets | {targets} |
| epochs | {epochs}, best {best_epoch} |
| after training | {finish} |
| accuracy on the tuning images | {accuracy:.1%} (they chose the epoch: not an independent figure) |
| made with | {tools} |

## Intended use
Estimating which of the listed expressions a face shows, as a signal among others: interaction, user research, art.

## Not for
Decisions about people: hiring, policing, credit, health. In the EU, emotion recognition at work and in education is
forbidden but for medical and safety reasons, and may count as high-risk elsewhere; people must be told. Ask a lawyer.
An expression is not an emotion, and labels are what raters saw, not what people felt.

## Limits
- It always gives one of its answers. Other expressions, two at once, or no face at all get one of them too.
- Accuracy differs between groups of people, lighting, head pose and cameras, and was not measured per group. Measure it
  on labelled faces from your own camera: `fer-edge capture` collects them, `fer-edge evaluate` measures.
- It expects a face crop with a margin, as `fer-edge run` and `fer-edge predict` cut it.
"""


def write_model_card(path: Path, info: CheckpointInfo, recipe: Recipe, progress: Progress) -> None:
    """Write the card of a model that this package trained.

    Raises:
        ValueError: `info.training` is missing, as in a foreign model.
    """
    training = info.training
    if training is None:
        raise ValueError("a foreign model has no training record")
    overrides = ", ".join(f"{k} {v}" for k, v in training.overrides.items())
    text = TEMPLATE.format(
        architecture=info.architecture,
        size=info.contract.height,
        classes=len(info.contract.labels),
        inside="scaling and the conversion to grey are" if info.contract.colour == "grey" else "scaling is",
        margin=info.contract.crop_margin,
        resize=info.contract.resize,
        labels=", ".join(info.contract.labels),
        recipe=training.recipe,
        overrides=f" with {overrides}" if overrides else "",
        weights=recipe.weights,
        seed=training.seed,
        fit=training.counts["fit"],
        tuning=training.counts["tuning"],
        data=training.data_sha256[:16],
        targets=f"shares of the votes in a CSV (SHA-256 `{training.votes_sha256[:16]}`)"
        if training.votes_sha256
        else "the labels",
        epochs=training.epochs,
        best_epoch=progress.best_epoch,
        finish=_after_training(training.metrics, recipe),
        accuracy=training.metrics["tuning_accuracy"],
        tools=", ".join(f"{k} {v}" for k, v in info.tools.items()),
    )
    write_text_file(path, text)


def _after_training(metrics: dict[str, float], recipe: Recipe) -> str:
    done = []
    if "temperature" in metrics:
        done.append(f"logits divided by the temperature {metrics['temperature']:.3f}, fitted on the tuning images")
    if recipe.half_kernels:
        done.append("kernels rounded to float16")
    return "; ".join(done) or "nothing"
