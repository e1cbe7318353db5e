"""The Python packages that RSuper needs besides those that Slicer ships."""

from __future__ import annotations

import importlib.metadata
from subprocess import CalledProcessError

from slicer.i18n import tr as _

from RSuperLib.io.errors import InputError

#: Sources of lesions (`rsuper segment --source`) that run a trained network.
_SOURCES_WITH_TORCH = ("model", "report")
_TORCH_VERSION = ">=2.6"


class Packages:
    """Finds out what is missing, and installs it when the user agrees. Slicer's own packages are never moved.

    Args:
        requirementsPath: `Resources/requirements.txt`.
    """

    def __init__(self, requirementsPath: str) -> None:
        self._path = requirementsPath

    def missing(self, source: str = "auto") -> list[str]:
        """Names of the packages that the chosen work needs and that are not installed."""
        import slicer.packaging

        requirements = slicer.packaging.load_requirements(self._path)
        names = [requirement.name for requirement in requirements if not slicer.packaging.pip_check([requirement])]
        return [*names, "torch"] if source in _SOURCES_WITH_TORCH and not _isTorchInstalled() else names

    def install(self, source: str = "auto") -> None:
        """Ask the user, and install what the chosen work needs.

        Raises:
            InputError: the user said no, or an installation failed.
        """
        import slicer.packaging

        try:
            slicer.packaging.pip_ensure(slicer.packaging.load_requirements(self._path), requester="RSuper")
        except RuntimeError as error:
            raise InputError(
                _("The packages were not installed."), _("RSuper needs them: press the button again to install them.")
            ) from error
        except CalledProcessError as error:
            raise InputError(
                _("Installing the packages failed."),
                _("Check the internet connection; the Python console shows what pip said."),
            ) from error
        if source in _SOURCES_WITH_TORCH and not _isTorchInstalled():
            self._installTorch()

    def _installTorch(self) -> None:
        """Leave the choice of the build to the PyTorch extension, which knows the graphics card's driver."""
        try:
            import PyTorchUtils
        except ModuleNotFoundError as error:
            raise InputError(
                _("A trained model needs PyTorch, and the PyTorch extension is not installed."),
                _("Install it in the Extensions Manager, restart Slicer and press the button again."),
            ) from error
        torch = PyTorchUtils.PyTorchUtilsLogic().installTorch(
            askConfirmation=True, torchVersionRequirement=_TORCH_VERSION
        )
        if torch is None:
            raise InputError(
                _("PyTorch was not installed."), _("Install it in the PyTorch module and press the button again.")
            )


def _isTorchInstalled() -> bool:
    """Look at what is installed; importing torch takes seconds and belongs in the background process."""
    try:
        importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
