"""What every page shows of memories."""

from django import template
from django.db.models import Sum

from accounts.models import User
from memories.models import MemoryProfile

register = template.Library()


@register.simple_tag
def memory_count(user: User) -> int:
    """How many active memories the person has in all profiles."""
    total = MemoryProfile.objects.for_user(user).active().aggregate(total=Sum("memory_count"))["total"]
    return total or 0
