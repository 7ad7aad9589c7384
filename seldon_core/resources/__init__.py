"""What a user declares: models now; servers, experiments and pipelines later.

Manifests are validated by pydantic where they enter (`manifests`); inside the process they are the
frozen values of `model`. Pure: no file is read here.
"""
