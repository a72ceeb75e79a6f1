"""What is written: whole files, or none.

Begin with `creation.py`, which makes the files of one run. `whole.py` puts them in place when all is done. `storage.py`
tries out beforehand whether a format can hold them. `carried.py` knows what of the source holds of the output, too, and
`aux_xml.py` writes that beside it where the format can't hold it. `resume.py` remembers finished tiles.
"""
