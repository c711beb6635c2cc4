"""Fixtures for all tests."""

from tests.support.tiny_models import tiny_artifacts as tiny_artifacts
