"""Put a trained reference model into the zoo: `python -m benchmarks.publish RUN EVALUATION`."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click

from fer_edge.checkpoint import file_sha256, read_checkpoint_info
from fer_edge.command_line import run_command
from fer_edge.evaluation.markdown import markdown_table
from fer_edge.models import CARD, ZOO, present_models
from fer_edge.whole_file import finished_files, whole_file, write_text_file

PER_CLASS = ("Precision", "Recall", "F1")
RESULTS = Path(__file__).parent / "results/reference"
TEXT = """
## On the test faces

This card is of `{name}.keras` (SHA-256 `{sha256}`). {n} faces of FER2013's PublicTest with FER+ labels (SHA-256 of
names and files: `{data}`); 95% intervals. 99 of them show a photo that is also among the training faces, cropped or
lit otherwise (`fer-edge data audit`); [what that is worth, and how often these faces were looked
at](../../../docs/reference-runs.md#the-test-faces).

{table}

One human rater agrees with the others on {rater} of the same faces. A model above that does not beat people: it
learned what many raters, and models that learned it from them, said, and is scored by what many said; a single rater
is one of them. Mean distance
between the model's probabilities and the crowd's shares (total variation): {distance}.

The same photos in trouble ([what is done to them](../../../docs/evaluate.md#on-photos-in-trouble)), change in points:

{trouble}

![curves of the training](curves.svg)
![confusion matrix, test faces](confusion.svg)

## Where it comes from

Measured with the code at commit `{commit}`; [how it was trained, at which commits, on whose votes, and
what was tried](../../../docs/reference-runs.md): a `zoo:` or a path among the initial weights is the cycle before. The
figures above are in `benchmarks/results/reference/{name}.json`. [What its quantized versions
lose](../../../benchmarks/results/{name}/report.md), measured against it on the same faces.{packed}

Photos: FER2013 (Goodfellow et al. 2013, *Challenges in Representation Learning*), found on the web by emotion words
and cut to 48x48 grey pixels. Votes: FER+ (Barsoum et al. 2016), ten raters for each photo. Only photos were used
whose label is one of these five, has at least five of the ten votes and no tie: the test faces are easier than faces
are. Blank photos and copies were removed before, by a rule that finds fewer than the audit's.

**Targets.** The shares of the raters' votes. In some cycles those of the fitted faces, never of the tuning faces, were
mixed half and half with what earlier reference models say of them (distillation; [which models, in which
cycles](../../../docs/reference-runs.md)).

**Licence of the training data.** FER+'s votes are under the MIT licence. The photos were collected from the web and
published for research; their owners' rights were not cleared, nor did the people shown agree, as far as is known. The
weights are under this project's licence (Apache-2.0), as far as it can give one. Whether a model of such photos may
go into your product is a question for your lawyer; training on photos that you may use answers it.

## Bias

- Nobody recorded who is shown. Accuracy by age, sex or skin colour was not measured, and cannot be on this data.
  Others found that emotion classifiers read Black men's faces as angrier than white men's with the same smile (Rhue
  2018, *Racial Influence on Automated Perceptions of Emotions*): expect such differences until you have measured
  them.
- The photos come from searches for emotion words: posed, exaggerated, many of celebrities and from stock. Everyday
  faces are calmer, and more of them will be called neutral.
- The raters' own culture is in the labels. {weakest} is the weakest class.
"""


@click.command()
@click.argument("run", type=click.Path(path_type=Path, exists=True))
@click.argument("evaluation", type=click.Path(path_type=Path, exists=True))
def main(run: Path, evaluation: Path) -> None:
    """Copy checkpoint, curves and confusion matrix into the zoo and write the model card.

    RUN is the folder of `fer-edge train`; EVALUATION that of
    `fer-edge evaluate RUN/NAME.keras --votes ... --robustness --out`.
    """
    [checkpoint] = finished_files(run, "*.keras")
    report = json.loads((evaluation / "report.json").read_text(encoding="utf-8"))
    check(checkpoint, report)
    folder = ZOO / checkpoint.stem
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ZOO, capture_output=True, text=True, check=True
    ).stdout.strip()
    card = (run / CARD).read_text(encoding="utf-8") + card_of(checkpoint.stem, report, commit)
    results = json.dumps(without_images(report), indent=1) + "\n"
    folder.mkdir(exist_ok=True)
    RESULTS.mkdir(exist_ok=True)
    for source in (checkpoint, run / "curves.svg", evaluation / "confusion.svg"):
        with whole_file(folder / source.name) as temporary:
            shutil.copyfile(source, temporary)
    write_text_file(folder / CARD, card)
    write_text_file(RESULTS / f"{checkpoint.stem}.json", results)
    click.echo(str(folder / CARD))


def check(checkpoint: Path, report: dict[str, Any]) -> None:
    """Refuse an evaluation of something else.

    Raises:
        click.ClickException: of several models or another one, without votes or robustness, or on images that chose it.
    """
    names = [model["name"] for model in report["models"]]
    of_this = [model.get("sha256") for model in report["models"]] == [file_sha256(checkpoint)]
    if not of_this or not {"votes", "robustness"} <= set(report):
        raise click.ClickException(
            f"the report is of another checkpoint ({', '.join(names)}) or lacks a part: "
            f"fer-edge evaluate {checkpoint} --data DATA --votes CSV --robustness --out EVALUATION"
        )
    if "selected_on_this_data" in report["models"][0] or read_checkpoint_info(checkpoint) is None:
        raise click.ClickException(f"{checkpoint} was chosen on these images, or has no record: take a test set")


def without_images(report: dict[str, Any]) -> dict[str, Any]:
    """The report as `fer-edge evaluate --json` prints it: without the paths of mistaken images."""
    [model] = report["models"]
    kept = {key: value for key, value in model.items() if key not in ("mistakes", "reliability", "warnings")}
    return {**report, "models": [kept]}


def card_of(name: str, report: dict[str, Any], commit: str) -> str:
    """The second half of a model card: figures, origin, bias."""
    [model], votes = report["models"], report["votes"]
    rows = [("accuracy", percent(model["accuracy"]))]
    rows += [(label, figure(model[key])) for label, key in (("macro-F1", "macro_f1"), ("weighted F1", "weighted_f1"))]
    for label, scores in model["per_class"].items():
        rows += [(f"{key} of {label} ({scores['support']} faces)", figure(scores[key.lower()])) for key in PER_CLASS]
    rows.append(("expected calibration error, 15 bins", f"{model['ece']:.3f}"))
    distance = votes["total_variation"][model["name"]]
    return TEXT.format(
        sha256=model["sha256"],
        n=report["data"]["n"],
        data=report["data"]["sha256"][:16],
        table="\n".join(markdown_table(("", "value [95% interval]"), rows)),
        rater=percent(votes["rater_agreement"]),
        distance=figure(distance),
        trouble="\n".join(markdown_table(("photos", "accuracy", "change"), trouble_rows(report))),
        commit=commit,
        packed=f" `zoo:{name}-int8` is the int8 TFLite one." if f"{name}-int8" in present_models() else "",
        name=name,
        weakest=min(model["per_class"], key=lambda label: model["per_class"][label]["f1"]["value"]).capitalize(),
    )


def trouble_rows(report: dict[str, Any]) -> list[tuple[str, str, str]]:
    """A row per corruption."""
    rows = []
    for entry in report["robustness"]:
        [model] = entry["models"]
        low, high = (100 * bound for bound in model["delta_accuracy"]["ci95"])
        change = f"{100 * model['delta_accuracy']['value']:+.1f} [{low:+.1f}, {high:+.1f}]"
        rows.append((entry["corruption"], f"{model['accuracy']['value']:.1%}", change))
    return rows


def percent(estimate: dict[str, Any]) -> str:
    """An estimate in percent with its interval."""
    low, high = estimate["ci95"]
    return f"{estimate['value']:.1%} [{low:.1%}, {high:.1%}]"


def figure(estimate: dict[str, Any]) -> str:
    """An estimate as a fraction with its interval."""
    low, high = estimate["ci95"]
    return f"{estimate['value']:.3f} [{low:.3f}, {high:.3f}]"


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:]))
