"""What a person reads: the figures, the HTML report and the audit card."""
