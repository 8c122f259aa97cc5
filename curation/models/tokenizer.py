"""A user's tokenizer and chat template, from files alone: nothing is fetched, no code is loaded."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from jinja2.exceptions import TemplateError
from transformers import PreTrainedTokenizerFast

from curation.text import content_text

# In a configuration these name code to import: a way around trust_remote_code.
CODE_KEYS = {"auto_map", "_attn_implementation_internal", "custom_generate"}
CONFIGURATIONS = ("config.json", "tokenizer_config.json")
TOKENIZER = "tokenizer.json"


class TokenizerRefused(ValueError):
    """Not a folder with a tokenizer, or one whose configuration names code."""


class TemplateRefused(ValueError):
    """The chat template does not take this dialogue, and says why."""


class Encoded(NamedTuple):
    """Token ids of the prompt, ready for an answer, and of prompt and answer together."""

    prompt: list[int]
    whole: list[int]


class ChatTokenizer:
    """Encodes dialogues as trainers do: through the chat template where there is one."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.has_template = bool(tokenizer.chat_template)

    def encode(
        self, prompt: Sequence[Mapping[str, Any]], answers: Sequence[Sequence[Mapping[str, Any]]]
    ) -> list[Encoded]:
        """One `Encoded` an answer. Raises TemplateRefused."""
        before = self.text(prompt, opening=True)
        texts = [before, *(self.text([*prompt, *answer]) for answer in answers)]
        ids = self.tokenizer(texts, add_special_tokens=False)["input_ids"]
        return [Encoded(ids[0], whole) for whole in ids[1:]]

    def text(self, dialogue: Sequence[Mapping[str, Any]], *, opening: bool = False) -> str:
        """`opening` adds what an answer begins with. Without a template: the bare texts."""
        if not self.has_template:
            said = [content_text(message.get("content")) for message in dialogue]
            return "\n\n".join([*said, ""] if opening else said)
        try:
            return self.tokenizer.apply_chat_template(
                list(dialogue), tokenize=False, add_generation_prompt=opening
            )
        except TemplateError as error:
            raise TemplateRefused(str(error)[:300]) from None


def load(folder: Path) -> ChatTokenizer:
    """The tokenizer of a folder. Raises TokenizerRefused."""
    check(folder)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(
        str(folder), local_files_only=True, trust_remote_code=False
    )
    tokenizer.model_max_length = int(1e30)  # lengths are judged here, without its warnings
    return ChatTokenizer(tokenizer)


def check(folder: Path) -> None:
    if not (folder / TOKENIZER).is_file():
        raise TokenizerRefused(f"there is no {TOKENIZER} in the tokenizer's folder")
    for name in CONFIGURATIONS:
        path = folder / name
        if not path.is_file():
            continue
        try:
            found = orjson.loads(path.read_bytes())
        except orjson.JSONDecodeError:
            raise TokenizerRefused(f"{name} is no JSON") from None
        if not isinstance(found, dict) or CODE_KEYS & found.keys():
            raise TokenizerRefused(f"{name} names code to load")
