"""N chat requests through bespokelabs-curator: python curator.py PORT N WORKDIR; prints seconds, processor seconds and peak memory as JSON."""
import json, os, resource, sys, time

port, n, work = sys.argv[1], int(sys.argv[2]), sys.argv[3]
os.environ.update(
    OPENAI_API_KEY="none", CURATOR_CACHE_DIR=work, HF_HOME=work, TELEMETRY_ENABLED="0", CURATOR_DISABLE_RICH_DISPLAY="1",
    CURATOR_VIEWER="0", HF_HUB_OFFLINE="1",
)
# Its token counter wants a vocabulary from the network; litellm, which it installs, ships the file.
import litellm

os.environ["TIKTOKEN_CACHE_DIR"] = os.path.join(os.path.dirname(litellm.__file__), "litellm_core_utils", "tokenizers")
from bespokelabs import curator


class Ask(curator.LLM):
    def prompt(self, row):
        return f"Say {row['i']}"

    def parse(self, row, response):
        return {"i": row["i"], "answer": response}


llm = Ask(
    model_name="loopback",
    backend="openai",
    generation_params={"temperature": 1.0, "max_tokens": 8},
    backend_params={
        "base_url": f"http://127.0.0.1:{port}/v1",
        "max_concurrent_requests": 256,
        "max_requests_per_minute": 10_000_000,
        "max_tokens_per_minute": 10_000_000_000,
    },
)
rows = [{"i": i} for i in range(n)]
start, cpu = time.time(), time.process_time()
answers = llm(rows)
seconds, cpu = time.time() - start, time.process_time() - cpu
dataset = getattr(answers, "dataset", answers)
assert len(dataset) == n, len(dataset)
print("RESULT", json.dumps({"seconds": seconds, "cpu": cpu, "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
