"""TensorBoard's event files, written without TensorBoard.

A file is a sequence of TFRecords (length, masked CRC-32C of the length, bytes, masked CRC-32C of the bytes; all little
endian), each an `Event` protocol buffer (tensorflow/core/util/event.proto). A scalar needs five of its fields, which is
less code than the 70 MB of the package would be worth.
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Mapping
from pathlib import Path

#: Reversed polynomial of CRC-32C (Castagnoli), RFC 3720 appendix B.4.
_POLYNOMIAL = 0x82F63B78
_MASK_DELTA = 0xA282EAD8


class EventWriter:
    """Appends scalars to a new event file; each call leaves a complete file behind."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        now = time.time()
        self._path = folder / f"events.out.tfevents.{now:.0f}.rsuper.{os.getpid()}"
        self._append(_double(1, now) + _bytes(3, b"brain.Event:2"))

    def add(self, step: int, scalars: Mapping[str, float]) -> None:
        """Append the scalars of a step."""
        values = b"".join(_bytes(1, _bytes(1, name.encode()) + _float(2, value)) for name, value in scalars.items())
        self._append(_double(1, time.time()) + _integer(2, step) + _bytes(5, values))

    def _append(self, event: bytes) -> None:
        length = struct.pack("<Q", len(event))
        with self._path.open("ab") as file:
            file.write(length + _masked_crc(length) + event + _masked_crc(event))


def _double(field: int, value: float) -> bytes:
    return bytes([field << 3 | 1]) + struct.pack("<d", value)


def _float(field: int, value: float) -> bytes:
    return bytes([field << 3 | 5]) + struct.pack("<f", value)


def _integer(field: int, value: int) -> bytes:
    return bytes([field << 3]) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return bytes([field << 3 | 2]) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    groups = []
    while value > 127:
        groups.append(value & 127 | 128)
        value >>= 7
    return bytes([*groups, value])


def _masked_crc(content: bytes) -> bytes:
    crc = crc32c(content)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF)


def crc32c(content: bytes) -> int:
    """CRC-32C of some bytes."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def _table_entry(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (_POLYNOMIAL if byte & 1 else 0)
    return byte


_TABLE = [_table_entry(byte) for byte in range(256)]
