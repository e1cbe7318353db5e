"""Batches in an order that depends on the seed and the step alone, read ahead by threads.

Nothing of the order is stored anywhere: sample n of a list of cases is element n mod length of a permutation that is
drawn anew after each round, and everything random about a sample is drawn from (seed, step, place in the batch). So a
run that is resumed at a step sees what it would have seen. blosc2 unpacks without holding Python's lock: threads
suffice, and no process has to be started.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from RSuperLib.io.errors import InputError
from RSuperLib.training.batch import Role, Sample, read_sample
from RSuperLib.training.crops import mask_crop, report_crop
from RSuperLib.training.prepared import CaseArrays, PreparedCase, Three
from RSuperLib.training.settings import TrainSettings

#: Tells apart what is drawn from one seed.
_ORDER, _SAMPLE, _INTENSITY = 0, 1, 2


@dataclass(frozen=True)
class CaseLists:
    """The prepared cases of a run: those that teach by masks, and those that teach by reports."""

    masks: Sequence[Path]
    reports: Sequence[Path]


@dataclass(frozen=True)
class StepSamples:
    """The samples of one step."""

    step: int
    samples: list[Sample]


class Loader:
    """Reads the samples of each step, a few steps ahead.

    Args:
        cases: the prepared cases.
        settings: of the run.
        patch: edges (z, y, x), which may be smaller than in the settings.
        rank: number of this process and how many there are; each reads its share of every batch.

    Raises:
        InputError: there is no case that could teach.
    """

    def __init__(self, cases: CaseLists, settings: TrainSettings, patch: Three, rank: tuple[int, int] = (0, 1)) -> None:
        self._arrays = {path: CaseArrays(path) for path in dict.fromkeys([*cases.masks, *cases.reports])}
        self._cases, self._settings, self._rank = cases, settings, rank
        self._batch, self._seed = settings.batch, settings.seed
        self._crop = settings.crop.model_copy(update={"patch": patch})
        self._check()

    def _check(self) -> None:
        if not self._cases.masks and not self._cases.reports:
            raise InputError("There are no cases to train on.", "Name case folders under cases.masks or cases.reports.")
        for kind, paths, has in (
            ("lesion masks", self._cases.masks, "has_masks"), ("a report", self._cases.reports, "has_report"),
        ):  # fmt: skip
            for path in paths:
                if not getattr(self._arrays[path].record, has):
                    raise InputError(f"The case {path.name} has not got {kind}.", "Move it to the other list.")

    def steps(self, first: int, last: int) -> Iterator[StepSamples]:
        """The samples of steps `first` to `last` - 1, in order."""
        with ThreadPoolExecutor(self._settings.machine.loader_threads, thread_name_prefix="loader") as pool:
            waiting: deque[tuple[int, list[Future[Sample]]]] = deque()
            try:
                for step in range(first, last):
                    waiting.append((step, [pool.submit(self.sample, step, slot) for slot in self._slots()]))
                    if len(waiting) > self._settings.machine.prefetch:
                        yield self._finished(*waiting.popleft())
                while waiting:
                    yield self._finished(*waiting.popleft())
            finally:
                for _, futures in waiting:
                    for future in futures:
                        future.cancel()

    @staticmethod
    def _finished(step: int, futures: list[Future[Sample]]) -> StepSamples:
        return StepSamples(step, [future.result() for future in futures])

    def _slots(self) -> range:
        rank, world = self._rank
        return range(rank, self._batch, world)

    def sample(self, step: int, slot: int) -> Sample:
        """The sample of one place in the batch of a step."""
        role, number = self.role(step, slot)
        paths = self._cases.masks if role == "mask" else self._cases.reports
        path = paths[_permuted(self._seed, role, len(paths), number // len(paths))[number % len(paths)]]
        arrays = self._arrays[path]
        random = np.random.default_rng([self._seed, _SAMPLE, step, slot])
        if role == "mask":
            crop = mask_crop(arrays.record, self._crop, random)
        else:
            crop = report_crop(arrays.record, self._crop, self._targets(arrays.record), random)
        return read_sample(arrays, role, crop, self._crop.patch)

    def role(self, step: int, slot: int) -> tuple[Role, int]:
        """Whether a place is for a mask or a report case, and the running number among those places of all steps.

        Half of the places are for reports; of an odd batch every second one has one more.
        """
        has_reports = bool(self._cases.reports) and (self._settings.stage_at(step)[1].reports or not self._cases.masks)
        if not has_reports:
            return "mask", step * self._batch + slot
        if not self._cases.masks:
            return "report", step * self._batch + slot
        before, after = step * self._batch // 2, (step + 1) * self._batch // 2
        if slot < after - before:
            return "report", before + slot
        return "mask", step * self._batch - before + slot - (after - before)

    def _targets(self, record: PreparedCase) -> list[int]:
        """Targets to cut patches out around: all, or those of stated size, as only they teach the published losses."""
        takes_all = self._settings.loss.inexact_sizes
        return [number for number, one in enumerate(record.targets) if takes_all or one.is_sized]

    def intensity_random(self, step: int) -> np.random.Generator:
        """What the grey values of a step are changed by, on this process."""
        return np.random.default_rng([self._seed, _INTENSITY, step, self._rank[0]])


@cache
def _permuted(seed: int, role: Role, length: int, cycle: int) -> list[int]:
    """The order of a list in one round."""
    random = np.random.default_rng([seed, _ORDER, int(role == "report"), cycle])
    return [int(one) for one in random.permutation(length)]
