"""The proof that reports help: `rsuper bench supervision` (Docs/results/supervision)."""

from RSuperLib.bench.supervision.run import run

__all__ = ["run"]
