"""A reward function for TRL that asks promptcot, which waits on this machine: what it cannot decide is None, and teaches nothing."""

import json
import os
import urllib.request

URL = os.environ["PROMPTCOT_REWARD_URL"]
TOKEN = os.environ["PROMPTCOT_REWARD_TOKEN"]
# Straight to this machine, whatever proxy the environment names.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def graded(completions, completion_ids, row, **_):
    trials = [
        {"id": row_id, "text": text, "ids": list(ids)} for row_id, text, ids in zip(row, completions, completion_ids, strict=True)
    ]
    request = urllib.request.Request(
        URL,
        data=json.dumps({"trials": trials}).encode(),
        headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
    )
    with OPENER.open(request, timeout=3600) as response:
        return json.load(response)["rewards"]
