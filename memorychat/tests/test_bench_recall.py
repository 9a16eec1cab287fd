"""What `bench_recall` computes and refuses; the measuring itself is no test."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from memorychat.bench.recall_quality import DatasetError, measures, read, run

CONVERSATION = {
    "sample_id": "conv-1",
    "conversation": {
        "speaker_a": "Ana",
        "speaker_b": "Ben",
        "session_1_date_time": "1:56 pm on 8 May, 2023",
        "session_1": [
            {"speaker": "Ana", "dia_id": "D1:1", "text": "I adopted a parrot called Kiwi"},
            {"speaker": "Ben", "dia_id": "D1:2", "text": "How lovely!"},
            {"speaker": "Ben", "dia_id": "D1:3", "text": " "},
        ],
    },
    "qa": [
        {"question": "What did Ana adopt?", "answer": "a parrot", "evidence": ["D1:1; D9:9"], "category": 4},
        {"question": "What did nobody say?", "answer": "nothing", "evidence": [], "category": 4},
    ],
}


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps([CONVERSATION]))
    return path


def test_a_question_is_measured_by_the_places_of_its_evidence() -> None:
    found = measures(["x", "a", "y", "z", "u", "b"], frozenset({"a", "b"}))
    assert (found["recall@1"], found["recall@5"], found["recall@10"]) == (0, 0.5, 1)
    assert found["MRR"] == 0.5
    assert 0.5 < found["nDCG@10"] < 1
    assert set(measures(["x"], frozenset({"a"})).values()) == {0}
    assert measures(["a", "b"], frozenset({"a", "b"}))["nDCG@10"] == pytest.approx(1)


def test_turns_without_words_and_questions_without_evidence_are_left_out(dataset: Path) -> None:
    [conversation] = read(dataset)
    assert [turn.name for turn in conversation.turns] == ["D1:1", "D1:2"]
    assert [question.evidence for question in conversation.questions] == [frozenset({"D1:1"})]


@pytest.mark.django_db(transaction=True)
def test_a_conversation_is_remembered_and_asked_beside_its_baselines(dataset: Path) -> None:
    told = "\n".join(run(read(dataset)))
    assert "2 turns, 1 questions" in told
    for name in ("MemoryChat", "cosine alone", "BM25 alone"):
        assert name in told
    assert "recall@10                                           1.000" in told
    assert "mem0 is not installed" in told


# What we ask of mem0, answered by the words that two texts share.
MEM0 = """
class Memory:
    @classmethod
    def from_config(cls, config):
        assert config["vector_store"]["config"]["embedding_model_dims"]
        self = cls()
        self.kept = []
        return self

    def add(self, text, *, user_id, metadata, infer):
        assert infer is False
        self.kept.append({"text": text, "metadata": metadata, "vector": self.embedding_model.embed(text, "add")})

    def search(self, query, *, filters, top_k, threshold):
        asked = set(query.lower().split())
        found = sorted(self.kept, key=lambda each: -len(asked & set(each["text"].lower().split())))
        return {"results": found[:top_k]}
"""


@pytest.fixture
def installed_mem0(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, content in {
        "mem0/__init__.py": MEM0,
        "mem0ai-0.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: mem0ai\nVersion: 0.0\n",
    }.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(content)
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("MEM0_TELEMETRY", "MEM0_DIR"):
        monkeypatch.setenv(name, "")
    yield
    assert os.environ["MEM0_TELEMETRY"] == "False"
    monkeypatch.delitem(sys.modules, "mem0")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("installed_mem0")
def test_where_mem0_is_installed_it_is_asked_too(dataset: Path) -> None:
    told = "\n".join(run(read(dataset)))
    assert "mem0 0.0, vectors alone" in told
    [row] = [part for part in told.split("\n\n") if part.strip().startswith("mem0 ")]
    assert row.splitlines()[1].split()[-1] == "1.000"


@pytest.mark.parametrize("content", ["", "no json", "[1]", "{}x", '[{"sample_id": "a"}]', "null"])
def test_what_is_no_dataset_is_refused_in_one_line(tmp_path: Path, content: str) -> None:
    path = tmp_path / "odd.json"
    path.write_text(content)
    with pytest.raises(DatasetError):
        read(path)
    with pytest.raises(CommandError) as refused:
        call_command("bench_recall", str(path))
    assert refused.value.returncode == 2
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError):
        call_command("bench_recall", str(tmp_path / "nothing.json"))
