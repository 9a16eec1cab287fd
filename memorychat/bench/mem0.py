"""mem0 beside us, where somebody installed it: with our vectors and no model, so that nothing leaves the machine."""

import importlib
import os
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from memories.engine import index
from memories.models import MemoryProfile
from memorychat.llm.providers import get_embedder

PACKAGE = "mem0"
# It makes clients of OpenAI's, which are never called, and refuses to without a key.
UNUSED = {"provider": "openai", "config": {"api_key": "unused"}}


def is_installed() -> bool:
    return find_spec(PACKAGE) is not None


def how_it_takes_part() -> str:
    if not is_installed():
        return "mem0 is not installed"
    return (
        f"mem0 {version('mem0ai')}, {'vectors and words' if find_spec('fastembed') else 'vectors alone (no fastembed)'}"
    )


class Vectors:
    """mem0's protocol of an embedder, around ours."""

    def __init__(self, profile: MemoryProfile) -> None:
        self.profile = profile

    def embed(self, text: str, memory_action: str | None = None) -> list[float]:
        return self.embed_batch([text])[0]

    def embed_batch(self, texts: Sequence[str], memory_action: str | None = None) -> list[list[float]]:
        return [vector.tolist() for vector in index.embed(texts, self.profile)]


class Mem0:
    """The memories of one profile as mem0 keeps and finds them, in a folder that can be thrown away."""

    def __init__(self, folder: Path, profile: MemoryProfile) -> None:
        # Read when it is imported, so neither set before nor imported above.
        os.environ |= {"MEM0_TELEMETRY": "False", "MEM0_DIR": str(folder)}
        self.owner = str(profile.owner_id)
        self.memory: Any = importlib.import_module(PACKAGE).Memory.from_config(_configuration(folder, profile))
        self.memory.embedding_model = Vectors(profile)

    def remember(self, text: str, name: str) -> None:
        self.memory.add(text, user_id=self.owner, metadata={"name": name}, infer=False)

    def recall(self, query: str, limit: int) -> list[str]:
        """The names of what it finds, best first."""
        found = self.memory.search(query, filters={"user_id": self.owner}, top_k=limit, threshold=0.0)
        return [each["metadata"]["name"] for each in found["results"]]


def _configuration(folder: Path, profile: MemoryProfile) -> dict[str, Any]:
    store = {
        "path": str(folder / str(profile.pk)),
        "collection_name": "bench",
        "embedding_model_dims": get_embedder(profile).dimensions,
    }
    return {
        "vector_store": {"provider": "qdrant", "config": store},
        "embedder": UNUSED,
        "llm": UNUSED,
        "history_db_path": ":memory:",
    }
