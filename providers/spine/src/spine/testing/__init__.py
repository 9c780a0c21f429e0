"""Help for people who test their own workflows."""
