"""What only training needs: losses, discriminators, distillation, the phone classifier."""
