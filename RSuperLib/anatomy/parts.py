"""The part masks of one case on its CT's grid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from RSuperLib.anatomy.packed import PackedMasks
from RSuperLib.anatomy.table import canonical_name, organ_parts, table
from RSuperLib.io import Grid, LabelMap


@dataclass(frozen=True)
class Parts:
    """Part masks of one case; names of any spelling are understood.

    Attributes:
        grid: the CT's grid, on which all masks lie.
        masks: part name to mask (i, j, k) bool, made when asked for; parts without a voxel are not among them.
        empty: parts that the source knows but found no voxel of.
        source: where they came from: "file", "format" and "notes" (plain sentences).
    """

    grid: Grid
    masks: PackedMasks
    empty: frozenset[str] = frozenset()
    source: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_label_map(cls, labels: LabelMap, source: dict[str, Any] | None = None) -> Parts:
        """The parts of a label map whose labels are named (`LabelMap.names`).

        Raises:
            InputError: a name is not known.
        """
        names = {label: canonical_name(name) for label, name in labels.names.items()}
        masks = PackedMasks(labels.grid.shape)
        masks.add_labels(labels.array, names)
        return cls(labels.grid, masks, frozenset(names.values()) - frozenset(masks), source or {})

    @property
    def notes(self) -> list[str]:
        """What the user should know about the masks, in plain sentences."""
        return list(self.source.get("notes", []))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parts that have voxels."""
        return tuple(self.masks)

    def region(self, names: Iterable[str]) -> NDArray[np.bool_] | None:
        """The union of some parts, (i, j, k); None if there is no voxel of them.

        A part without a mask of its own is made of its members (liver of its segments), and several parts that make up
        one with a mask are that one (the eight segments, the liver).

        Raises:
            InputError: a name is not known.
        """
        found = self._found(names)
        if not found:
            return None
        mask = np.zeros(self.grid.shape, np.bool_, order="F")
        for name in found:
            self.masks.add_to(mask, name)
        return mask

    def holds(self, names: Iterable[str]) -> bool:
        """Whether some of these parts have a voxel, so that `region` is not None.

        Raises:
            InputError: a name is not known.
        """
        return bool(self._found(names))

    def covers(self, organ: str, laterality: str | None = None) -> bool:
        """Whether a lesion of the organ, had it one, would lie in these parts.

        True if the source knows every part of the organ (of that side) and found at least one of them.
        """
        names = organ_parts(organ, laterality)
        within = {inner for one in _with_wholes(names) & self._known() for inner in _members(one)}
        known = all(name in within or self._is_whole(name) for name in names)
        return known and bool(self._found(names))

    def _found(self, names: Iterable[str]) -> dict[str, None]:
        """The parts whose masks make up `names`, each once."""
        wanted = _with_wholes(canonical_name(name) for name in names)
        return dict.fromkeys(found for name in sorted(wanted) for found in self._found_of(name))

    def _found_of(self, name: str) -> Iterator[str]:
        one = table()[name]
        if name in self.masks:
            yield name
        else:
            for member in one.members:
                yield from self._found_of(member)
        yield from (extra for extra in one.extras if extra in self.masks)

    def _is_whole(self, name: str) -> bool:
        members = table()[name].members
        return name in self._known() or (bool(members) and all(self._is_whole(member) for member in members))

    def _known(self) -> frozenset[str]:
        return self.empty | frozenset(self.masks)


def no_parts(grid: Grid) -> Parts:
    """The parts of a case without part masks: nothing is covered."""
    return Parts(grid, PackedMasks(grid.shape))


def _with_wholes(names: Iterable[str]) -> set[str]:
    """Part names, and the parts all of whose members are among them."""
    wanted = set(names)
    while True:
        wholes = {one.name for one in table().values() if one.members and wanted.issuperset(one.members)}
        if wholes <= wanted:
            return wanted
        wanted |= wholes


def _members(name: str) -> Iterator[str]:
    """Members of a part, their members, and so on."""
    for member in table()[name].members:
        yield member
        yield from _members(member)
