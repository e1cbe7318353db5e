"""`rsuper train`: networks that learn from masks and reports."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from RSuperLib.commands.arguments import user_path
from RSuperLib.commands.progress import progress_bar
from RSuperLib.io import InputError

if TYPE_CHECKING:
    from RSuperLib.training import Plan, TrainSettings

EXAMPLES = (
    "  rsuper train settings.json --estimate          memory and time, before anything is done\n"
    "  rsuper train settings.json --out runs/first    also goes on with a run that was stopped\n"
    "  rsuper train --resume runs/first\n"
    "  rsuper train --stop runs/first                 from another terminal; nothing is lost\n"
    "  rsuper train --adopt runs/first --id liver-1 --trained-on patients --licence CC-BY-4.0"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("settings", type=user_path, nargs="?", help="JSON file, see Docs/training.md")
    parser.add_argument("--out", type=user_path, metavar="RUN", help="folder of the run")
    parser.add_argument(
        "--estimate", action="store_true", help="say memory and time, and how the machine is used; stop"
    )
    parser.add_argument("--resume", type=user_path, metavar="RUN", help="go on with a run")
    parser.add_argument("--stop", type=user_path, metavar="RUN", help="ask a run to end at its next step")
    parser.add_argument("--adopt", type=user_path, metavar="RUN", help="make a new model out of a run's best weights")
    parser.add_argument("--id", help="id of the new model")
    parser.add_argument("--trained-on", choices=("phantoms", "patients"), default="phantoms", help="for its card")
    parser.add_argument("--licence", default="not stated", help="of its weights")


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Do the one thing that was asked for."""
    wanted = [name for name in ("settings", "resume", "stop", "adopt") if getattr(arguments, name) is not None]
    if len(wanted) != 1:
        raise InputError(
            "Give settings, --resume, --stop or --adopt, and only one of them.", "See `rsuper train --help`."
        )
    actions = {"settings": _begin, "resume": _resume, "stop": _stop, "adopt": _adopt}
    return actions[wanted[0]](arguments)


def describe(result: dict[str, Any]) -> str:
    """What was done, in a few lines."""
    if "sentences" in result:
        return "\n".join(result["sentences"])
    if "stopped" in result:
        return f"The run in {result['stopped']} ends at its next step."
    if "card" in result:
        return f"{result['card']['id']}: {result['card']['limits']}"
    score = ", ".join(f"{value:.3f}" for value in result["score"] or [])
    held_out = f"Held-out F1, AUC, Dice: {score}. " if score else ""
    return (
        f"{result['steps']} steps, {result['seconds_per_step']:.2f} s each. {held_out}"
        f"Look at {result['run']}/curves.png; `rsuper train --adopt {result['run']} --id …` makes a model of it."
    )


def _begin(arguments: argparse.Namespace) -> dict[str, Any]:
    from RSuperLib.training import estimate, read_settings

    settings = read_settings(arguments.settings)
    if arguments.estimate:
        return estimate(settings).as_json()
    if arguments.out is None:
        raise InputError("The folder of the run is missing.", "Give it with --out.")
    return _train(settings, arguments.out)


def _resume(arguments: argparse.Namespace) -> dict[str, Any]:
    from RSuperLib.training import RunFolder

    run_folder = RunFolder(arguments.resume)
    if not run_folder.is_begun:
        raise InputError(f"There is no run in {arguments.resume.name}.", "Check the path.")
    return _train(run_folder.settings(), arguments.resume)


def _train(settings: TrainSettings, folder: Path) -> dict[str, Any]:
    from RSuperLib.training import train

    with progress_bar("train") as progress:
        result = train(settings, folder, progress, _announce)
    return {"run": str(folder), **result}


def _announce(plan: Plan) -> None:
    """Say what is to come on standard error, as the answer on standard output may be for a machine."""
    print("\n".join(plan.sentences), file=sys.stderr, flush=True)  # noqa: T201 - for the one who waits


def _stop(arguments: argparse.Namespace) -> dict[str, Any]:
    from RSuperLib.training import RunFolder

    RunFolder(arguments.stop).stop()
    return {"stopped": str(arguments.stop)}


def _adopt(arguments: argparse.Namespace) -> dict[str, Any]:
    from RSuperLib.training import adopt

    if not arguments.id:
        raise InputError("The new model has no id.", "Give one with --id.")
    return {"card": adopt(arguments.adopt, arguments.id, arguments.trained_on, arguments.licence)}
