"""A real tokenizer of a few words, with a chat template, as a folder."""

from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from curation.models.tokenizer import ChatTokenizer, load

TAGS = ["<user>", "<assistant>", "<end>", "<unk>"]
NUMBERS = ["one", "two", "three", "four", "five", "six", "seven"]
TEMPLATE = (
    "{% for m in messages %}{% if m.role == 'tool' %}{{ raise_exception('no tools') }}{% endif %}"
    "<{{ m.role }}> {{ m.content }} <end> {% endfor %}"
    "{% if add_generation_prompt %}<assistant> {% endif %}"
)


def save(folder: Path, template: str | None = TEMPLATE) -> None:
    known = {word: id for id, word in enumerate(TAGS + NUMBERS)}
    model = models.WordLevel(known, unk_token="<unk>")
    words = Tokenizer(model)
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made = PreTrainedTokenizerFast(tokenizer_object=words, unk_token="<unk>")
    made.chat_template = template
    made.save_pretrained(str(folder))


def tokenizer(folder: Path, template: str | None = TEMPLATE) -> ChatTokenizer:
    save(folder, template)
    return load(folder)
