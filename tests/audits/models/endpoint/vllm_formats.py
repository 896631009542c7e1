"""A server in front of the local engine that speaks vLLM's formats, run as a process of its own.

No real vLLM was at hand: the formats follow its documentation (`prompt_logprobs`, `continue_final_message`) and
OpenAI's (`echo` with `logprobs`). Texts come from the local engine; log-probabilities of a prompt from one plain
forward pass of transformers, so that a score which agrees with the local engine's agrees by two ways of computing.
The first line on stdout is the port. Arguments: the model's folder, and what the server can do: "vllm" or "echo", or
"unstarted" for an echo as llama-cpp-python's server was seen to give it: one token that it counts is not echoed.
"""

from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import torch
from slm_audit.audits.models.transformers import TransformersModel
from slm_audit.probes.contract import Decoding, Generation
from transformers import AutoModelForCausalLM, AutoTokenizer

FOLDER, MANNER = Path(sys.argv[1]), sys.argv[2]
ENGINE = TransformersModel(str(FOLDER))
NETWORK = AutoModelForCausalLM.from_pretrained(FOLDER, dtype=torch.float32).eval()
TOKENIZER = AutoTokenizer.from_pretrained(FOLDER)
ONE_AT_A_TIME = threading.Lock()
CONTEXT = 512
COMMON = {"model", "prompt", "messages", "max_tokens", "temperature", "seed", "top_p", "top_k", "stop", "logprobs"}
OWN = {
    "vllm": {"prompt_logprobs", "add_generation_prompt", "continue_final_message"},
    "echo": {"echo"},
    "unstarted": {"echo"},
}


def likelihoods(ids: list[int]) -> list[tuple[float, int, float]]:
    """For each token but the first: its log-probability, its rank from 1, and the largest log-probability there."""
    with torch.inference_mode():
        rows = NETWORK(torch.tensor([ids])).logits[0, :-1].float().log_softmax(-1)
    own = rows.gather(1, torch.tensor(ids[1:])[:, None])
    ranks = (rows > own).sum(1) + 1
    return list(zip(own[:, 0].tolist(), ranks.tolist(), rows.max(1).values.tolist(), strict=True))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.path == "/v1/models":
            return self.say(200, {"object": "list", "data": [{"id": "tiny", "max_model_len": CONTEXT}]})
        if self.path == "/version" and MANNER == "vllm":
            return self.say(200, {"version": "0.0.tests"})
        self.say(404, {"detail": "Not Found"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if unknown := set(body) - COMMON - OWN[MANNER]:
            return self.say(422, {"detail": f"unknown fields: {sorted(unknown)}"})
        chat = self.path == "/v1/chat/completions"
        if chat and not TOKENIZER.chat_template:
            return self.say(400, {"object": "error", "message": "the model has no chat template"})
        with ONE_AT_A_TIME:
            self.answer(body, chat)

    def answer(self, body: dict[str, object], chat: bool) -> None:
        prompt = body["prompt"] if not chat else TOKENIZER.apply_chat_template(
            body["messages"], tokenize=False, add_generation_prompt=body.get("add_generation_prompt", True),
            continue_final_message=body.get("continue_final_message", False),
        )  # fmt: skip
        ids = TOKENIZER(prompt, add_special_tokens=not chat)["input_ids"]
        if len(ids) + body["max_tokens"] > CONTEXT:
            said = f"This model's maximum context length is {CONTEXT} tokens, you asked for more."
            return self.say(400, {"object": "error", "message": said})
        if body.get("top_k", 0) < 0:
            return self.say(400, {"object": "error", "message": "top_k must be at least 0"})
        # Drawn by seed alone, as the local engine draws: a chat's text is handed to it as a raw prompt.
        decoding = Decoding(
            max_tokens=body["max_tokens"], temperature=body["temperature"], top_p=body.get("top_p", 1.0),
            top_k=body.get("top_k", 0), stop=tuple(body.get("stop", ())),
        )  # fmt: skip
        asked = Generation(prompt=prompt, decoding=decoding, seed=body.get("seed", 0), token_logprobs=True)
        ((reply,),) = ENGINE.generate([asked])
        choice: dict[str, object] = {"index": 0, "finish_reason": reply.finish, "text": reply.text}
        if chat:
            choice["message"] = {"role": "assistant", "content": choice.pop("text")}
            if body.get("logprobs"):
                choice["logprobs"] = {"content": [{"token": "", "logprob": one} for one in reply.token_logprobs or ()]}
        elif body.get("logprobs") is not None:
            choice["logprobs"] = {"token_logprobs": list(reply.token_logprobs or ()), "tokens": []}
        said = {"object": "text_completion", "model": "tiny", "choices": [choice]}
        if "prompt_logprobs" in body:
            (said if chat else choice)["prompt_logprobs"] = [None] + [
                {str(token): {"logprob": one, "rank": rank, "decoded_token": TOKENIZER.decode([token])}}
                for token, (one, rank, _) in zip(ids[1:], likelihoods(ids), strict=True)
            ]
        if body.get("echo"):
            told = likelihoods(ids)
            texts = [TOKENIZER.decode([one]) for one in ids]
            choice["text"] = prompt + reply.text
            choice["logprobs"] = {
                "tokens": [*texts, "?"],
                "token_logprobs": [None, *(one for one, _, _ in told), *list(reply.token_logprobs or ())[:1]],
                "top_logprobs": [None, *({"best": best} for _, _, best in told), {"?": -0.5}],
            }
        said["usage"] = {"prompt_tokens": len(ids) + (MANNER == "unstarted"), "completion_tokens": reply.tokens}
        self.say(200, said)

    def say(self, status: int, said: object) -> None:
        data = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


if __name__ == "__main__":
    torch.set_num_threads(1)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    server.serve_forever()
