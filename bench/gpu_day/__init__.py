"""Everything that a GPU is wanted for, in one command: bench/gpu.sh.

`__main__` runs the parts of `parts` in order, each in processes of its own (`worker`) and in the time that it has. What
is found is on disk at once (`record`), so that a second run does what is left. `page` says it on one page.
"""
