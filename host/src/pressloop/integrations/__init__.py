"""Connects presses and records with other software; each module needs an extra of its own.

`bluesky_device` makes a press a device of Bluesky, `mqtt_publisher` publishes a run to an MQTT
broker, `postgresql` stores finished runs in a database, `labgrid_driver` gives a press to labgrid.
None of them is imported by the rest of Pressloop: docs/integrations.md.
"""
