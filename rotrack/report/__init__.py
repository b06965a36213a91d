"""The report for the person measured: a page that opens offline and prints, and a PDF."""
