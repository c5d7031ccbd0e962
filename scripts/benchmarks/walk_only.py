"""Walks a folder with the run's own walker and counts; nothing else. Compared with `find`.

usage: python -m scripts.benchmarks.walk_only FOLDER
"""

from __future__ import annotations

import sys

from pixian_batch.adapters.walking import Batch, Walker, WalkRules
from pixian_batch.contract.params import Params
from pixian_batch.pipeline.spec import Spec

walked = Walker(WalkRules(Spec(Params()).result_names)).walk(sys.argv[1:])
print(sum(len(batch.names) for batch in walked if isinstance(batch, Batch)))
