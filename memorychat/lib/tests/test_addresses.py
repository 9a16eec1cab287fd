import pytest

from memorychat.lib import addresses


def test_a_database_address_is_taken_apart() -> None:
    found = addresses.database("postgresql://me:p%40ss@db.example:5433/chat?sslmode=require", pool=True)

    assert (found["USER"], found["PASSWORD"], found["HOST"], found["PORT"], found["NAME"]) == (
        *("me", "p@ss", "db.example", "5433", "chat"),
    )
    assert found["OPTIONS"] == {"sslmode": "require", "pool": True}


def test_a_database_behind_a_socket_has_a_folder_for_a_host() -> None:
    found = addresses.database("postgresql://me@%2Fvar%2Frun%2Fpostgresql/chat")

    assert (found["HOST"], found["PORT"]) == ("/var/run/postgresql", "")


@pytest.mark.parametrize(("asked", "threshold"), [("", 5), ("?prepare_threshold=none", None)])
def test_statements_are_prepared_unless_the_address_says_otherwise(asked: str, threshold: int | None) -> None:
    found = addresses.database(f"postgresql://me@db.example/chat{asked}", prepare_threshold=5)

    assert found["OPTIONS"] == {"prepare_threshold": threshold}


def test_mail_goes_by_the_port_that_its_protection_uses() -> None:
    plain, upgraded, implicit = (addresses.mail(f"{scheme}://post.example") for scheme in ("smtp", "smtp+tls", "smtps"))

    assert [settings["EMAIL_PORT"] for settings in (plain, upgraded, implicit)] == [25, 587, 465]
    assert [settings["EMAIL_USE_TLS"] for settings in (plain, upgraded, implicit)] == [False, True, False]
    assert [settings["EMAIL_USE_SSL"] for settings in (plain, upgraded, implicit)] == [False, False, True]


def test_mail_signs_in_with_the_name_and_password_of_the_address() -> None:
    settings = addresses.mail("smtps://me%40example.org:p%2Fss@post.example:2465")

    assert (settings["EMAIL_HOST_USER"], settings["EMAIL_HOST_PASSWORD"]) == ("me@example.org", "p/ss")
    assert settings["EMAIL_PORT"] == 2465
