"""How robust a trained model is against adversaries, who perturb its images within an epsilon."""
