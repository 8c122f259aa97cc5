"""What labels lean on before and after denoising, as a report says it."""

from typing import Any

from curation.audit.diagnostics import Diagnostics


def before_and_after(found: Diagnostics) -> dict[str, Any]:
    """`clean` is true only where something was changed and no lean grew by it."""
    return {
        "verdict": found.verdict,
        "clean": found.clean,
        "grew": list(found.grew),
        "changed": found.changed,
        "leans": [{**lean._asdict(), "grew": lean.grew} for lean in found.leans],
    }
