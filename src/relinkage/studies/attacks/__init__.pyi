from .attacking import attack_embeddings as attack_embeddings
from .attacking import attacker_rows as attacker_rows
from .attacking import strongest_first as strongest_first
from .auxiliary import draw_auxiliary as draw_auxiliary
