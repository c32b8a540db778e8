"""The people of the demonstration company: handle and name; the addresses end in `.example`."""

from __future__ import annotations

ORGANISATION = "Pellworth Cargo Bikes"
ZONE = "Europe/Amsterdam"
ADDRESS = "pellworth.example"
STEWARD = "jonah"
LEADER = "ines"
SECOND = "tomas"
"""Who may act on the leader's behalf, until the first quarter is over."""
AUDITOR = "viktor"

NAMES: dict[str, str] = {
    "ines": "Ines Halvorsen",
    "tomas": "Tomás Requena",
    "adaeze": "Adaeze Nwosu",
    "jonah": "Jonah Whitlock",
    "priya": "Priya Raman",
    "lukas": "Lukas Meier",
    "noor": "Noor El-Amin",
    "beatriz": "Beatriz Couto",
    "wei": "Wei Zhang",
    "greta": "Greta Sandström",
    "amara": "Amara Diallo",
    "felix": "Felix Brandt",
    "sofia": "Sofia Marchetti",
    "pieter": "Pieter van Dijk",
    "rosa": "Rosa Villanueva",
    "kofi": "Kofi Mensah",
    "hana": "Hana Suzuki",
    "declan": "Declan Byrne",
    "mei": "Mei Tanaka",
    "omar": "Omar Haddad",
    "elena": "Elena Petrova",
    "sam": "Sam Achterberg",
    "carla": "Carla Jiménez",
    "marc": "Marc Oliveira",
    "yusuf": "Yusuf Demir",
    "anna": "Anna Kowalska",
    "theo": "Théo Laurent",
    "liv": "Liv Eriksen",
    "dario": "Dario Conti",
    "fatima": "Fatima Benali",
    "rhys": "Rhys Morgan",
    "hugo": "Hugo Almeida",
    "ingrid": "Ingrid Falk",
    "paolo": "Paolo Ricci",
    "nadia": "Nadia Rahman",
    "esther": "Esther Adeyemi",
    "jakub": "Jakub Novak",
    "leila": "Leila Farouk",
    "maya": "Maya Cohen",
    "viktor": "Viktor Straub",
}
