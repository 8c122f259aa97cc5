"""`prefsift audit`: files of any layout in, a report and a table of pairs out, without a server."""
