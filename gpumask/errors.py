"""What gpumask raises. Every message names the argument, what was expected and what came."""


class GpumaskError(ValueError):
    """An argument that can't be right, or a job that can't be done as asked."""


class BackendError(GpumaskError):
    """A backend that this machine lacks, or that failed; says what is missing."""


class ArgumentTypeError(GpumaskError, TypeError):
    """An argument of a type that can't be right, where GridR raises TypeError."""
