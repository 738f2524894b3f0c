"""What made the embeddings that a study looks at: their encoder, and the heads put on them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
