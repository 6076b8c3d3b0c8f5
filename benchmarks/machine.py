"""What a process has used, as the kernel accounts for it."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its threads, in seconds (proc(5), /proc/PID/stat, fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def waiting_seconds(pid: int) -> float:
    """How long the main thread was ready to run while the processors had other work (/proc/PID/schedstat)."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9


def resident_bytes(pid: int) -> int:
    """Memory of a process that is in RAM (proc(5), VmRSS)."""
    return _status_kibibytes(pid, "VmRSS") * 1024


def peak_resident_bytes(pid: int) -> int:
    """The most memory of a process that was ever in RAM (proc(5), VmHWM)."""
    return _status_kibibytes(pid, "VmHWM") * 1024


def _status_kibibytes(pid: int, key: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1])
    raise KeyError(key)
