"""Looks for what would train wrongly before an export is written: errors refuse it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from service.errors import Invalid
from service.export.layout import (
    PairLayout,
    RecordLayout,
    TrainerLayout,
    TrainingPair,
    TrainingRecord,
)
from service.export.leaks import Leaks, digest
from service.export.pair_checks import check_characters, check_pair, check_tokens, text_of
from service.formats.record import RowError

if TYPE_CHECKING:
    from curation.models.tokenizer import ChatTokenizer

Severity: TypeAlias = Literal["error", "warning"]
SHOWN = 20  # rows named in a finding
NAMED = 3  # rows named in a refusal
LEFT_OUT_BY = {
    "empty_answer": "'chosen.length > 0 AND rejected.length > 0'",
    "empty_prompt": "'prompt.length > 0'",
}

CODES: dict[str, tuple[Severity, str]] = {
    "empty_answer": ("error", "an answer has no text"),
    "chosen_equals_rejected": ("error", "chosen and rejected say the same"),
    "image_answer": (
        "error",
        "an answer is an image, this layout holds texts: see diffusion_dpo",
    ),
    "text_answer": ("error", "an answer is a text, and the layout holds images"),
    "empty_prompt": ("error", "the prompt has no text"),
    "prompt_repeated": ("error", "the answers begin with the prompt, which would come twice"),
    "empty_after_truncation": ("error", "the prompt fills max_length: no answer is left"),
    "equal_after_truncation": ("error", "cut at max_length, chosen and rejected are the same"),
    "equal_tokens": ("error", "the tokenizer makes the same tokens of chosen and rejected"),
    "template_refuses": ("error", "the chat template does not take the dialogue"),
    "not_expressible": ("error", "the layout can't say what the row holds"),
    "left_out": ("warning", "labels that the layout has no place for are left out"),
    "pair_left_out": ("warning", "the pair is left out"),
    "record_left_out": ("warning", "the layout can't say what the record holds: it is left out"),
    "leak": ("error", "the prompt is in another split, too"),
    "near_leak": ("warning", "but for case and spacing, the prompt is in another split, too"),
    "dialogue_leak": ("warning", "the prompt goes on from a whole prompt of another split"),
    "differs_in_space": ("warning", "chosen and rejected differ in nothing but space"),
    "shared_beginning": ("warning", "both answers begin with the same message"),
    "answers_quote_prompt": ("warning", "both answers begin with the text of the prompt"),
    "system_not_first": ("warning", "a system message that is not the first"),
    "roles_repeat": ("warning", "two messages of one role after another"),
    "prompt_ends_with_assistant": ("warning", "the prompt ends with an assistant's message"),
    "answer_not_by_assistant": ("warning", "an answer does not begin with the assistant"),
    "reversed_order": ("warning", "margin, scores or soft label say that rejected is better"),
    "contradicts": ("warning", "another pair says the opposite of the same two answers"),
    "untrimmed_answer": ("warning", "space around an answer, which the trainer may not find again"),
    "prompt_not_prefix": ("warning", "the prompt's tokens change once an answer follows"),
    "truncated": ("warning", "longer than max_length: the end is cut off"),
    "length_unknown": ("warning", "more characters than max_length; a tokenizer would tell"),
    "no_chat_template": ("warning", "the tokenizer has no chat template; bare texts were counted"),
}


class LeftOutPair(NamedTuple):
    """A line of `left_out.jsonl`: which pair of which split the trainer can't take, and why."""

    pair_id: str
    prompt_id: str
    split: str
    code: str
    message: str


class Finding(BaseModel):
    """One kind of thing that is wrong, and with which rows."""

    model_config = ConfigDict(frozen=True)

    code: str = Field(examples=["empty_answer"])
    severity: Severity = Field(description="an error refuses the export")
    message: str = Field(examples=["an answer has no text"])
    count: int = Field(description="rows that have it")
    rows: tuple[str, ...] = Field(description=f"the first {SHOWN} of them, by id")


class Preflight(BaseModel):
    """`unit` is what lengths were counted in."""

    model_config = ConfigDict(frozen=True)

    rows: int
    unit: Literal["tokens", "characters"]
    max_length: int | None
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(found for found in self.findings if found.severity == "error")

    def refuse_errors(self, advice: str = "") -> None:
        """Raises Invalid `preflight_failed` with every finding where one is an error. `advice`:
        what may be done, to come after it."""
        if self.errors:
            said = "; ".join(map(in_words, self.errors))
            findings = [found.model_dump(mode="json") for found in self.findings]
            raise Invalid(
                f"nothing was exported: {said}{advice}", code="preflight_failed", findings=findings
            )


def in_words(found: Finding) -> str:
    """With the first rows by id, and what leaves them out."""
    rows = ", ".join(found.rows[:NAMED]) + (", …" if found.count > NAMED else "")
    hint = LEFT_OUT_BY.get(found.code)
    advice = f"; of a dataset, where={hint} leaves them out" if hint else ""
    return f"{found.message} ({found.count}: {rows}{advice})"


def preflight(
    layout: TrainerLayout,
    rows: Iterable[tuple[str, TrainingPair | TrainingRecord]],
    tokenizer: "ChatTokenizer | None" = None,
    max_length: int | None = None,
) -> Preflight:
    """Check (split, pair or record) rows, in constant memory but for a hash a prompt and pair."""
    search = Search(layout, tokenizer, max_length)
    for split, item in rows:
        search.add(split, item)
    return search.report()


def preflight_leaving_out(
    layout: TrainerLayout,
    rows: Iterable[tuple[str, TrainingPair]],
    tokenizer: "ChatTokenizer | None" = None,
    max_length: int | None = None,
) -> tuple[Preflight, list[LeftOutPair]]:
    """The same; pairs with an error of their own are warned of, and told."""
    search = Search(layout, tokenizer, max_length)
    left = [each for split, pair in rows if (each := search.take(split, pair)) is not None]
    return search.report(), left


class Search:
    """Takes rows one by one and remembers what was found."""

    def __init__(
        self, layout: TrainerLayout, tokenizer: "ChatTokenizer | None", max_length: int | None
    ) -> None:
        self.layout, self.tokenizer, self.max_length = layout, tokenizer, max_length
        self.rows = 0
        self.counts: Counter[tuple[str, str]] = Counter()
        self.named: dict[tuple[str, str], list[str]] = {}
        self.leaks = Leaks()
        self.orders: dict[bytes, bool] = {}

    def add(self, split: str, item: TrainingPair | TrainingRecord) -> None:
        self.rows += 1
        for said in dict.fromkeys(self.check(split, item)):
            code, _, detail = said.partition(": ")
            self.found(name_of(item), code, detail)

    def take(self, split: str, pair: TrainingPair) -> LeftOutPair | None:
        """Add the pair if it can leave; else why not. A leak is no fault of the pair's."""
        said = [*dict.fromkeys(self.check(split, pair))]
        for each in said:
            code, _, detail = each.partition(": ")
            severity, message = CODES[code]
            if severity == "error" and code != "leak":
                why = f"{message}: {detail}" if detail else message
                self.found(pair.pair_id, "pair_left_out", why)
                return LeftOutPair(pair.pair_id, pair.prompt_id, split, code, why)
        self.rows += 1
        for each in said:
            code, _, detail = each.partition(": ")
            self.found(pair.pair_id, code, detail)
        return None

    def found(self, name: str, code: str, detail: str = "") -> None:
        self.counts[code, detail] += 1
        names = self.named.setdefault((code, detail), [])
        if len(names) < SHOWN:
            names.append(name)

    def check(self, split: str, item: TrainingPair | TrainingRecord) -> Iterator[str]:
        prompt = item.prompt if isinstance(item, TrainingPair) else item.record.messages
        yield from self.leaks.check(split, prompt, name_of(item))
        if isinstance(item, TrainingRecord):
            yield from check_record(self.layout, item)
            return
        assert isinstance(self.layout, PairLayout)
        yield from check_pair(self.layout, item)
        if self.layout.holds_answers and self.contradicts(item):
            yield "contradicts"
        if item.is_of_images and self.layout.holds_answers:
            return
        if self.tokenizer is not None:
            yield from check_tokens(self.layout, item, self.tokenizer, self.max_length)
        elif self.max_length is not None:
            yield from check_characters(item, self.max_length)

    def contradicts(self, pair: TrainingPair) -> bool:
        prompt = text_of(pair.prompt)
        chosen = pair.chosen_image or text_of(pair.chosen)
        rejected = pair.rejected_image or text_of(pair.rejected)
        first, second = sorted((chosen, rejected))
        known = self.orders.setdefault(digest(prompt, first, second), first == chosen)
        return known != (first == chosen)

    def report(self) -> Preflight:
        if self.tokenizer is not None and not self.tokenizer.has_template:
            self.counts["no_chat_template", ""] = self.rows
        for name in self.leaks.continued():
            self.found(name, "dialogue_leak")
        order = list(CODES)
        findings = [
            finding(code, detail, count, self.named.get((code, detail), []))
            for (code, detail), count in sorted(
                self.counts.items(), key=lambda found: (order.index(found[0][0]), found[0][1])
            )
        ]
        return Preflight(
            rows=self.rows,
            unit="characters" if self.tokenizer is None else "tokens",
            max_length=self.max_length,
            findings=tuple(findings),
        )


def finding(code: str, detail: str, count: int, rows: list[str]) -> Finding:
    severity, message = CODES[code]
    said = f"{message}: {detail}" if detail else message
    return Finding(code=code, severity=severity, message=said, count=count, rows=tuple(rows))


def check_record(layout: TrainerLayout, item: TrainingRecord) -> Iterator[str]:
    assert isinstance(layout, RecordLayout)
    try:
        written = [row.values for row in layout.rows([item])]
    except RowError as error:
        yield f"not_expressible: {error.message}"
        return
    left = layout.leaves_out(item.record)
    if left:
        yield f"left_out: {', '.join(left)}"
    if layout.trains and any(has_empty_answer(values) for values in written):
        yield "empty_answer"


def has_empty_answer(values: dict[str, object]) -> bool:
    """An answer's text of a row of records: completion (messages), completions, responses."""
    for name in ("completion", "completions", "responses"):
        found = values.get(name)
        if isinstance(found, list):
            texts = [text_of([each]) if isinstance(each, dict) else str(each) for each in found]
            if not all(text.strip() for text in texts):
                return True
    return False


def name_of(item: TrainingPair | TrainingRecord) -> str:
    if isinstance(item, TrainingPair):
        return item.pair_id
    named = (item.record.record_id, item.origin.get("source"))
    return " at ".join(str(each) for each in named if each) or item.prompt_id
