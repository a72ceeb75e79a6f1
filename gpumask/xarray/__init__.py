"""DataArrays and Datasets in another geometry: `import gpumask.xarray` gives them a `.gpumask`.

Begin with `array.py`, which has the methods of DataArrays, and `dataset.py`, which has those of Datasets. The other
modules help them: `alignment.py` and `qualities.py` bring quality bands to arrays, `labels.py` and `like.py` label
results, and `members.py` and `targets.py` handle the variables of a Dataset.

Lazy arrays give lazy results. Each chunk of a result depends only on the chunks that it needs. A coordinate says which
pixels are valid. It is `validity`, or one coordinate for each variable of a Dataset, such as `red_validity`. If shares
are asked for it is `valid_share`. rioxarray reads and writes where arrays lie.
"""

from gpumask.xarray.array import Accessor
from gpumask.xarray.dataset import DatasetAccessor
from gpumask.xarray.labels import VALIDITY

__all__ = ["VALIDITY", "Accessor", "DatasetAccessor"]
