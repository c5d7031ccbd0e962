"""The output folder: bodies as they come, results at their places, free room. Sends nothing, decides nothing."""

from pixian_batch.adapters.landing.drawing import DrawError as DrawError
from pixian_batch.adapters.landing.drawing import draw_file as draw_file
from pixian_batch.adapters.landing.files import DiskError as DiskError
from pixian_batch.adapters.landing.files import TakenError as TakenError
from pixian_batch.adapters.landing.head import ROOM as ROOM
from pixian_batch.adapters.landing.keeping import is_kept as is_kept
from pixian_batch.adapters.landing.keeping import kept_place as kept_place
from pixian_batch.adapters.landing.places import Landing as Landing
from pixian_batch.adapters.landing.places import Twin as Twin
from pixian_batch.adapters.landing.rebuilding import RebuildError as RebuildError
from pixian_batch.adapters.landing.rebuilding import rebuild_files as rebuild_files
from pixian_batch.adapters.landing.spool import Spool as Spool
from pixian_batch.adapters.landing.spool import cut_head as cut_head
from pixian_batch.adapters.landing.spool import read_body as read_body
from pixian_batch.adapters.landing.spool import read_body_after_head as read_body_after_head
from pixian_batch.adapters.landing.spool import read_head as read_head
