from .encoder import find_encoder as find_encoder
from .heads import heads_entry as heads_entry
from .heads import seen_in_training as seen_in_training
