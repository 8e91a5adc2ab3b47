"""Programme a hydraulic lab press."""

from __future__ import annotations

__version__ = "0.1.0"
