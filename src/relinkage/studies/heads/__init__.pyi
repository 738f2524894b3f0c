from .exporting import export as export
from .hardening import check_by_canaries as check_by_canaries
from .hardening import check_statement as check_statement
from .hardening import faults_of as faults_of
from .hardening import harden_embeddings as harden_embeddings
from .hardening import read_public as read_public
from .hardening import statement_text as statement_text
from .own import write_own_heads as write_own_heads
