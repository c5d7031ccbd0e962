"""Inputs of all kinds -> batches of names, to be read elsewhere. Opens no photo; knows no ledger and no results."""

from pixian_batch.adapters.walking.choosing import choose as choose
from pixian_batch.adapters.walking.lists import ListError as ListError
from pixian_batch.adapters.walking.lists import in_words as in_words
from pixian_batch.adapters.walking.lists import read_list as read_list
from pixian_batch.adapters.walking.once import may_repeat as may_repeat
from pixian_batch.adapters.walking.once import once as once
from pixian_batch.adapters.walking.patterns import fixed_prefix as fixed_prefix
from pixian_batch.adapters.walking.tree import BATCH as BATCH
from pixian_batch.adapters.walking.tree import Batch as Batch
from pixian_batch.adapters.walking.tree import FoundUrl as FoundUrl
from pixian_batch.adapters.walking.tree import ResultNames as ResultNames
from pixian_batch.adapters.walking.tree import Trouble as Trouble
from pixian_batch.adapters.walking.tree import Walked as Walked
from pixian_batch.adapters.walking.tree import Walker as Walker
from pixian_batch.adapters.walking.tree import WalkRules as WalkRules
from pixian_batch.adapters.walking.tree import size_of as size_of
