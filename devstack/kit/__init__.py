"""The parts that both stand-ins share: store, clock, faults, calls, webhook deliveries, controls, server.

It contains nothing that is particular to one vendor.
"""
