"""The inventory for programs of :mod:`asyncio`: the synchronous one, whose calls wait in the event loop."""
