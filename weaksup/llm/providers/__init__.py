"""Who answers: models behind an address or in this process, people, records; each is one file."""
