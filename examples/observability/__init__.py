"""An application that is observed: logs, spans and metrics, without a collector."""
