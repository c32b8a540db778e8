"""What the marketing, finance and people teams of the demonstration company set out to do."""

from __future__ import annotations

from api.demonstration.plan import Team, Theme, above, below, done, down, stages, up, within

MARKETING = Team(
    "marketing",
    "Marketing",
    ("liv", "dario", "fatima", "rhys"),
    (
        Theme(
            "known",
            (
                "Be known in every district we serve",
                "Be known for the school run",
                "Be known for the winter ride",
            ),
            (
                up("Residents who know our name", "%", "34", "40", "46", "52", indicator="lagging"),
                up("Visits that came by recommendation", "%", "18", "22", "26", "30"),
                down("Cost of a new rider", "EUR", "14.2", "12.5", "11", "9.5"),
            ),
            parent="trust",
        ),
        Theme(
            "local",
            ("Be a good neighbour", "Be a good neighbour", "Be invited by the neighbourhood"),
            (
                up("Neighbourhood events with our bikes", None, "5", "12", "20", "30"),
                down("Complaints about parked bikes per week", None, "46", "36", "28", "20"),
                up("District councils met", None, "4", "9", "15", "22"),
            ),
            parent="cities",
        ),
        Theme(
            "business-story",
            ("Tell the baker's story", "Tell it in figures", "Tell it in their words"),
            (
                up("Qualified leads from businesses per month", None, "85", "110", "140", "175"),
                up("Leads answered within a day", "%", "61", "75", "85", "95"),
                done("Savings calculator on the site", 1),
            ),
            parent="business",
        ),
        Theme(
            "season",
            (
                "Keep riders when the weather turns",
                "Keep riders when the weather turns",
                "A reason to ride in rain",
            ),
            (
                up("Riders who rode in both of two months", "%", "52", "55", "58", "62"),
                up("Riders with a season ticket", "thousand", "3.1", "4.0", "5.2", "6.5", aspirational=True),
                stages("Rain cover campaign", 2, "Cover chosen", "Filmed", "Shown in six cities"),
            ),
            parent="margin",
        ),
        Theme(
            "brand",
            ("One look everywhere", "One look everywhere", "One voice everywhere"),
            (
                up("Bikes with the new livery", "%", "10", "35", "60", "90"),
                within("Share of posts answered by a person", "%", "60..100", "70..100", "80..100"),
                up("Pages rewritten in plain words", "%", "15", "40", "65", "90"),
            ),
            local="Housekeeping of this team; it carries no figure of another.",
        ),
    ),
)

FINANCE = Team(
    "finance",
    "Finance",
    ("hugo", "ingrid", "paolo", "nadia"),
    (
        Theme(
            "close",
            ("Close the month in a week", "Close the month in five days", "Close the month while it is warm"),
            (
                down(
                    "Working days until the month is closed", "days", "10", "8", "6", "5", indicator="lagging"
                ),
                down("Corrections after the close", None, "17", "12", "8", "4"),
                above("Invoices matched without a hand", "%", "70", "75", "80"),
            ),
            parent="margin",
        ),
        Theme(
            "collections",
            ("Be paid on time", "Be paid on time", "Be paid before we ask"),
            (
                down("Days until an invoice is paid", "days", "44", "40", "36", "32", indicator="lagging"),
                down("Share of revenue overdue", "%", "9.5", "8", "6.5", "5", indicator="lagging"),
                up("Customers who pay by direct debit", "%", "41", "50", "58", "66"),
            ),
            parent="margin",
        ),
        Theme(
            "unit-costs",
            ("Show each city its costs", "Show each city its costs", "Let each city steer its costs"),
            (
                up("Cities with a monthly cost page", None, "2", "6", "10", "14"),
                up("Costs booked to a bike or a city", "%", "54", "66", "78", "90"),
                done("Cost page reviewed with every city lead", 2),
            ),
            parent="margin",
        ),
        Theme(
            "insurance",
            ("Insure what can break us", "Insure what can break us", "Pay only for the risk that we have"),
            (
                down("Insurance cost per bike and year", "EUR", "88", "82", "76", "70", indicator="lagging"),
                below("Claims open for more than 60 days", None, "12", "9", "6"),
                up("Claims reported with pictures", "%", "37", "55", "70", "85"),
            ),
            parent="safety",
        ),
        Theme(
            "suppliers",
            ("Know our suppliers", "Fewer and better suppliers", "Suppliers who plan with us"),
            (
                down("Suppliers for spare parts", None, "64", "52", "44", "36"),
                above("Parts delivered when promised", "%", "88", "90", "92"),
                stages("Second source for brake pads", 1, "Samples tested", "Price agreed", "First delivery"),
            ),
            parent="repair",
        ),
    ),
)

PEOPLE = Team(
    "people",
    "People and Places",
    ("esther", "jakub", "leila", "maya"),
    (
        Theme(
            "hiring",
            (
                "Hire the crew before the season",
                "Hire the crew before the season",
                "Hire from the neighbourhood",
            ),
            (
                down("Days from opening to acceptance", "days", "46", "40", "34", "28"),
                up("Offers that were accepted", "%", "68", "74", "78", "82"),
                up("Crew who live within 30 minutes", "%", "39", "44", "50", "56"),
            ),
            parent="people-first",
        ),
        Theme(
            "learning",
            (
                "Let everybody learn something",
                "Let everybody learn something",
                "Let mechanics become masters",
            ),
            (
                up("People with a finished course this year", "%", "27", "40", "55", "70"),
                up("Mechanics with the second grade", None, "11", "15", "20", "26"),
                up("Hours of learning per person", "hours", "2.5", "4", "5.5", "7"),
            ),
            parent="people-first",
        ),
        Theme(
            "leads",
            ("Good first leaders", "Good first leaders", "Good first leaders"),
            (
                above("Team leads with a monthly one-to-one for each person", "%", "85", "90", "95"),
                up("Leads who finished the leadership course", None, "4", "9", "14", "18"),
                done("Guide for first-time leads published", 0),
            ),
            parent="people-first",
        ),
        Theme(
            "health",
            ("Fewer sick days by better work", "Fewer sick days by better work", "Warm hands in winter"),
            (
                below("Sick days per person and month", "days", "1.1", "1.1", "1.2"),
                done("Heated gloves for every crew", 2),
                up("Workplaces with an ergonomic check", "%", "22", "45", "70", "95"),
            ),
            parent="crew-safety",
        ),
        Theme(
            "places",
            ("Rooms that work", "Rooms that work", "Rooms that work"),
            (
                up("Depots with a proper break room", None, "3", "5", "8", "11"),
                down("Energy per square metre", "kWh", "14.8", "13.9", "13.0", "12.0", indicator="lagging"),
                above("Rooms that the survey calls fit for work", "%", "70", "75", "80"),
            ),
            local="The buildings serve everybody; no objective of the company names them.",
        ),
    ),
)
