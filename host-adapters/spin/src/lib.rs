//! batchintory on Spin: gives the planner Spin's databases, and the service Spin's variables.
