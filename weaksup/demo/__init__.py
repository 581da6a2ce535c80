"""The embedded corpus of support tickets, and projects made from it."""

from weaksup.demo.projects import write_demo, write_starter
from weaksup.demo.tickets import LABELS, Ticket, load_tickets

__all__ = ["LABELS", "Ticket", "load_tickets", "write_demo", "write_starter"]
