"""How good the stored weeks are: checks that may run at any time over any stretch of the history, scores and grades."""
