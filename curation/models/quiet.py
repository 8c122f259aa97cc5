"""Loading a model without a library's progress bar on the user's terminal."""

from collections.abc import Generator
from contextlib import contextmanager

from transformers.utils import logging


@contextmanager
def no_bars() -> Generator[None]:
    """Leaves the library's setting as it was: others may want its bars."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
