"""What the fleet, care and sales teams of the demonstration company set out to do."""

from __future__ import annotations

from api.demonstration.plan import Team, Theme, above, below, done, down, phased, stages, up, within

FLEET = Team(
    "fleet",
    "Fleet Operations",
    ("pieter", "rosa", "kofi", "hana", "declan"),
    (
        Theme(
            "winter-fleet",
            (
                "Have the bikes where the mornings are",
                "Have the fleet ready for the cold months",
                "Keep the fleet rolling through the cold months",
            ),
            (
                above("Bikes ready for use on an average day", "%", "90", "91", "92"),
                down("Days that a bike waits for its repair", "days", "5.4", "4.5", "3.6", "2.8"),
                up("Bikes with winter tyres", None, "0", "400", "1200", "1900"),
            ),
            parent="trust",
        ),
        Theme(
            "repair",
            ("Repair it once", "Repair it once and well", "Repair before it breaks"),
            (
                up("Repairs finished at the first visit", "%", "63", "70", "76", "82"),
                down("Repeat repairs within 30 days", "%", "14", "11", "9", "7"),
                up("Repairs that were planned, not called for", "%", "22", "30", "40", "52"),
            ),
            parent="margin",
        ),
        Theme(
            "battery",
            ("Never an empty battery", "Never an empty battery", "Twice the life of a battery"),
            (
                down("Trips that began under a fifth of charge", "%", "6.2", "4.8", "3.5", "2.5"),
                up("Battery swaps per van and shift", None, "38", "43", "48", "53"),
                within("Charging room temperature", "°C", "12..24", "12..24", "12..24"),
            ),
            parent="margin",
        ),
        Theme(
            "depots",
            ("Shorter ways for the vans", "Shorter ways for the vans", "A depot in every district"),
            (
                down("Van kilometres per bike and week", "km", "7.9", "6.8", "5.9", "5.0"),
                stages("Harbour depot moved", 1, "Lease signed", "Power connected", "First shift worked"),
                done("Night shift at the Harbour depot ended", 2),
            ),
            parent="margin",
        ),
        Theme(
            "crew-safety",
            ("Nobody gets hurt at work", "Nobody gets hurt at work", "Nobody gets hurt at work"),
            (
                below("Accidents with lost days", None, "1", "1", "0"),
                up("Near misses reported", None, "9", "20", "30", "40"),
                up("Crew with the lifting course", "%", "30", "60", "85", "100"),
            ),
            parent="safety",
        ),
    ),
)

CARE = Team(
    "care",
    "Customer Care",
    ("mei", "omar", "elena", "sam"),
    (
        Theme(
            "first-answer",
            ("Answer at once", "Answer at once and finish at once", "One conversation, one solution"),
            (
                down("Median time to the first answer", "minutes", "18", "12", "8", "5"),
                up("Cases solved in the first conversation", "%", "57", "64", "70", "76"),
                above("Riders content with the answer", "%", "86", "88", "89"),
            ),
            parent="trust",
        ),
        Theme(
            "refunds",
            ("Give back what is not ours", "Give back what is not ours, quickly", "Make refunds rare"),
            (
                down("Days until money is back", "days", "6.5", "4", "3", "2"),
                down("Refunds per thousand trips", None, "8.4", "7.0", "5.8", "4.6"),
                above("Refunds decided without a manager", "%", "80", "85", "90"),
            ),
            parent="trust",
        ),
        Theme(
            "self-help",
            ("Let riders help themselves", "Let riders help themselves", "Answer before the question"),
            (
                up("Cases that an article solved", "%", "19", "27", "34", "42"),
                up("Articles read to the end", "%", "44", "50", "56", "62"),
                down("Contacts per thousand trips", None, "31", "27", "23", "19"),
            ),
            parent="margin",
        ),
        Theme(
            "care-voice",
            (
                "Bring the rider's voice into the room",
                "Bring the rider's voice into the room",
                "Close the loop",
            ),
            (
                up("Top ten complaints with an owner", None, "3", "6", "8", "10"),
                up(
                    "Riders told what became of their complaint",
                    "%",
                    "12",
                    "30",
                    "50",
                    "70",
                    aspirational=True,
                ),
                up("Product changes that began with a complaint", None, "1", "3", "5", "8"),
            ),
            parent="first-ride",
        ),
        Theme(
            "care-team",
            ("A shift that people like", "A shift that people like", "A shift that people like"),
            (
                below("Shifts changed within two days", "%", "8", "7", "6"),
                up("Care staff trained for a second language", None, "4", "6", "8", "10"),
                above("Shifts rated good by those who worked them", "%", "75", "78", "80"),
            ),
            parent="people-first",
        ),
    ),
)

SALES = Team(
    "sales",
    "Sales",
    ("carla", "marc", "yusuf", "anna", "theo"),
    (
        Theme(
            "business",
            ("Win the bakers, plumbers and florists", "Win the small business", "Keep the small business"),
            (
                up("Businesses with a monthly plan", None, "310", "390", "480", "580"),
                down("Businesses that gave notice", "%", "4.1", "3.5", "3.0", "2.5"),
                up("Trips per business and week", None, "5.2", "5.8", "6.4", "7.0"),
            ),
            parent="margin",
        ),
        Theme(
            "city-deals",
            ("Bring two cities to signature", "Bring three cities to signature", "Renew before they ask"),
            (
                up("City offers handed in", None, "0", "4", "9", "14"),
                phased("Signed yearly value with cities", "thousand EUR", "0", "600", "1500", "2600"),
                above("Share of offers that reach the last round", "%", "40", "45", "45"),
            ),
            parent="cities",
        ),
        Theme(
            "pipeline",
            ("Know what comes", "Know what comes, and when", "A forecast that Finance believes"),
            (
                within("Forecast against result", "%", "85..115", "88..112", "90..110"),
                up("Deals with a next step and a date", "%", "49", "70", "85", "95"),
                down("Deals without a word for three weeks", None, "58", "40", "25", "12"),
            ),
            parent="margin",
        ),
        Theme(
            "partners",
            ("Sell with partners", "Sell with partners", "Let partners sell for us"),
            (
                up("Deals that a partner brought", None, "3", "8", "14", "20"),
                up("Partners with a trained seller", None, "2", "5", "8", "12"),
                done("Partner price list in force", 0),
            ),
            parent="business",
        ),
        Theme(
            "references",
            ("Let customers speak for us", "Let customers speak for us", "A reference in every trade"),
            (
                up("Customers who gave a reference", None, "6", "10", "15", "20"),
                up("Offers with a reference from the same trade", "%", "15", "30", "45", "60"),
                up("Trades with a written story", None, "2", "4", "7", "10"),
            ),
            parent="city-deals",
        ),
    ),
)
