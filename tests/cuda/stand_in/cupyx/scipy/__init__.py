"""What gpumask's benchmarks use of cupyx.scipy."""
