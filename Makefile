.PHONY: help
help:
	@echo "make test check demo bench fuzz slow lint clean"
