"""The REST API: everything the workbench can do, for programs, over the same workflows."""
