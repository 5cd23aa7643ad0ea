"""Bills of material to dependent demand: what the production of parents asks of components.

Demand of items made is exploded level by level with mean and variance, in time and in force by date;
components get it added to their own, unless what production takes of them is on record.
"""

from plimsoll.bom.dependent import Dependent as Dependent
from plimsoll.bom.dependent import estimated_from_issues as estimated_from_issues
from plimsoll.bom.dependent import independent_demand as independent_demand
from plimsoll.bom.dependent import lumps_of_components as lumps_of_components
from plimsoll.bom.dependent import with_dependent as with_dependent
from plimsoll.bom.explode import Exploded as Exploded
from plimsoll.bom.explode import explode as explode
from plimsoll.bom.params import BomParams as BomParams
