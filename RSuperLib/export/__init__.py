"""What leaves RSuper: pictures and files for other programs."""

from RSuperLib.export.lesion_segments import lesion_segments
from RSuperLib.export.seg_nrrd import Segment, Terminology, write_seg_nrrd
from RSuperLib.export.view import draw_view

__all__ = ["Segment", "Terminology", "draw_view", "lesion_segments", "write_seg_nrrd"]
