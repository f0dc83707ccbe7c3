"""Which account serves the next call, and what is learnt from each call. Pure: the clock and chance are arguments."""

from cwproxy.accounts.pool.changes import Change
from cwproxy.accounts.pool.classes import Failed, Failure, FailureClass, Left, Outcome, Served, classify
from cwproxy.accounts.pool.members import Busy, Choice, Exhausted, Lease, Member, Shortage, Standing, Want
from cwproxy.accounts.pool.policy import Backoff, Policy, Strategy, Tripping
from cwproxy.accounts.pool.pool import Pool
from cwproxy.accounts.pool.report import BreakerReport, EndpointReport, MemberReport

__all__ = [
    "Backoff",
    "BreakerReport",
    "Busy",
    "Change",
    "Choice",
    "EndpointReport",
    "Exhausted",
    "Failed",
    "Failure",
    "FailureClass",
    "Lease",
    "Left",
    "Member",
    "MemberReport",
    "Outcome",
    "Policy",
    "Pool",
    "Served",
    "Shortage",
    "Standing",
    "Strategy",
    "Tripping",
    "Want",
    "classify",
]
