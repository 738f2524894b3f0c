from .folder import check_retrieval as check_retrieval
from .folder import write_retrieval as write_retrieval
from .illustrating import illustrate as illustrate
from .retrieving import retrieve as retrieve
