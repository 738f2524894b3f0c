from .audited import audited_facts as audited_facts
from .hits import duplicates_sentence as duplicates_sentence
from .method import method_steps as method_steps
from .method import settings_table as settings_table
from .order import SECTIONS as SECTIONS
from .order import Section as Section
from .tables import group_title as group_title
