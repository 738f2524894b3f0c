from .auditing import audit_arrays as audit_arrays
from .auditing import finish_blocks as finish_blocks
from .embedded import audit_embeddings as audit_embeddings
from .keys import pseudonym_key as pseudonym_key
from .places import REPORT as REPORT
from .places import check_run as check_run
from .pseudonyms import pseudonymise as pseudonymise
from .run import write_run as write_run
