import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.http import HttpResponse
from django.utils import timezone

from accounts import idempotency
from accounts.models import IdempotencyRecord
from accounts.tasks import forget_answers
from accounts.tests.programs import Program, error_of

pytestmark = pytest.mark.django_db

PORTO = {"content": "I live in Porto"}


def create(program: Program, key: str = "one", body: object = PORTO, path: str = "/memories") -> HttpResponse:
    return program.call("POST", path, body, Idempotency_Key=key)


def count(program: Program) -> int:
    return len(program.call("GET", "/memories").json()["results"])  # type: ignore[attr-defined]  # of the test client


def test_the_same_request_again_creates_nothing_and_gets_the_same_answer(program: Program) -> None:
    first, second = create(program), create(program)

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert "Idempotent-Replayed" not in first
    assert second["Idempotent-Replayed"] == "true"
    assert count(program) == 1


def test_an_answer_reads_the_same_with_a_key_and_without_one(program: Program) -> None:
    with_key = create(program).json()  # type: ignore[attr-defined]  # of the test client
    without = program.call("GET", f"/memories/{with_key['id']}").json()  # type: ignore[attr-defined]  # of the test client

    assert with_key == without


def test_another_key_is_another_request(program: Program) -> None:
    assert create(program, "one").status_code == 201
    assert create(program, "two").status_code == 200


@pytest.mark.parametrize(
    ("path", "body"), [("/memories", {"content": "I live in Faro"}), ("/profiles", {"name": "Work"})]
)
def test_another_request_under_the_same_key_is_refused(program: Program, path: str, body: object) -> None:
    create(program)
    response = create(program, body=body, path=path)

    assert response.status_code == 422
    assert error_of(response)["code"] == "idempotency_key_reused"


def test_a_key_means_nothing_to_another_person(program: Program, bobs_program: Program) -> None:
    create(program)
    response = create(bobs_program)

    assert "Idempotent-Replayed" not in response
    assert (count(program), count(bobs_program)) == (1, 1)


def test_while_the_first_is_running_the_second_is_asked_to_wait(program: Program) -> None:
    create(program)
    IdempotencyRecord.objects.update(status=None)
    response = create(program)

    assert response.status_code == 409
    assert response["Retry-After"] == "1"
    assert error_of(response)["code"] == "still_running"


def test_an_attempt_that_died_after_it_wrote_is_answered_as_if_it_had_not(program: Program) -> None:
    first = create(program)
    IdempotencyRecord.objects.update(status=None, created_at=timezone.now() - idempotency.ALIVE_FOR)
    second = create(program)

    assert second.status_code == 201
    assert second.content == first.content
    assert count(program) == 1


def test_a_refused_request_may_be_tried_again_at_once(program: Program) -> None:
    body = {"content": "I live in Porto", "profile_id": "01a1f8cd-140e-7e9a-811d-cb4b42584efc"}

    assert [create(program, body=body).status_code for _ in range(2)] == [404, 404]


def test_after_a_day_a_key_may_mean_something_else(program: Program) -> None:
    create(program)
    IdempotencyRecord.objects.update(created_at=timezone.now() - idempotency.KEPT_FOR - timedelta(seconds=1))

    assert create(program, body={"content": "I own a boat"}).status_code == 201


def test_answers_of_yesterday_are_deleted_by_the_worker(program: Program) -> None:
    create(program, "old")
    IdempotencyRecord.objects.update(created_at=timezone.now() - idempotency.KEPT_FOR - timedelta(seconds=1))
    create(program, "new")

    forget_answers()

    assert IdempotencyRecord.objects.count() == 1


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_has_its_length(program: Program, key: str) -> None:
    response = create(program, key)

    assert response.status_code == 422
    assert "255" in error_of(response)["message"]


def test_neither_the_key_nor_the_words_stand_in_the_record(program: Program) -> None:
    create(program, "a-secret-key")

    with connection.cursor() as cursor:
        cursor.execute("SELECT record::text FROM accounts_idempotencyrecord AS record")
        [[row]] = cursor.fetchall()
    assert b"Porto".hex() not in row
    assert b"a-secret-key".hex() not in row
    assert IdempotencyRecord.objects.get().status == 201


@pytest.mark.django_db(transaction=True)
def test_eight_at_once_create_one(program: Program) -> None:
    """Each is the first, or is told to wait, or gets the answer of the first."""
    answers: list[HttpResponse] = []

    def run() -> None:
        answers.append(create(program))
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    statuses = [answer.status_code for answer in answers]
    assert len(statuses) == 8
    assert set(statuses) <= {201, 409}
    assert len([answer for answer in answers if answer.status_code == 201 and "Idempotent-Replayed" not in answer]) == 1
    assert count(program) == 1
