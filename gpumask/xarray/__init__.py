"""DataArrays and Datasets in another geometry: `import gpumask.xarray` gives them a `.gpumask`.

What is lazy stays lazy, each chunk of a result depending on just the chunks that it needs. Which pixels are valid goes
along as a coordinate: `validity`, or one for each of a Dataset's variables, such as `red_validity`. Places are read and
written by rioxarray.
"""

from gpumask.xarray.array import Accessor
from gpumask.xarray.dataset import DatasetAccessor
from gpumask.xarray.labels import VALIDITY

__all__ = ["VALIDITY", "Accessor", "DatasetAccessor"]
