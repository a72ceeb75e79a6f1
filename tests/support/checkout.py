"""Where this checkout is, and what may lie beside it."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS, DOCS, BENCH = ROOT / "tests", ROOT / "docs", ROOT / "bench"
STAND_IN = TESTS / "cuda" / "stand_in"
SHARED = ROOT.parent / "shared"
