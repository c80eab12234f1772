"""The planner component in wasmtime: compiled once, instantiated as often as needed."""
