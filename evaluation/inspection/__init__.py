"""How well inspections tell true videos from videos with one thing wrong."""
