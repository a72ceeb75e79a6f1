"""What CUDA's driver raises."""


class CUDADriverError(RuntimeError):
    """As CuPy's."""
