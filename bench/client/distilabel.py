"""N chat requests through distilabel's asynchronous LLM: python distilabel.py PORT N WORKDIR; prints seconds, processor seconds and peak memory as JSON.

The LLM alone, without a pipeline around it: the fastest way in which distilabel can be driven.
"""
import json, os, resource, sys, time

port, n, work = sys.argv[1], int(sys.argv[2]), sys.argv[3]
os.environ.update(HF_HOME=work, HF_HUB_OFFLINE="1")
sys.path = [path for path in sys.path if path not in ("", os.path.dirname(os.path.abspath(__file__)))]
from distilabel.models import OpenAILLM

llm = OpenAILLM(model="loopback", base_url=f"http://127.0.0.1:{port}/v1", api_key="none")
llm.load()
start, cpu = time.time(), time.process_time()
done = 0
for first in range(0, n, 256):
    batch = [[{"role": "user", "content": f"Say {i}"}] for i in range(first, min(n, first + 256))]
    done += len(llm.generate_outputs(batch, num_generations=1, max_new_tokens=8, temperature=1.0))
seconds, cpu = time.time() - start, time.process_time() - cpu
assert done == n, done
print("RESULT", json.dumps({"seconds": seconds, "cpu": cpu, "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
