from .auditing import audit_arrays as audit_arrays
from .auditing import audit_embeddings as audit_embeddings
from .auditing import finish_blocks as finish_blocks
from .pseudonyms import pseudonym_key as pseudonym_key
from .pseudonyms import pseudonymise as pseudonymise
from .run import REPORT as REPORT
from .run import check_run as check_run
from .run import write_run as write_run
