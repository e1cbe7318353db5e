"""Settings of one run: an .ini file in the run's own folder, with Slicer's defaults."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QCoreApplication, QSettings

_DEFAULTS = {
    "Developer/DeveloperMode": "false",
    "Developer/SelfTestDisplayMessageDelay": "0",
    "Internationalization/Enabled": "false",
    "SlicerHost": "true",
}


def use_folder(folder: Path) -> QSettings:
    """Make `qt.QSettings()` read and write in the folder."""
    QCoreApplication.setOrganizationName("NA-MIC")
    QCoreApplication.setApplicationName("Slicer")
    QSettings.setDefaultFormat(QSettings.Format.IniFormat)
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(folder))
    settings = QSettings()
    for key, value in _DEFAULTS.items():
        settings.setValue(key, value)
    return settings
