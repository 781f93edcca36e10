"""What old attempts and tunings leave behind: which of it may go, and its removal."""
