"""Controls under `/_devstack/`: how tests and developers change the stand-in. The real Clerk has nothing like them.

POST takes a JSON body, GET and DELETE a query. The docstring of each control names its fields.
"""
