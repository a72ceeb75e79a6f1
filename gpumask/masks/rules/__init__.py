"""Rules that turn quality bands into masks.

Begin with `apply.py`: `mask_from_rules` applies rules to arrays. `flags.py` says what a flag definition is, and
`definitions/` holds the ready ones. `rule.py` parses rules, `table.py` compiles them for the kernel, and `evaluate.py`
runs it. `attributes.py` and `read.py` read definitions and rules from attributes and files. `value_map.py` paints
colours, and `describe.py` counts flags.
"""
