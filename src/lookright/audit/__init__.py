"""How far the maps of a trained model can be made to lie, and whether anybody would notice."""

from lookright.audit.many import Found, audit_bench
from lookright.audit.one import audit

__all__ = ["Found", "audit", "audit_bench"]
