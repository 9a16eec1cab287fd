import time

import pytest

from conversations import rendering
from conversations.rendering import Growing, Pace

TEXT = "Look:\n\n- *one* [1]\n- two\n\n```python\nx = 1\n```\n\nThe end of it."


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "LOOK_SECONDS", 0)


def frames(text: str, pace: Pace) -> list[dict[str, object]]:
    growing, found = Growing(pace), []
    for letter in text:
        growing.add(letter)
        found.append(growing.frame(1))
    return [frame for frame in found if frame]


def test_frames_put_together_are_the_answer_as_it_is_in_the_end() -> None:
    growing, shown = Growing(Pace(share=1.0, burst=100)), list[str]()
    for letter in f"{TEXT} *So*":
        growing.add(letter)
        if frame := growing.frame(1):
            del shown[frame["closed"] - len(frame["html"]) :]
            shown += [*frame["html"], frame["open"]]
    assert "".join(shown) == rendering.html_of(f"{TEXT} *So*", 1)
    whole = growing.whole_frame(1)
    assert whole
    assert "".join([*whole["html"], whole["open"]]) == rendering.html_of(f"{TEXT} *So*", 1)


def test_a_whole_block_is_sent_once_and_words_alone_bring_no_frame() -> None:
    found = frames(TEXT, Pace(share=1.0, burst=100))
    sent = [html for frame in found for html in frame["html"]]  # type: ignore[attr-defined]  # of the test client
    assert len(sent) == len(set(sent)) == 2
    assert len(found) < 40
    assert frames("Nothing but words.\n\nAnd more of them.", Pace(share=1.0, burst=100)) == []


def test_all_answers_together_take_no_more_than_their_share_of_the_time() -> None:
    pace = Pace(share=0.1, burst=0.1)
    assert pace.allows(now=100)
    pace.spend(0.3)
    assert not pace.allows(now=101)
    assert pace.allows(now=103)


def test_an_answer_is_rendered_at_most_so_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "LOOK_SECONDS", 3600)
    growing = Growing(Pace(share=1.0, burst=100))
    monkeypatch.setattr(growing, "_looked_at", time.perf_counter())
    growing.add("*a*")
    assert growing.frame(1) is None
