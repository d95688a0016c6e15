"""What can be wrong with what a person asked for. Each message is one sentence: what was wrong, and what to do."""


class PromptingError(ValueError):
    """Base of everything that is the request's fault and not the code's."""


class PromptError(PromptingError):
    """A prompt that SAM 2 would accept in silence and answer with nonsense."""


class ModelUnavailable(PromptingError):
    """A model that can't be had on this machine; the message names the bundled one."""


class Stopped(PromptingError):
    """Somebody asked a run to stop, and it did: what it wrote is whole, and the message says how to go on."""
