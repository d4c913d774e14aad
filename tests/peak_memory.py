"""How much memory a process took at most.

`ru_maxrss` would not do: a child of a large process starts with its parent's peak.
"""

PEAK_MEMORY = """
def peak_memory():
    with open("/proc/self/status") as status:
        (line,) = [line for line in status if line.startswith("VmHWM")]
    return int(line.split()[1]) / 2**20  # GiB
"""
