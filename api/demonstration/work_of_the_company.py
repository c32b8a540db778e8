"""What the leadership, product and platform teams of the demonstration company set out to do."""

from __future__ import annotations

from api.demonstration.plan import Team, Theme, above, below, done, down, phased, stages, up, within

_COMPANY = "An objective of the company itself; nothing stands above it."

LEADERSHIP = Team(
    "leadership",
    "Leadership",
    ("ines", "tomas", "adaeze", "jonah"),
    (
        Theme(
            "cities",
            (
                "Be the cargo bike that cities plan with",
                "Turn pilot cities into contracts that last",
                "Make the long contract the normal contract",
            ),
            (
                up("Cities under a contract of three years or more", None, "4", "6", "9", "12"),
                up("Cargo trips in contracted cities per month", "thousand", "182", "215", "250", "290"),
                stages("City freight framework agreed", 2, "Draft shared", "Legal review", "Signed"),
            ),
            local=_COMPANY,
        ),
        Theme(
            "margin",
            (
                "Earn money on every trip",
                "Earn money on every trip, also in winter",
                "Fund growth from our own trips",
            ),
            (
                up(
                    "Contribution margin per trip", "EUR", "0.42", "0.55", "0.68", "0.80", indicator="lagging"
                ),
                down(
                    "Cost of service per bike and month", "EUR", "61", "56", "52", "48", indicator="lagging"
                ),
                above("Cash reserve", "months", "14", "14", "15"),
            ),
            local=_COMPANY,
        ),
        Theme(
            "trust",
            (
                "Be the service that people trust with their mornings",
                "Be there when the rider needs us",
                "Deserve the recommendation of every rider",
            ),
            (
                up("Riders who would recommend us", "%", "41", "46", "50", "55"),
                down("Trips that ended with a complaint", "%", "3.8", "3.2", "2.7", "2.2"),
                above("Bikes ready at seven in the morning", "%", "92", "93", "94"),
            ),
            local=_COMPANY,
        ),
        Theme(
            "safety",
            ("Bring everybody home safely", "Bring everybody home safely", "No serious injury on our bikes"),
            (
                down("Reported incidents per million kilometres", None, "9.1", "8.0", "7.0", "6.0"),
                below("Recalls open for longer than ten days", None, "0", "0", "0"),
                done("Independent brake audit passed", 1),
            ),
            local=_COMPANY,
        ),
        Theme(
            "people-first",
            (
                "Be a place where good people stay",
                "Be a place where good people grow",
                "Lead with fewer meetings and clearer decisions",
            ),
            (
                up(
                    "Answers in the team survey that we would take the job again", "%", "71", "75", "78", "82"
                ),
                below("People who left without wanting to, per quarter", None, "2", "2", "1"),
                up("Decisions written down within a week", "%", "38", "60", "75", "90"),
            ),
            local=_COMPANY,
        ),
    ),
)

PRODUCT = Team(
    "product",
    "Product",
    ("priya", "lukas", "noor", "beatriz"),
    (
        Theme(
            "first-ride",
            (
                "Get a new rider onto a bike on the first day",
                "Make the first ride effortless",
                "Make the second ride as easy as the first",
            ),
            (
                up("New riders with a trip within 24 hours", "%", "48", "56", "62", "68"),
                down("Median time from download to first trip", "minutes", "27", "22", "18", "15"),
                up(
                    "New riders with a second trip in the first week",
                    "%",
                    "31",
                    "35",
                    "40",
                    "46",
                    aspirational=True,
                ),
            ),
            parent="trust",
        ),
        Theme(
            "reservations",
            (
                "Let families count on a bike",
                "Let businesses count on a bike at a fixed hour",
                "Keep the promise of a reserved bike",
            ),
            (
                up("Trips that were reserved ahead", "%", "12", "17", "22", "28"),
                above("Reservations kept", "%", "97", "97.5", "98"),
                done("Recurring reservations in every city", 2),
            ),
            parent="trust",
        ),
        Theme(
            "pricing",
            ("Make the price plain", "Make the price plain and fair", "Let the price fill the quiet hours"),
            (
                up("Riders who can name the price before they start", "%", "58", "68", "76", "84"),
                up("Trips outside rush hours", "%", "34", "37", "40", "44"),
                stages(
                    "New tariff introduced",
                    1,
                    "Tested in two cities",
                    "Explained to riders",
                    "Live everywhere",
                ),
            ),
            parent="margin",
        ),
        Theme(
            "accessibility",
            ("Open the app to everybody", "Open the app to everybody", "Open the bike to everybody"),
            (
                up("Screens that pass the access checklist", "%", "44", "65", "85", "100"),
                down("Steps to start a trip with a screen reader", None, "19", "15", "11", "8"),
                up("Trips by riders who use larger text", "%", "2.1", "2.8", "3.6", "4.5"),
            ),
            parent="trust",
        ),
        Theme(
            "discovery",
            (
                "Talk to riders every week",
                "Decide with evidence, not with taste",
                "Stop what riders do not use",
            ),
            (
                above("Conversations with riders per week", None, "8", "10", "10"),
                up("Bets with a written expectation before the work", "%", "20", "50", "75", "90"),
                up("Features that were retired", None, "0", "2", "4", "6", aspirational=True),
            ),
            local="How this team works; it serves every objective of the company a little.",
        ),
    ),
)

PLATFORM = Team(
    "platform",
    "Platform",
    ("wei", "greta", "amara", "felix", "sofia"),
    (
        Theme(
            "uptime",
            (
                "Be there when the rider taps",
                "Be there when the rider taps",
                "Fail in one city, never in all",
            ),
            (
                above("Unlocks that succeed at the first tap", "%", "99.2", "99.4", "99.6"),
                down("Minutes without service per month", "minutes", "74", "50", "35", "20"),
                down("Median time to recover", "minutes", "41", "30", "22", "15"),
            ),
            parent="trust",
        ),
        Theme(
            "telemetry",
            ("Know where every bike is", "Know how every bike is", "Know what every bike will need"),
            (
                up("Bikes that report their state within a minute", "%", "68", "80", "90", "97"),
                down("Bikes without a position for a day", None, "112", "80", "50", "25"),
                phased("Bikes with the second sensor fitted", None, "0", "300", "900", "1800"),
            ),
            parent="winter-fleet",
        ),
        Theme(
            "delivery",
            ("Ship small and often", "Ship small, often and without fear", "Let any team ship on any day"),
            (
                up("Releases per week", None, "6", "10", "15", "20"),
                within("Share of changes that had to be taken back", "%", "0..4", "0..4", "0..3"),
                down("Median age of an open change", "hours", "52", "40", "30", "20"),
            ),
            local="How this team works; the gain shows in every product objective.",
        ),
        Theme(
            "security",
            (
                "Protect what riders entrust to us",
                "Protect what riders entrust to us",
                "Prove that we protect it",
            ),
            (
                below("Serious findings open for more than two weeks", None, "0", "0", "0"),
                up("Staff with a hardware key", "%", "35", "60", "85", "100"),
                stages(
                    "Certificate for information security",
                    2,
                    "Gap list closed",
                    "Internal audit",
                    "Audit passed",
                ),
            ),
            parent="trust",
        ),
        Theme(
            "data-use",
            ("One figure for one question", "One figure for one question", "Answer before they ask"),
            (
                up("Reports that read from the one model", "%", "25", "45", "65", "85"),
                down("Days until the month's figures agree", "days", "11", "8", "6", "4"),
                up("Metrics with a named owner", "%", "33", "55", "75", "95"),
            ),
            parent="margin",
        ),
    ),
)
