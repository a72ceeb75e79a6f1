"""What is written: whole files or none, as they are to be stored, with what the source says of itself."""
