"""The questions of the theory, asked of data; `audit` is the door."""

from validation.audit.of_data import audit as audit
