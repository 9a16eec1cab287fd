"""What the worker does for accounts."""

from accounts import idempotency
from memorychat.jobs import periodic


@periodic("accounts.forget_answers", cron="17 * * * *")
def forget_answers() -> None:
    idempotency.forget_old()
