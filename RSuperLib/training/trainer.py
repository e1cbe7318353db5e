"""The training loop: plain, one process and one device unless it was started as one of several."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor

from RSuperLib import __version__
from RSuperLib.io.errors import Cancelled, RSuperError
from RSuperLib.io.progress import Progress, no_progress
from RSuperLib.networks import build_network
from RSuperLib.training.augment import change_intensity
from RSuperLib.training.batch import Batch, make_batch
from RSuperLib.training.checkpoint import write_tensors
from RSuperLib.training.classes import output_classes
from RSuperLib.training.engine import make_engine
from RSuperLib.training.journal import Journal
from RSuperLib.training.learner import Learner
from RSuperLib.training.loader import CaseLists, Loader, StepSamples
from RSuperLib.training.objective import BatchLoss, Objective
from RSuperLib.training.plan import Plan, make_plan, set_checkpointing
from RSuperLib.training.run_folder import BEST, LAST, RunFolder
from RSuperLib.training.schedule import step_factor
from RSuperLib.training.settings import TrainSettings
from RSuperLib.training.validation import HeldOutCases, Validate, Validation
from RSuperLib.training.warm_start import load_matching

#: Steps between two lines of the journal; losses are looked at then, so that the device need not wait at each step.
_LOG_EVERY = 10
#: Weight of what was before in the running mean of the lesions' Dice.
_DICE_MEMORY = 0.98


class Trainer:
    """One run in its folder, new or resumed.

    Args:
        settings: everything that decides what the run does.
        cases: the prepared cases that teach.
        run: its folder; `begin` was called.
        held_out: prepared cases to validate on, or something else that looks at a network; None = none.
        objective: the loss; None = that of the settings.

    Attributes:
        plan: how it uses the machine.

    Raises:
        InputError: settings, cases and network do not fit each other, or the memory is too small.
    """

    def __init__(
        self, settings: TrainSettings, cases: CaseLists, run: RunFolder, held_out: list[Path] | Validate | None = None,
        objective: BatchLoss | None = None,
    ) -> None:  # fmt: skip
        self._settings, self._run = settings, run
        self._engine = make_engine(settings.machine)
        classes = output_classes(settings.classes)
        torch.manual_seed(settings.seed)
        network = build_network(settings.network.name, len(classes), settings.network.options)
        start = settings.network.start_from
        notes = load_matching(network, start, settings.network, settings.classes) if start else []
        network = self._engine.placed(network)
        self.plan = self._planned(network)
        if self.plan.checkpointing:
            set_checkpointing(network, True)
        self._learner = Learner(
            network, self._engine, settings.optimiser, objective or Objective(settings.loss, classes), classes
        )
        self._loader = Loader(cases, settings, self.plan.patch, self._engine.rank)
        self._validate = self._usual_validation(held_out) if isinstance(held_out, list) else held_out
        self._step, self._dice, self._fruitless, self._seconds = 0, 0.0, 0, 0.0
        self._best: list[float] | None = None
        self._pending: list[dict[str, Tensor]] = []
        notes = self._restore() or notes
        self._journal = Journal(run.path, self._step) if self._engine.is_first else None
        for note in notes:
            self._note(note)
        self._last_saved = time.monotonic()

    def train(self, progress: Progress = no_progress) -> dict[str, Any]:
        """Take the steps that are left; the contents of `result.json`.

        Raises:
            Cancelled: by `progress`, a signal or the file `stop`; the state is kept and the run can be resumed.
            RSuperError: the loss is no number any more, or nothing can be written; the last good checkpoint is kept.
        """
        self._beat("running", now=True)
        try:
            with _signals_noticed() as is_signalled:
                self._take_steps(progress, is_signalled)
                return self._finish()
        except RSuperError as error:
            self._beat("cancelled" if isinstance(error, Cancelled) else "failed", now=True)
            raise

    def _take_steps(self, progress: Progress, is_signalled: threading.Event) -> None:
        started, first = time.monotonic(), self._step
        for samples in self._loader.steps(self._step, self._settings.steps):
            if self._has_no_patience:
                return
            self._stop_if_asked(progress, is_signalled)
            self._take_step(samples)
            self._seconds = (time.monotonic() - started) / (self._step - first)
            self._beat("running")
            self._look_after_step()

    def _stop_if_asked(self, progress: Progress, is_signalled: threading.Event) -> None:
        asked = is_signalled.is_set() or self._run.is_stopped
        try:
            progress("training", self._step / self._settings.steps)
        except Cancelled:
            asked = True
        if self._engine.any_of(asked):
            self._save()
            raise Cancelled

    def _take_step(self, samples: StepSamples) -> None:
        _, stage, within = self._settings.stage_at(self._step)
        factor = step_factor(within, stage.steps, by_epoch=self._settings.loss.mode == "reference")
        terms = self._learner.step(
            self._step, self._make_batch(samples), self.plan.micro_batch, stage.learning_rate * factor,
            stage.report_weight if stage.reports else 0.0,
        )  # fmt: skip
        self._pending.append(terms | {"learning_rate": torch.tensor(stage.learning_rate * factor)})
        self._step += 1

    def _make_batch(self, samples: StepSamples) -> Batch:
        batch = make_batch(samples.samples, self.plan.patch, self._settings.normalisation, self._engine.device)
        random = self._loader.intensity_random(samples.step)
        return batch.with_image(change_intensity(batch.image, self._settings.intensity, random))

    def _look_after_step(self) -> None:
        """What is due after a step: a line in the journal, a look at the held-out cases, a checkpoint."""
        every = self._settings.validation.every
        is_validated = bool(self._validate and every and self._step % every == 0)
        if is_validated or self._step % _LOG_EVERY == 0 or self._step in self._stage_ends():
            self._log()
        if self._step in self._stage_ends():
            self._judge_stage()
        if is_validated:
            self._look_at_held_out()
        if is_validated or time.monotonic() - self._last_saved >= self._settings.checkpoint_seconds:
            self._save()

    def _stage_ends(self) -> list[int]:
        stages = self._settings.stages
        return [sum(stage.steps for stage in stages[: number + 1]) for number in range(len(stages))]

    def _log(self) -> None:
        """Write the means of the terms since the last line, and check that they are numbers."""
        rows = self._checked_terms()
        self._pending = []
        for row in rows:
            self._dice = _DICE_MEMORY * self._dice + (1 - _DICE_MEMORY) * row["lesion_dice"]
        if self._journal and rows:
            means = {name: sum(row[name] for row in rows) / len(rows) for name in rows[-1]}
            self._journal.add("train", self._step, means | {"seconds": round(self._seconds, 4)})

    def _checked_terms(self) -> list[dict[str, float]]:
        """The terms of the steps since the last line of the journal.

        Raises:
            RSuperError: one is not a number; nothing of the run may be kept then.
        """
        rows = [{name: float(term) for name, term in terms.items()} for terms in self._pending]
        if self._engine.any_of(not all(math.isfinite(value) for row in rows for value in row.values())):
            self._note("The loss was not a number.")
            raise RSuperError(
                f"The loss stopped being a number shortly before step {self._step}; the checkpoint before is kept.",
                "Begin a new run with a smaller learning rate, or in float32, that starts from best.safetensors.",
            )
        return rows

    def _judge_stage(self) -> None:
        """Say if the report terms begin before the masks have taught anything: they then make the output collapse."""
        number, stage, _ = self._settings.stage_at(self._step - 1)
        if self._dice < stage.least_dice:
            self._note(
                f"Stage {number + 1} ended at a Dice of {self._dice:.2f} on its own patches, below the "
                f"{stage.least_dice:.2f} asked for: give it more steps, or the report terms may teach nothing."
            )

    def _look_at_held_out(self) -> None:
        """Validate, and keep the weights if they are better than all before. Every process looks, one writes."""
        if self._validate is None:
            return
        self._beat("validating", now=True)
        validation = self._validate(self._judged.eval())
        is_better = self._best is None or list(validation.score) > self._best
        self._fruitless = 0 if is_better else self._fruitless + 1
        if is_better:
            self._best = list(validation.score)
        if self._journal:
            self._journal.add("validation", self._step, validation.figures)
            self._journal.draw()
            if is_better:
                self._write_weights(BEST, validation)

    @property
    def _judged(self) -> torch.nn.Module:
        """The weights that count: the averaged ones, or the last ones."""
        return self._learner.average.network if self._settings.validation.ema else self._learner.network

    @property
    def _has_no_patience(self) -> bool:
        return 0 < self._settings.validation.patience <= self._fruitless

    def _finish(self) -> dict[str, Any]:
        """Look a last time if it was not just done, keep the last weights, write the result."""
        every = self._settings.validation.every
        if not every or self._step % every:
            self._log()
            self._look_at_held_out()
        self._save()
        result = {
            "ended_by": "patience" if self._has_no_patience else "steps", "steps": self._step, "score": self._best,
            "dice_on_patches": round(self._dice, 4), "seconds_per_step": round(self._seconds, 4),
        }  # fmt: skip
        if self._journal:
            self._write_weights(LAST, None)
            self._journal.draw()
            self._run.keep_result(result)
        self._beat("done", now=True)
        return result

    def _write_weights(self, name: str, validation: Validation | None) -> None:
        """The weights that count, and in the header all that is needed to use them."""
        settings = self._settings.model_dump(mode="json")
        facts = {
            "version": __version__, "step": self._step, "network": {**settings["network"], "start_from": None},
            "classes": settings["classes"], "spacing_mm": settings["spacing_mm"], "patch": list(self.plan.patch),
            "normalisation": settings["normalisation"], "axes": "z, y, x towards superior, posterior, left",
            "validation": validation.figures if validation else None,
            "thresholds_mm3": validation.thresholds if validation else None,
        }  # fmt: skip
        write_tensors(self._run.path / name, self._judged.state_dict(), facts)

    def _save(self) -> None:
        """Write a checkpoint, unless the terms of the last steps are no numbers."""
        pending = self._checked_terms()
        if self._engine.is_first:
            tensors, values = self._learner.state()
            own = {"dice": self._dice, "best": self._best, "fruitless": self._fruitless, "pending": pending}
            self._run.checkpoints.write(self._step, tensors, {"learner": values, "trainer": own})
        self._engine.wait()
        self._last_saved = time.monotonic()

    def _restore(self) -> list[str]:
        """Go on from the last good checkpoint, if there is one; sentences on what happened."""
        found = self._run.checkpoints.read_last()
        if found is None:
            return []
        tensors, facts, notes = found
        self._learner.restore(tensors, facts["learner"])
        own = facts["trainer"]
        self._step, self._dice, self._best = facts["step"], own["dice"], own["best"]
        self._fruitless = own["fruitless"]
        self._pending = [
            {name: torch.tensor(value, dtype=torch.float64) for name, value in row.items()} for row in own["pending"]
        ]
        return [*notes, f"Resumed at step {self._step}."]

    def _planned(self, network: torch.nn.Module) -> Plan:
        plan = self._run.plan()
        if plan is None or plan.device != self._engine.device.type:
            plan = make_plan(self._settings, network, self._engine)
            if self._engine.is_first:
                self._run.keep_plan(plan)
        return plan

    def _usual_validation(self, held_out: list[Path]) -> Validate | None:
        settings = self._settings
        return HeldOutCases(
            held_out, output_classes(settings.classes), self.plan.patch, settings.validation.overlap,
            settings.normalisation, self._engine,
        ) if held_out else None  # fmt: skip

    def _beat(self, state: str, *, now: bool = False) -> None:
        if self._journal:
            left = (self._settings.steps - self._step) * self._seconds
            facts = {"step": self._step, "steps": self._settings.steps, "seconds_left": round(left)}
            self._journal.beat(state, facts, now=now)

    def _note(self, text: str) -> None:
        if self._journal:
            self._journal.add("note", self._step, {"text": text})


@contextmanager
def _signals_noticed() -> Iterator[threading.Event]:
    """Let Ctrl-C and SIGTERM set an event, so that no step is torn apart; only the main thread can listen."""
    event = threading.Event()

    def notice(_number: int, _frame: FrameType | None) -> None:
        event.set()

    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    old = {number: signal.signal(number, notice) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield event
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
