"""`python -m Testing.Host`: open scripted modules in the host, run their self-tests, save screenshots."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from pathlib import Path

from . import environment, failures
from .host import Host, TestResult


def main(arguments: list[str] | None = None) -> int:
    """0 if everything opened and every test passed, 1 if not, 2 if the host cannot run here."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO if options.verbose else logging.WARNING, format="%(levelname)s: %(message)s")
    reason = environment.missing()
    if reason:
        print(f"the host cannot run here: {reason}", file=sys.stderr)
        return 2
    width, height = (int(part) for part in options.size.split("x"))
    appearance = {"size": (width, height), "style": options.style, "scale": options.scale}
    with Host(**appearance, slicer_python=options.slicer_python) as host:
        passed = _run(host, options)
        failures.clear()
    return 0 if passed and not failures.recorded() else 1  # recorded: what the modules' cleanup gave


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m Testing.Host", description=__doc__)
    parser.add_argument("--module", action="append", required=True, metavar="FILE", help="a scripted module's .py file")
    parser.add_argument("--test", action="store_true", help="run each module's self-test")
    parser.add_argument("--screenshot", metavar="DIR", help="save the window with each module's panel here")
    parser.add_argument("--style", choices=("dark", "light"), default="dark")
    parser.add_argument("--scale", type=float, default=1.0, help="pixels per point, 2 for high-DPI (default 1)")
    parser.add_argument("--size", default="1280x800", help="window size in points (default 1280x800)")
    parser.add_argument("--max-block-ms", type=float, help="fail a self-test that blocks the event loop longer")
    parser.add_argument(
        "--slicer-python", metavar="DIR", help="Slicer's own Base/Python/slicer, for what the host leaves out of it"
    )
    parser.add_argument("--json", action="store_true", help="print results as JSON lines")
    parser.add_argument("--verbose", action="store_true", help="show the modules' log")
    return parser


def _run(host: Host, options: argparse.Namespace) -> bool:
    names = [host.load(path).name for path in options.module]
    host.startup_completed()
    passed = True
    for name in names:
        host.open(name)
        passed &= _opened(name, failures.recorded())
        if options.test:
            result = host.run_test(name)
            passed &= result.passed and not _too_slow(result, options.max_block_ms)
            _report(result, options)
        if options.screenshot:
            scale = f"-{options.scale:g}x" if options.scale != 1 else ""
            print(host.screenshot(Path(options.screenshot) / f"{name}-{options.style}{scale}.png"))
    return passed


def _opened(name: str, problems: list[str]) -> bool:
    if problems:
        print(f"{name}: {len(problems)} failures while opening", file=sys.stderr)
    return not problems


def _too_slow(result: TestResult, limit: float | None) -> bool:
    return limit is not None and result.longest_block_ms > limit


def _report(result: TestResult, options: argparse.Namespace) -> None:
    if options.json:
        print(json.dumps(vars(result)))
        return
    state = "passed" if result.passed else "FAILED"
    print(f"{result.module}: {state} in {result.seconds:.1f} s, longest block {result.longest_block_ms:.0f} ms")
    for failure in result.failures:
        print(failure, file=sys.stderr)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Qt and VTK take their own globals down in an order that neither knows of the other; everything is closed by now.
    os._exit(code)
