"""What answers cost, by the prices that `LLM_PRICES` names: US dollars a million tokens, in and out.

Prices change, so none is built in; of a model that is not named there no cost is known, and none is made up for it.
"""

from django.conf import settings

MILLION = 1_000_000


def cost_of(model: str, input_tokens: int, output_tokens: int) -> float | None:
    """US dollars."""
    price = settings.LLM_PRICES.get(model)
    if price is None:
        return None
    of_input, of_output = price
    return float(input_tokens * of_input + output_tokens * of_output) / MILLION
