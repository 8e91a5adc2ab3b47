"""Hardware in the loop: a pytest plugin with the boards, and what a case does to them."""
