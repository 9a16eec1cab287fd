from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Rows can be imported only once the apps are loaded.
        from accounts.data_keys import DataKeyRows
        from memorychat.lib.crypto import register_data_key_store

        register_data_key_store(DataKeyRows())
