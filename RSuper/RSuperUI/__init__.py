"""The Qt and MRML side of RSuper: one class a file, a section of the panel or an adapter between MRML and RSuperLib.

Nothing here imports a package that Slicer does not ship; the heavy work is done by RSuperLib in a process of its own.
"""

import os
import sys

# Installed, RSuperLib lies beside RSuper.py, which Slicer has on its path. Loaded from the sources it lies one folder up.
_home = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
if os.path.isfile(os.path.join(_home, "RSuperLib", "__init__.py")) and _home not in sys.path:
    sys.path.append(_home)
