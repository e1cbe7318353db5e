"""The Qt and MRML side of RSuper: one class a file, a section of the panel or an adapter between MRML and RSuperLib.

Nothing here imports a package that Slicer does not ship; the heavy work is done by RSuperLib in a process of its own.
"""

import sys
from pathlib import Path

# Installed, RSuperLib lies beside RSuper.py, which is on Slicer's path. Loaded from the sources, it is one folder up.
_home = Path(__file__).resolve().parents[2]
if (_home / "RSuperLib" / "__init__.py").is_file() and str(_home) not in sys.path:
    sys.path.append(str(_home))
