"""What memories and their changes are called: the words of the domain."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class PrivacyMode(models.TextChoices):
    NORMAL = "normal", _("Normal")
    PAUSED = "pause_memories", _("Paused")
    INCOGNITO = "incognito", _("Incognito")

    @property
    def reads(self) -> bool:
        return self in (PrivacyMode.NORMAL, PrivacyMode.PAUSED)

    @property
    def writes(self) -> bool:
        return self is PrivacyMode.NORMAL

    @property
    def keeps_words(self) -> bool:
        """Whether what is said may be stored as messages at all."""
        return self is not PrivacyMode.INCOGNITO


class Kind(models.TextChoices):
    """What a person sees a memory as."""

    FACT = "fact", _("Fact")
    PREFERENCE = "preference", _("Preference")
    DECISION = "decision", _("Decision")
    NOTE = "note", _("Note")
    EPISODE = "episode", _("Episode")


class Sector(models.TextChoices):
    """The cognitive class of a memory, which decides how fast it fades."""

    SEMANTIC = "semantic", _("Semantic")
    EPISODIC = "episodic", _("Episodic")
    PROCEDURAL = "procedural", _("Procedural")
    EMOTIONAL = "emotional", _("Emotional")
    REFLECTIVE = "reflective", _("Reflective")


class Status(models.TextChoices):
    ACTIVE = "active", _("Active")
    PENDING = "pending", _("Waiting for a decision")
    SUPERSEDED = "superseded", _("Superseded")
    FORGOTTEN = "forgotten", _("Forgotten")
    ARCHIVED = "archived", _("Archived")
    QUARANTINED = "quarantined", _("Held back")
    HIDDEN = "hidden", _("Hidden by a moderator")

    @property
    def recallable(self) -> bool:
        return self is Status.ACTIVE


class Origin(models.TextChoices):
    """The channel by which a memory or a change came."""

    CHAT = "chat", _("Chat")
    VOICE = "voice", _("Call")
    MANUAL = "manual", _("By hand")
    API = "api", _("API")
    MCP = "mcp", _("MCP")
    IMPORT = "import", _("Import")
    ADMIN = "admin", _("Admin")
    SYSTEM = "system", _("System")


class Action(models.TextChoices):
    """What an event of the ledger did to its memory."""

    CREATED = "created", _("Remembered")
    REINFORCED = "reinforced", _("Heard again")
    REVISED = "revised", _("Corrected")
    ADJUSTED = "adjusted", _("Adjusted")
    CONFIRMED = "confirmed", _("Confirmed")
    SUPERSEDED = "superseded", _("Superseded")
    FORGOTTEN = "forgotten", _("Forgotten")
    RESTORED = "restored", _("Restored")
    UNDONE = "undone", _("Undone")
    USED = "used", _("Used in an answer")
    ARCHIVED = "archived", _("Archived")
    CONSOLIDATED = "consolidated", _("Joined with others")
    ERASED = "erased", _("Erased")


class FoundBy(models.TextChoices):
    """How a candidate was found."""

    SAID = "said", _("said so")
    MODEL = "model", _("found by the model")
    RULES = "rules", _("found by rules")
    IMPORT = "import", _("imported")


class LearningMode(models.TextChoices):
    """What happens to what a profile's conversations tell."""

    AUTOMATIC = "automatic", _("Remember by itself")
    ASK = "ask", _("Ask me first")
    NEVER = "never", _("Never learn")
