"""What is shown of a span, of an agent, of a voice turn: sections of documents, a subject a file."""
