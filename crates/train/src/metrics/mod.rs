//! What a trained network is worth: figures computed from its answers and from the truth.
