import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import modules
from transformers import AutoTokenizer, BertConfig, BertModel

from curation.items import Texts
from curation.models.device import Dtype, resolve, resolve_dtype
from curation.models.embedder import MINILM, embed, load, model_path, tokenize

BODIES = ["short", "a middling sentence about owls", "long " * 300, "", "short", "Ünïcode \x00 😀"]


def texts(bodies: list[str], prefixes: list[str] | None = None) -> Texts:
    return Texts([str(i) for i in range(len(bodies))], prefixes or [""] * len(bodies), bodies)


def test_agrees_with_sentence_transformers() -> None:
    ours = embed(texts(BODIES), dtype="float32", device="cpu").vectors
    theirs = SentenceTransformer(model_path(MINILM), device="cpu").encode(BODIES)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_bfloat16_is_close_to_float32() -> None:
    full = embed(texts(BODIES), dtype="float32", device="cpu").vectors
    half = embed(texts(BODIES), dtype="bfloat16", device="cpu").vectors
    assert (full * half).sum(axis=1).min() > 0.996


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_vector_does_not_depend_on_its_batch(dtype: Dtype) -> None:
    bodies = [f"word {'and another ' * (i % 40)}{i}" for i in range(60)]
    together = embed(texts(bodies), dtype=dtype, device="cpu").vectors
    alone = np.vstack([embed(texts([body]), dtype=dtype, device="cpu").vectors for body in bodies])
    np.testing.assert_allclose(together, alone, atol=2e-3 if dtype == "bfloat16" else 1e-6)


def test_vectors_are_float32_of_unit_length_and_equal_texts_are_equal() -> None:
    embedded = embed(texts(BODIES))
    assert embedded.vectors.dtype == np.float32
    assert embedded.vectors.shape == (6, 384)
    np.testing.assert_allclose(np.linalg.norm(embedded.vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(embedded.vectors[0], embedded.vectors[4])
    assert embedded.truncated.tolist() == [False, False, True, False, False, False]


def test_no_texts_no_vectors() -> None:
    embedded = embed(texts([]))
    assert embedded.vectors.shape == (0, 384)
    assert embedded.truncated.shape == (0,)


def test_the_prefix_is_cut_on_its_left_and_the_body_stays() -> None:
    place = resolve("cpu")
    encoder = load(MINILM, None, resolve_dtype("float32", place), place)
    (ids,), cut = tokenize(encoder, [("first " * 50 + "last", "the body")], 16)
    assert encoder.tokenizer.decode(ids).split()[1:-1] == ["first"] * 11 + ["last", "the", "body"]
    assert cut.tolist() == [True]
    (ids,), cut = tokenize(encoder, [("prefix", "one " * 20 + "end")], 16)
    assert encoder.tokenizer.decode(ids).split()[1:-1] == ["one"] * 14
    assert cut.tolist() == [True]
    (ids,), cut = tokenize(encoder, [("a prefix", "b")], 16)
    assert cut.tolist() == [False]


def test_the_prefix_counts() -> None:
    one, two = embed(texts(["yes", "yes"], ["Do owls fly?", "Is bread made of glass?"])).vectors
    assert one @ two < 0.9


def test_another_model_keeps_its_own_modules(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("model")
    tokenizer = AutoTokenizer.from_pretrained(model_path(MINILM))
    config = BertConfig(
        vocab_size=tokenizer.vocab_size,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
    )
    BertModel(config).save_pretrained(folder / "bert")
    tokenizer.save_pretrained(folder / "bert")
    transformer = modules.Transformer(str(folder / "bert"), max_seq_length=32)
    pooling = modules.Pooling(16, pooling_mode="cls")
    dense = modules.Dense(16, 8)
    theirs = SentenceTransformer(modules=[transformer, pooling, dense], device="cpu")
    theirs.save(str(folder / "whole"))
    ours = embed(texts(BODIES), model=str(folder / "whole"), dtype="float32", device="cpu")
    expected = theirs.encode(BODIES, normalize_embeddings=True)
    np.testing.assert_allclose(ours.vectors, expected, atol=1e-5)


@pytest.mark.gpu
def test_the_gpu_gives_the_same_vectors() -> None:
    on_gpu = embed(texts(BODIES), dtype="float32", device="cuda").vectors
    np.testing.assert_allclose(
        on_gpu, embed(texts(BODIES), dtype="float32", device="cpu").vectors, atol=1e-3
    )
