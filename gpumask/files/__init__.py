"""From file to file: `resample`, `warp` and `mask`. `reading` opens, `tiles` runs, `writing` stores."""
