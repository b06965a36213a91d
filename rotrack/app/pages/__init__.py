"""The pages: choice, set-up and measuring, result, history, report, and what they share."""
