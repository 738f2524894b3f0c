from .arrays import open_array as open_array
from .arrays import read_array as read_array
from .encoding import embed as embed
from .folder import Embeddings as Embeddings
from .folder import read_embeddings as read_embeddings
from .manifest import Manifest as Manifest
from .settings import EmbedSettings as EmbedSettings
