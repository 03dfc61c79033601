"""What a world model has to hold to; `worldsim.testing` asks it all."""
