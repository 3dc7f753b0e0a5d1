"""The webhook as the dispatch document has it: FastAPI takes the call, hands it to ARQ (Redis), answers 200."""
import os
from contextlib import asynccontextmanager

from arq import create_pool
from arq.connections import RedisSettings
from fastapi import FastAPI, Request


@asynccontextmanager
async def life(app):
    app.state.queue = await create_pool(RedisSettings(host="127.0.0.1", port=int(os.environ["REDIS_PORT"])))
    yield


app = FastAPI(lifespan=life)


@app.post("/webhook")
async def webhook(request: Request):
    payload = await request.json()
    if payload.get("typeWebhook") != "incomingMessageReceived":
        return {"status": "ignored"}
    message = payload["messageData"]
    text = message.get("extendedTextMessageData", message.get("textMessageData", {})).get("text", "")
    await request.app.state.queue.enqueue_job("process_message_task", payload["senderData"]["chatId"], text, payload)
    return {"status": "processing_message"}
