"""How sure the turn detector was, and how sure it had to be: no event of livekit-agents tells either.

Both pass through two methods of the detector that livekit-agents asks after each stretch of speech. The taps
are attributes of that one detector, or of the stream that a streaming detector made for this session, and are
taken off when the call is over.
"""

from __future__ import annotations

import time
from asyncio import Future
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from etaoi_tui.sdk.livekit import private_api as inside
from etaoi_tui.sdk.livekit import snapshots
from etaoi_tui.sdk.livekit.call import Call
from etaoi_tui.sdk.livekit.monkeypatch import InstancePatch
from etaoi_tui.sdk.livekit.turns import Prediction
from etaoi_tui.sdk.livekit.user_turn import UserTurn

_listeners: Counter[int] = Counter()
"""How many calls listen at a detector, by its ``id``: one that sessions share is asked by all of them."""


class DetectorTaps:
    """Listens at the turn detectors of one call."""

    def __init__(self, call: Call, user: UserTurn) -> None:
        self._call = call
        self._user = user
        self._tapped: list[tuple[Any, list[InstancePatch]]] = []
        self._open = False
        self._answered: Prediction | None = None

    def tap(self, agent: Any) -> None:
        """Listen at what decides about the end of the user's turns from now on; others are left alone."""
        tap: Callable[[Any, Callable[..., Any]], Any]
        target: Any = inside.detector_stream(self._call.session)
        if target is not None:
            method, tap = "predict", self._tap_predict
        else:
            target = snapshots.setting_or_none(getattr(agent, "turn_detection", None)) or getattr(
                self._call.session, "turn_detection", None
            )
            method, tap = "predict_end_of_turn", self._tap_text
        if target is None or isinstance(target, str) or any(one is target for one, _ in self._tapped):
            return
        put = [
            InstancePatch(target, method, lambda inner: tap(target, inner)),
            InstancePatch(target, "unlikely_threshold", self._tap_threshold),
        ]
        self._open = True
        self._tapped.append((target, put))
        _listeners[id(target)] += 1

    def remove(self) -> None:
        """Stop listening until the next `tap`; questions that are under way pass through."""
        self._open = False
        for target, put in self._tapped:
            for attribute in put:
                attribute.remove()
            _listeners[id(target)] -= 1
            if _listeners[id(target)] <= 0:
                del _listeners[id(target)]
        self._tapped.clear()

    # What the detector is asked

    def _tap_text(self, detector: Any, inner: Callable[..., Awaitable[float]]) -> Any:
        async def predict_end_of_turn(*args: Any, **options: Any) -> float:
            began = time.perf_counter()
            probability = await inner(*args, **options)
            if self._open:
                try:
                    self._answer(detector, probability, time.perf_counter() - began, args, options)
                except Exception as error:
                    self._call.failure("predict_end_of_turn", error)
            return probability

        return predict_end_of_turn

    def _answer(
        self,
        detector: Any,
        probability: float,
        took: float,
        args: tuple[Any, ...],
        options: dict[str, Any],
    ) -> None:
        self._answered = None
        if _listeners[id(detector)] > 1:
            chat_ctx: Any = args[0] if args else options["chat_ctx"]
            if not self._user.is_recent_speech(chat_ctx.items[-1].text_content or ""):
                return
        self._answered = Prediction(time.time(), float(probability), took=took, model=_model(detector))

    def _tap_predict(self, stream: Any, inner: Callable[..., Future[Any]]) -> Any:
        def answered(future: Future[Any]) -> None:
            if not self._open or future.cancelled() or future.exception() is not None:
                return
            try:
                prediction = future.result()
                self._answered = Prediction(
                    time.time(),
                    float(prediction.end_of_turn_probability),
                    took=getattr(prediction, "inference_duration", None),
                    model=_model(stream),
                )
            except Exception as error:
                self._call.failure("predict", error)

        def predict(*args: Any, **options: Any) -> Future[Any]:
            future = inner(*args, **options)
            if self._open:
                self._answered = None
                future.add_done_callback(answered)
            return future

        return predict

    def _tap_threshold(self, inner: Callable[..., Awaitable[float | None]]) -> Any:
        async def unlikely_threshold(*args: Any, **options: Any) -> float | None:
            threshold = await inner(*args, **options)
            if self._open and self._answered is not None:
                try:
                    self._answered.threshold = threshold
                    self._user.predicted(self._answered)
                except Exception as error:
                    self._call.failure("unlikely_threshold", error)
            return threshold

        return unlikely_threshold


def _model(detector: Any) -> str | None:
    model = getattr(detector, "model", None)
    return model if isinstance(model, str) and model != "unknown" else None
