"""Where the repository is. Importing this lets tests import `training`, which is not part of the installed package."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
