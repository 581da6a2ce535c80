"""Ready suites of labeling functions, one module each; a module is complete in itself, to be copied as your own lfs.py.

    support_tickets   six kinds of tickets to an online planning tool (the demo's lfs.py)
    spam              text messages and video comments: HAM or SPAM
    debian_sections   ten sections of the Debian archive, from package descriptions

`weaksup apply weaksup.labeling_functions.gallery.spam corpus.csv -o votes.parquet` uses one as it is.
"""
