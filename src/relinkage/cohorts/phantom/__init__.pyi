from .cohort import phantom_cohort as phantom_cohort
from .patient import PhantomPatient as PhantomPatient
from .patient import PhantomStudy as PhantomStudy
from .patient import draw_patient as draw_patient
from .site import CITY as CITY
from .site import COUNTY as COUNTY
from .site import SITES as SITES
from .site import Site as Site
