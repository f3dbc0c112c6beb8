"""What nanofridge costs, measured side by side; see benchmarks/README.md."""
