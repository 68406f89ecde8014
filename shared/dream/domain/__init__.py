"""Arithmetic of the product: plain values in, plain values out. No await, no environment, no clock."""
