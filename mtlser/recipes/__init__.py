"""The sections of a recipe, and the recipes that ship with the package."""
