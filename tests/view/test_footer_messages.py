"""Who speaks in the footer, and when."""

from __future__ import annotations

from etaoi_tui.view.footer_messages import FooterMessage, FooterMessages


def text(messages: FooterMessages, now: float) -> str:
    shown = messages.current(now)
    return shown.text if shown is not None else ""


def test_an_answer_takes_the_place_of_the_one_before_and_is_gone_after_its_time() -> None:
    messages = FooterMessages()
    messages.add(FooterMessage("one"), 0.0)
    messages.add(FooterMessage("two"), 1.0)
    assert text(messages, 2.9) == "two"
    assert text(messages, 3.0) == ""


def test_warnings_take_turns_and_an_answer_interrupts_them() -> None:
    messages = FooterMessages()
    messages.add(FooterMessage("first", "warning", 4.0), 0.0)
    messages.add(FooterMessage("second", "error", 4.0), 1.0)
    assert text(messages, 1.0) == "first"
    messages.add(FooterMessage("answer"), 2.0)
    assert text(messages, 3.0) == "answer"
    assert text(messages, 4.0) == "first"
    assert text(messages, 5.9) == "first"
    assert text(messages, 6.0) == "second"
    assert text(messages, 10.0) == ""


def test_what_waits_is_bounded() -> None:
    messages = FooterMessages()
    for number in range(100):
        messages.add(FooterMessage(str(number), "warning", 1.0), 0.0)
    shown = []
    now = 0.0
    while (said := text(messages, now)) != "":
        shown.append(said)
        now += 1.0
    assert shown[0] == "0" and shown[-1] == "99" and len(shown) == 9
