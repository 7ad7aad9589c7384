"""Every target there is."""

from tests.fuzz import (
    control_targets,
    declared_targets,
    extension_targets,
    hop_targets,
    link_targets,
    listener_targets,
    oip_targets,
    transport_targets,
)

TARGETS = (
    *oip_targets.TARGETS,
    *extension_targets.TARGETS,
    *transport_targets.TARGETS,
    *control_targets.TARGETS,
    *declared_targets.TARGETS,
    *link_targets.TARGETS,
    *hop_targets.TARGETS,
    *listener_targets.TARGETS,
)
