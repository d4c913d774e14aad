"""What is annotation worth? Gain against how many maps people drew, and how carefully."""

from lookright.economics.benefit import benefit as benefit
from lookright.economics.comparison import economics as economics

__all__ = ["benefit", "economics"]
