"""Load a model anew, in processes of its own: how far do the time and the memory that it takes differ between loads?

A program: it reads the arguments of TransformersModel on standard input, imports the libraries once, and forks one
process after the other, each of which loads the model and answers one prompt. So every load begins with the same
memory, and the libraries are waited for once.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Mapping

from ...probes.contract import Decoding, Generation, Load, from_json, to_json
from ..memory import LOADS, MOST_SECONDS, held_bytes
from .resources import free_bytes

PROMPT = Generation(
    prompt="The night train stops at a small station where nobody has bought a ticket for years. " * 4,
    decoding=Decoding(max_tokens=32),
    alone=True,
)
"""As long as the longest prompts of fitness.resources."""


def loads(arguments: Mapping[str, object], first_seconds: float) -> tuple[Load, ...]:
    """What loading takes, time after time; nothing where memory has no room for a second model, or time for so many.

    `arguments` are those of TransformersModel, on a CPU; `first_seconds` is what its first load took.
    """
    free = free_bytes()
    if first_seconds * LOADS > MOST_SECONDS or (free is not None and free < held_bytes()):
        return ()
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        ended = subprocess.run(
            [sys.executable, "-P", "-m", __name__],  # -P: a file of the user's that is called torch.py is not torch
            input=pickle.dumps(dict(arguments)),
            capture_output=True,
            env=environment,
            timeout=2 * MOST_SECONDS,
            check=True,
        )
        return tuple(from_json(Load, json.loads(line)) for line in ended.stdout.splitlines())
    except (OSError, ValueError, subprocess.SubprocessError):
        return ()


def _load(arguments: Mapping[str, object]) -> Load:
    from .transformers import TransformersModel

    model = TransformersModel(**arguments)  # type: ignore[arg-type]
    loaded = held_bytes()
    model.generate([PROMPT])
    assert model.footprint is not None and model.footprint.load_seconds is not None
    return Load(seconds=model.footprint.load_seconds, loaded_bytes=loaded, peak_bytes=held_bytes())


def _main() -> int:
    arguments = pickle.loads(sys.stdin.buffer.read())
    told = os.dup(1)
    os.dup2(2, 1)  # libraries may print what they like: it does not mix with what is told
    from . import transformers  # noqa: F401  # before the forks, which then need not import it

    for _ in range(LOADS):
        process = os.fork()
        if process == 0:
            failed = 1
            try:
                os.write(told, json.dumps(to_json(_load(arguments))).encode() + b"\n")
                failed = 0
            finally:
                os._exit(failed)
        if os.waitpid(process, 0)[1]:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main())
