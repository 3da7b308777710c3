"""The face recognition track: settings of a study, its networks, its data, its steps."""
