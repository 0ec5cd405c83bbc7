"""Tests of what makes the site."""
