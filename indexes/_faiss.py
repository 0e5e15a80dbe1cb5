"""FAISS without its type stubs, which are incomplete (no SearchParametersHNSW, wrong IDSelectorBitmap)."""

from __future__ import annotations

import importlib
from typing import Any

faiss: Any = importlib.import_module("faiss")
