from .apart import DecodingApart as DecodingApart
from .limits import UnreadableImageError as UnreadableImageError
from .opening import open_image as open_image
from .opening import read_content as read_content
