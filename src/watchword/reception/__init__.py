"""The edge that the API and the pages share: who is asking, what they may see, what follows a proof, how no is said."""
