"""Classes of the application that rows become: what they need, and how their objects are made."""
