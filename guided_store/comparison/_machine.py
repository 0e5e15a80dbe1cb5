"""What a comparison ran on."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version

from guided_store import __version__


def machine() -> dict[str, str]:
    """Programs and hardware by name, as text: what someone needs to judge times and last digits."""
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {
        "guided-store": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": version("numpy"),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": str(cores),
        "threads": str(torch.get_num_threads()),
    }
