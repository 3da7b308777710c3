"""The file formats of face recognition: training sets, verification pairs, templates, crops."""
