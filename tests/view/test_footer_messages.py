"""Who speaks in the footer, and when."""

from __future__ import annotations

from etaoi_tui.view.footer_messages import FooterMessage, FooterMessages


def text(messages: FooterMessages, now: float) -> str:
    message = messages.current(now)
    return message.text if message is not None else ""


def test_an_answer_replaces_the_previous_one_and_expires() -> None:
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


def test_the_queue_of_messages_is_bounded() -> None:
    messages = FooterMessages()
    for number in range(100):
        messages.add(FooterMessage(str(number), "warning", 1.0), 0.0)
    texts = []
    now = 0.0
    while (current := text(messages, now)) != "":
        texts.append(current)
        now += 1.0
    assert texts[0] == "0" and texts[-1] == "99" and len(texts) == 9
