"""Files of memories as other programs write them, and everything that can be wrong with them."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from memories.engine import formats, formats_entries
from memories.engine.formats import read
from memories.engine.formats_entries import BadFile, Contents, Format
from memories.models import Status


def contents_of(value: Any) -> Contents:
    return read(json.dumps(value).encode())


def told(contents: Contents) -> list[str]:
    return [entry.candidate.content for entry in contents.entries]


def chatgpt(*messages: dict[str, Any], leaf: str | None = None) -> dict[str, Any]:
    """A conversation of ChatGPT's export, its messages one after the other."""
    mapping: dict[str, Any] = {"root": {"id": "root", "message": None, "parent": None, "children": ["0"]}}
    for at, message in enumerate(messages):
        parent = message.pop("parent", str(at - 1) if at else "root")
        mapping[str(at)] = {"id": str(at), "message": message, "parent": parent, "children": []}
    return {"title": "A talk", "mapping": mapping, "current_node": leaf or str(len(messages) - 1)}


def of(role: str, *parts: Any, **rest: Any) -> dict[str, Any]:
    content = {"content_type": "text", "parts": list(parts)}
    return {"author": {"role": role}, "create_time": 1714733460.5, "content": content, **rest}


def test_plain_lines_lose_their_bullets_and_dates() -> None:
    lines = "- I live in Porto\n\n* I like tea\n3. I own a boat\n[2024-05-03] - I moved to Lisbon\n[unknown] - I row\n"
    contents = read(lines.encode())

    assert contents.format is Format.LINES
    assert told(contents) == ["I live in Porto", "I like tea", "I own a boat", "I moved to Lisbon", "I row"]
    assert contents.entries[3].candidate.occurred_at == datetime(2024, 5, 3, tzinfo=UTC)
    assert [entry.line for entry in contents.entries] == [1, 3, 4, 5, 6]


def test_a_list_in_a_fence_under_a_heading_is_read(client: object) -> None:
    contents = read(b"# Memories\n```\n- I live in Porto\n```\n")

    assert told(contents) == ["I live in Porto"]
    assert [(each.line, each.beginning) for each in contents.skipped] == [(1, "# Memories"), (2, "```"), (4, "```")]


def test_a_list_that_begins_with_a_bracket_is_no_json() -> None:
    assert told(read(b"[2024-05-03] - I live in Porto\n")) == ["I live in Porto"]
    assert told(read(b"[sic] is what I like to write")) == ["[sic] is what I like to write"]


def test_of_chatgpt_only_the_person_s_own_words_are_read() -> None:
    contents = contents_of(
        [
            chatgpt(
                of("system", "You are helpful", metadata={"is_visually_hidden_from_conversation": True}),
                of("user", "About me: I hide", metadata={"is_visually_hidden_from_conversation": True}),
                of("user", "I live in Porto.", {"asset_pointer": "file://x"}, "I own a boat."),
                of("assistant", "You live in Porto, and you like tea."),
                of("tool", "I am a tool"),
                of("user", "I like tea."),
            )
        ]
    )

    assert contents.format is Format.CHATGPT
    assert told(contents) == ["I live in Porto.\nI own a boat.", "I like tea."]
    assert all(entry.is_said for entry in contents.entries)
    assert contents.entries[0].candidate.provenance.said_at == datetime(2024, 5, 3, 10, 51, 0, 500000, tzinfo=UTC)


def test_of_chatgpt_what_was_spoken_is_read() -> None:
    spoken = {"content_type": "audio_transcription", "text": "I live in Porto.", "direction": "in"}
    sound = {"content_type": "audio_asset_pointer", "asset_pointer": "file://x"}
    message = of("user")
    message["content"] = {"content_type": "multimodal_text", "parts": [spoken, sound]}

    assert told(contents_of([chatgpt(message)])) == ["I live in Porto."]


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([of("assistant", "You live in Porto.")], formats_entries.NO_OWN_WORDS),
        ([of("user", "I hide", metadata={"is_visually_hidden_from_conversation": True})], formats_entries.NO_OWN_WORDS),
        ([], formats_entries.NO_OWN_WORDS),
        ([of("user", {"content_type": "image_asset_pointer"})], formats_entries.NOT_OF_WORDS),
        ([of("user", {"content_type": "audio_transcription", "text": 7})], formats_entries.NOT_OF_WORDS),
        ([of("user", " ")], formats_entries.NOT_OF_WORDS),
    ],
)
def test_of_chatgpt_a_conversation_that_gives_nothing_is_told(messages: list[Any], reason: str) -> None:
    contents = contents_of([chatgpt(*messages)])

    assert told(contents) == []
    assert [(each.line, each.reason) for each in contents.skipped] == [(1, reason)]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({"sender": "assistant", "text": "You live in Porto."}, formats_entries.NO_OWN_WORDS),
        ({"sender": "human", "text": "", "content": [{"type": "image"}]}, formats_entries.NOT_OF_WORDS),
        ("nonsense", formats_entries.NO_OWN_WORDS),
    ],
)
def test_of_claude_a_conversation_that_gives_nothing_is_told(message: Any, reason: str) -> None:
    contents = contents_of([{"uuid": "c", "name": "A talk", "chat_messages": [message]}])

    assert told(contents) == []
    assert [(each.line, each.reason) for each in contents.skipped] == [(1, reason)]


def test_of_chatgpt_a_branch_that_was_left_is_not_read() -> None:
    conversation = chatgpt(
        of("user", "I live in Braga."), of("assistant", "Yes."), of("user", "I live in Porto.") | {"parent": "root"}
    )

    assert told(contents_of([conversation])) == ["I live in Porto."]


def test_a_circle_in_chatgpt_s_tree_ends() -> None:
    conversation = chatgpt(of("user", "I live in Porto."))
    conversation["mapping"]["0"]["parent"] = "0"

    assert told(contents_of([conversation])) == ["I live in Porto."]


def test_of_claude_only_the_person_s_own_words_are_read() -> None:
    conversation = {
        "uuid": "c",
        "name": "A talk",
        "chat_messages": [
            {"sender": "human", "text": "I live in Porto.", "created_at": "2024-05-03T10:00:00Z"},
            {"sender": "assistant", "text": "You live in Porto."},
            {"sender": "human", "text": "", "content": [{"type": "text", "text": "I like tea."}, {"type": "tool_use"}]},
        ],
    }
    contents = contents_of([conversation])

    assert contents.format is Format.CLAUDE
    assert told(contents) == ["I live in Porto.", "I like tea."]


def test_what_claude_wrote_down_is_read_sentence_by_sentence() -> None:
    contents = contents_of(
        [
            {
                "conversations_memory": "**Work context**\n\nCarol works at a shipyard. She builds red boats.\n",
                "project_memories": {"p": "# Boats\n- The boat is called Anna"},
                "account_uuid": "a",
            }
        ]
    )

    assert contents.format is Format.CLAUDE_MEMORY
    assert told(contents) == ["Carol works at a shipyard.", "She builds red boats.", "The boat is called Anna"]
    assert [(each.line, each.beginning, each.reason) for each in contents.skipped] == [
        (1, "**Work context**", formats_entries.A_HEADING),
        (4, "# Boats", formats_entries.A_HEADING),
    ]


@pytest.mark.parametrize(
    "memories",
    [
        {"conversations_memory": ""},
        {"conversations_memory": None},
        {"conversations_memory": 7},
        {"conversations_memory": "```"},
        {"conversations_memory": "- "},
        {"project_memories": {"p": None}},
        {"project_memories": ["I live in Porto"]},
    ],
)
def test_a_block_of_claude_s_that_gives_nothing_is_told(memories: dict[str, Any]) -> None:
    contents = contents_of(memories)

    assert told(contents) == []
    assert len(contents.skipped) == 1


@pytest.mark.parametrize("wrap", [lambda rows: {"results": rows}, lambda rows: {"memories": rows}, lambda rows: rows])
def test_mem0_s_lists_are_read(wrap: Any) -> None:
    row = {"id": "1", "memory": "Lives in Porto", "metadata": {"a": 1}, "created_at": "2024-05-03T03:00:00-07:00"}
    contents = contents_of(wrap([row, {"id": "2", "memory": "Likes tea", "metadata": None}]))

    assert contents.format is Format.MEM0
    assert told(contents) == ["Lives in Porto", "Likes tea"]
    assert contents.entries[0].candidate.metadata == {"a": 1}
    assert contents.entries[0].candidate.occurred_at == datetime(2024, 5, 3, 10, tzinfo=UTC)
    assert contents.entries[1].candidate.occurred_at is None


def own(*memories: Any, version: int = 1) -> dict[str, Any]:
    return {
        "format": "memorychat.memories",
        "version": version,
        "profiles": [{"name": "x", "memories": list(memories)}],
    }


def test_our_own_format_needs_no_more_than_the_words() -> None:
    [entry] = contents_of(own({"content": "I live in Porto"})).entries

    assert entry.own
    assert (entry.own.status, entry.own.importance) == (Status.ACTIVE, 5)


@pytest.mark.parametrize(
    ("memory", "reason"),
    [
        ({"content": "I live in Porto", "status": "forgotten"}, "forgotten"),
        ({"content": "I live in Porto", "status": "superseded"}, "newer"),
        ({"content": "I live in Porto", "status": "hidden"}, "moderator"),
        ({"content": "I live in Porto", "kind": "nonsense"}, "kind"),
        ({"content": "I live in Porto", "sector": 7}, "sector"),
        ({"content": "I live in Porto", "salience": 1.5}, "salience"),
        ({"content": "I live in Porto", "importance": 11}, "importance"),
        ({"content": "I live in Porto", "occurred_at": "0900-01-01"}, "years"),
        ({"content": "I live in Porto", "occurred_at": "1700-01-01T00:00:00Z"}, "1900"),
        ({"content": "I live in Porto", "metadata": {"a": "x" * 5_000}}, "4,096"),
        ({"content": "I live in Porto", "metadata": {"a": "\ud800"}}, "cannot be stored"),
        ({"content": "I live in Porto", "sources": [{"said_at": "2024-05-03", "quote": "\x00"}]}, "cannot be stored"),
        ({"content": "x" * 2_001}, "2,001"),
        ({"content": ""}, "empty"),
        ({"content": "a\x00b"}, "NUL"),
        ({"content": "\ud800"}, "surrogate"),
        ({"kind": "fact"}, "content"),
        ("nonsense", "dictionary"),
        (None, "dictionary"),
    ],
)
def test_what_cannot_be_taken_is_told_with_its_reason(memory: Any, reason: str) -> None:
    contents = contents_of(own(memory, {"content": "I like tea"}))

    assert told(contents) == ["I like tea"]
    [skipped] = contents.skipped
    assert skipped.line == 1
    assert reason in skipped.reason
    assert len(skipped.beginning.encode()) < 400


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "empty"),
        (b" \n\t ", "empty"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"\x89PNG\r\n\x1a\n", "UTF-8"),
        (b'{"results": [', "not JSON"),
        (b'{"a": 1}', "not known"),
        (b'{"format": "memorychat.person", "version": 1}', "not known"),
        (b"[{}]", "not known"),
        (b'[{"a": ' * 50_000, "nested"),
        (json.dumps(own(version=2)).encode(), "version 2"),
        (json.dumps({"format": "memorychat.memories", "version": 1}).encode(), "lacks"),
        (json.dumps({"format": "memorychat.memories", "version": 1, "profiles": [7]}).encode(), "lacks"),
    ],
)
def test_a_file_that_cannot_be_taken_says_why_in_one_sentence(body: bytes, sentence: str) -> None:
    with pytest.raises(BadFile, match=sentence):
        read(body)


def test_a_file_that_is_too_large_says_how_large_it_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "MOST_BYTES", 10)
    with pytest.raises(BadFile, match="50 MB"):
        read(b"x" * 11)


def test_a_file_with_too_many_lines_says_how_many_there_may_be() -> None:
    with pytest.raises(BadFile, match="100,000"):
        read(b"I like tea\n" * 100_001)


@pytest.mark.parametrize(
    "value",
    [
        [{"mapping": 7}, {"mapping": {"a": 7}}, 7, {"mapping": {"a": {"message": {"author": 7, "content": []}}}}],
        [{"chat_messages": 7}, {"chat_messages": [7, {"sender": "human", "content": [7]}]}, None],
        [{"conversations_memory": 7, "project_memories": [7]}],
        [{"memory": 7}, {"memory": None}, 7, {"memory": "ok", "metadata": 7, "created_at": {"a": 1}}],
        [
            {
                "mapping": {
                    "a": {
                        "message": {
                            "author": {"role": "user"},
                            "create_time": 1e300,
                            "content": {"content_type": "text", "parts": ["I row"]},
                        }
                    }
                }
            }
        ],
    ],
)
def test_what_is_of_no_shape_breaks_nothing(value: Any) -> None:
    contents = contents_of(value)

    assert len(contents.entries) <= 1
