"""The product on a fleet: hosts in containers, each with an address of its own, reached by SSH."""
