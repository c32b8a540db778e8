"""Where an import comes from: folders of dated files, the history of a repository, the map of people."""
