"""What leaves RSuper: pictures and files for other programs."""

from RSuperLib.export.view import draw_view

__all__ = ["draw_view"]
