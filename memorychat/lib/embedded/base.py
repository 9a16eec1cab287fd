from typing import Any

from django.db.backends.postgresql import base

from memorychat.lib import localpg


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own, except that whoever first wants a connection starts the server."""

    def get_connection_params(self) -> dict[str, Any]:
        server = localpg.ensure(self.settings_dict["DATA_DIR"])
        self.settings_dict["HOST"] = str(server.socket)
        return super().get_connection_params()
