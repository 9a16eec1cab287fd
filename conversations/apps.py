from django.apps import AppConfig


class ConversationsConfig(AppConfig):
    name = "conversations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Rows can be imported only once the apps are loaded.
        from accounts import personal_data  # noqa: PLC0415 - rows, once apps are loaded
        from conversations.belongings import BELONGINGS  # noqa: PLC0415 - rows, once apps are loaded
        from conversations.usage import DailyMeter  # noqa: PLC0415 - rows, once apps are loaded
        from memorychat.llm import metering  # noqa: PLC0415 - beside those

        personal_data.register(BELONGINGS)
        metering.register(DailyMeter())
