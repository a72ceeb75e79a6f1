"""What is known of pixels without an array's backend: windows, edges, values, interpolators and coordinates."""
