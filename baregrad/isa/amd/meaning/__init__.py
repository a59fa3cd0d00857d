"""What instructions of AMD's chips do, as trees of isa/meaning."""
