"""What conversations keep of a person."""

from accounts.personal_data import Belongings
from conversations.models import Conversation, Message, Receipt, Usage

BELONGINGS = [
    Belongings(Conversation, locks=True),
    Belongings(Message),
    Belongings(Receipt, "message__owner"),
    Belongings(Usage),
]
