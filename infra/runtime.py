"""What the functions run on, and where their layer is built. Imports nothing, so that the bundler starts at once."""

from __future__ import annotations

from pathlib import Path

PYTHON_VERSION = "3.14"
RUNTIME = f"python{PYTHON_VERSION}"
ARCHITECTURE = "x86_64"

ROOT = Path(__file__).resolve().parent.parent
LAYER = ROOT / "build" / "layer.zip"
REQUIREMENTS = ROOT / "requirements" / "lambda.txt"
