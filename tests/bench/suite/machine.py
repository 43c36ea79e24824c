# SPDX-License-Identifier: MIT
"""On what a run was made: figures mean nothing without it."""

import datetime
import os
import platform


def describe() -> dict:
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return {
        "date": datetime.date.today().isoformat(),
        "kernel": platform.release(),
        "processor": models[0] if models else platform.machine(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
    }
