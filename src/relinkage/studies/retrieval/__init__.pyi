from .folder import write_retrieval as write_retrieval
from .illustrating import illustrate as illustrate
from .places import check_retrieval as check_retrieval
from .retrieving import retrieve as retrieve
