"""What a person sees: overlay, video, window and plots, drawn from results."""
