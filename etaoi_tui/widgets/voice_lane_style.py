"""What the voice lanes look like: a colour for every kind of stage, sound and thought and waiting apart."""

from __future__ import annotations

from etaoi_tui.view.voice.model import Kind

CSS = """
VoiceLanes > .voice-lanes--header { color: $text-muted; background: $surface; }
VoiceLanes > .voice-lanes--title { color: $foreground; background: $surface; text-style: bold; }
VoiceLanes > .voice-lanes--figure { color: $foreground; background: $surface; }
VoiceLanes > .voice-lanes--live { color: $text-accent; background: $surface; text-style: bold; }
VoiceLanes > .voice-lanes--spark-fine { color: $text-success; background: $surface; }
VoiceLanes > .voice-lanes--spark-slow { color: $text-warning; background: $surface; }
VoiceLanes > .voice-lanes--spark-bad { color: $text-error; background: $surface; text-style: bold; }
VoiceLanes > .voice-lanes--name { color: $foreground; }
VoiceLanes > .voice-lanes--muted { color: $text-muted; }
VoiceLanes > .voice-lanes--fold { color: $text-muted; }
VoiceLanes > .voice-lanes--guide { color: $foreground 20%; }
VoiceLanes > .voice-lanes--running { color: $text-accent; text-style: bold; }
VoiceLanes > .voice-lanes--fine { color: $text-success; }
VoiceLanes > .voice-lanes--slow { color: $text-warning; text-style: bold; }
VoiceLanes > .voice-lanes--bad { color: $text-error; text-style: bold; }
VoiceLanes > .voice-lanes--said-user { color: $foreground; }
VoiceLanes > .voice-lanes--said-agent { color: $text-success; }
VoiceLanes > .voice-lanes--user { color: $foreground 45%; }
VoiceLanes > .voice-lanes--stt { color: $warning 70%; }
VoiceLanes > .voice-lanes--eou { color: $warning; }
VoiceLanes > .voice-lanes--callback { color: $warning; }
VoiceLanes > .voice-lanes--ttft { color: $primary; }
VoiceLanes > .voice-lanes--llm { color: $primary 60%; }
VoiceLanes > .voice-lanes--tool { color: $foreground 80%; }
VoiceLanes > .voice-lanes--tts { color: $success 70%; }
VoiceLanes > .voice-lanes--playout { color: $success 50%; }
VoiceLanes > .voice-lanes--speech { color: $success; }
VoiceLanes > .voice-lanes--unexplained { color: $error; text-style: bold; }
VoiceLanes > .voice-lanes--idle { color: $text-muted; }
VoiceLanes:ansi > .voice-lanes--ttft { color: ansi_bright_cyan; }
VoiceLanes:ansi > .voice-lanes--llm { color: ansi_cyan; }
"""
"""Default CSS of the widget; every colour has a shape of its own as well."""

COMPONENT_CLASSES = {
    f"voice-lanes--{name}"
    for name in (
        *"header title figure live spark-fine spark-slow spark-bad name muted fold guide running".split(),
        *"fine slow bad said-user said-agent".split(),
        *(kind.value for kind in Kind),
    )
}
