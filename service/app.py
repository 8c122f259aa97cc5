"""The FastAPI application: `uvicorn service.app:app`."""

from fastapi import FastAPI

from service import errors

app = FastAPI(title="prefsift", version="0.1.0")
errors.install(app)
