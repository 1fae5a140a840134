"""A record as a Markdown model card for the locked model, with the front matter that Hugging Face reads.

https://huggingface.co/docs/hub/model-cards describes the fields. The licence is left to the owner.
"""

import json
import re

import numpy as np

from archlock.reports.arms import arm_groups
from archlock.reports.leak_words import leak_said
from archlock.reports.limits import lock_limits
from archlock.reports.record import LockRecord
from archlock.reports.record_parts import TaskRecord
from archlock.reports.statistics import Comparison
from archlock.reports.two_by_two import two_by_two_said
from archlock.reports.verdict import Verdict, verdict_of
from archlock.reports.warnings import warnings_of
from archlock.reports.wording import DASH, ROLES, day, interval, number, score, shorten
from archlock.tasks import FORM_WORDS, KINDS

SHOWN = 16
"""Channels whose mean and deviation are named."""


def render_card(record: LockRecord, *, load: str = "runs/mine") -> str:
    """The card, as Markdown. ``load`` is the path that ``archlock.load`` is shown with."""
    verdict = verdict_of(record)
    parts = (
        _front_matter(record),
        f"# {_text(record.source.name)}, locked\n",
        f"**{verdict.word}.** {_text(verdict.sentence)}\n",
        *(f"* {_text(reason)}" for reason in verdict.reasons),
        *(f"\n**Warning.** {_text(line)}\n" for line in warnings_of(record)),
        *([f"\n{_text(verdict.beside)}\n"] if verdict.beside else []),
        *([f"\n{_text(crossed)}\n"] if (crossed := two_by_two_said(record)) else []),
        *([f"\n{_text(leak)}\n"] if (leak := leak_said(record)) else []),
        _intended_use(record),
        _loading(record, load),
        _scores(record),
        _attacks(record, verdict),
        "## Limits\n\n" + "\n".join(f"* {_text(limit)}" for limit in lock_limits(record)) + "\n",
        _reproduction(record),
    )
    return "\n".join(parts)


def _front_matter(record: LockRecord) -> str:
    """YAML; texts are written as JSON strings, which YAML reads as they are."""
    words = KINDS[record.source.kind].words.of(record.source.form)
    metric, task = record.source.scoring.replace(" ", "_").lower() or words.metric, words.pipeline
    value = float(np.mean(record.locked.source_test))
    return f"""---
license: unknown
library_name: archlock
pipeline_tag: {task}
tags:
  - archlock
  - model-protection
  - neural-architecture-search
metrics:
  - {metric}
model-index:
  - name: {_yaml(record.locked.architecture)}
    results:
      - task:
          type: {task}
        dataset:
          name: {_yaml(record.source.name)}
          type: {_yaml(record.source.fingerprint)}
          split: test
        metrics:
          - type: {metric}
            value: {value:.4f}
---
"""


def _yaml(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _intended_use(record: LockRecord) -> str:
    what = KINDS[record.source.kind].words.of(record.source.form).use.format(classes=len(record.source.classes))
    return f"""
## Intended use

{what.capitalize()}, as in {_text(record.source.name)} ({_text(record.source.origin)}).
The architecture was searched to be good at this task and hard to adapt to another one; how far that went is said above.

The licence is unspecified: the owner decides it.
"""


def _loading(record: LockRecord, load: str) -> str:
    words = KINDS[record.source.kind].words.of(record.source.form)
    out = words.answer.format(classes=len(record.source.classes))
    called = (words.counted or ("", "classes"))[1].capitalize()
    names = [_text(shorten(name, 60)) for name in record.source.classes]
    classes = f"\n{called}: {', '.join(names[:100])}{', and more' if len(names) > 100 else ''}.\n" if names else ""
    return f"""## How to load

```python
import archlock

model = archlock.load({json.dumps(load)})
```

Input: {_input(record.source)}. Normalisation is the model's first
layer. Output: {out}.
{classes}"""


def _input(source: TaskRecord) -> str:
    """What the model takes, and how values are meant."""
    channels, height, width = source.shape
    if source.form == "image" and not source.mean:
        colour = {1: "grey", 3: "RGB"}.get(channels, f"{channels}-channel")
        return f"`float32` {colour} images in [0, 1], N x {channels} x {height} x {width}"
    size = f"{channels} x {width}" if source.form == "signal" else f"{channels} x {height} x {width}"
    pairs = [f"{mean:.6g} ± {std:.6g}" for mean, std in zip(source.mean, source.std, strict=True)]
    more = f" and {len(pairs) - SHOWN} more" if len(pairs) > SHOWN else ""
    return (
        f"`float32` {FORM_WORDS[source.form]} in the units of the training data, N x {size} (mean ± deviation of each "
        f"channel there: {', '.join(pairs[:SHOWN])}{more}; these are in the model)"
    )


def _scores(record: LockRecord) -> str:
    kind = record.source.kind
    rows = [
        f"| {ROLES[model.role]} | `{model.architecture}` | {model.parameters:,} "
        f"| {score(float(np.mean(model.source_validation)), kind)} "
        f"| {score(float(np.mean(model.source_test)), kind)} | {len(model.source_test)} |"
        for model in record.models
    ]
    return "\n".join(
        (
            "## On the source task\n",
            "| model | architecture | parameters | validation | test | trainings |",
            "|---|---|---|---|---|---|",
            *rows,
            *_chance(record.source),
            "",
        )
    )


def _chance(source: TaskRecord) -> tuple[str, ...]:
    """A row of the best constant answer, to hold the scores against."""
    if not KINDS[source.kind].has_classes:
        return ()
    always, known = _cell(source.largest or "one class"), score(source.constant)
    return (f"| chance: always {always} | {DASH} | 0 | {DASH} | {known} | {DASH} |",)


def _attacks(record: LockRecord, verdict: Verdict) -> str:
    head = "## Against attackers\n"
    if not verdict.judged:
        return f"{head}\nNo attack has a score on both models: what the lock is worth is not known.\n"
    kinds = {target.name: target for target in record.targets}

    def row(comparison: Comparison) -> str:
        target, away = kinds[comparison.target], comparison.taken_away
        scores = (comparison.other, comparison.locked)
        plain, locked = (score(float(np.mean(values)), target.kind) for values in scores)
        chance = score(target.chance, target.kind)
        bounds = interval(away) if away.has_interval else "none"
        return f"| {_cell(target.name)} | {chance} | {plain} | {locked} | {number(100 * away.mean)} | {bounds} |"

    return "\n".join(
        (
            head,
            "Test score of the strongest attack (chosen by validation score) on each model, mean over seeds.\n",
            "| target | chance | source-only | locked | taken away (points) | 95% interval |",
            "|---|---|---|---|---|---|",
            *(row(comparison) for comparison in verdict.judged),
            "",
            *_arms(record),
        )
    )


def _arms(record: LockRecord) -> list[str]:
    """The same against the other architectures, where there are any."""
    rows = [
        f"| {_cell(group.target)} | {row.name} | {row.arm} | {row.locked} | {row.as_well} | {row.away} "
        f"| {row.interval} |"
        for group in arm_groups(record)
        for row in group.rows
    ]
    if not rows:
        return []
    head = [
        "What another architecture, attacked in the same way, takes as well (points):\n",
        "| target | architecture | the other | locked | takes as well | locked takes more | 95% interval |",
        "|---|---|---|---|---|---|---|",
    ]
    return [*head, *rows, ""]


def _reproduction(record: LockRecord) -> str:
    versions = ", ".join(f"{_text(name)} {_text(version)}" for name, version in record.versions.items())
    command = record.command.replace("`", "'")
    return f"""## Make it again

```
{command}
```

Seed {record.seed}. Versions: {versions or "not recorded"}. Data fingerprint `{record.source.fingerprint}`.
Made {day(record.created)}.
"""


def _text(text: str) -> str:
    """Untrusted text as Markdown: one line, and nothing in it is markup."""
    return re.sub(r"([\\`*_{}\[\]<>#|$!~])", r"\\\1", " ".join(text.split()))


def _cell(text: str) -> str:
    return _text(shorten(text, 80))
