"""What people of the demonstration company write: check-ins, reasons, needs."""

from __future__ import annotations

GOING_WELL: tuple[str, ...] = (
    "The change from last week holds; the curve is steeper than we planned.",
    "Two cities are ahead of the rest, and we know why: the depots open earlier there.",
    "The new checklist saves a step and people use it without being asked.",
    "We are ahead of the line and spend the time on the weakest district.",
    "The training paid off sooner than we thought.",
    "A quiet week; the figure moved by itself, which is the point.",
    "The partner kept the promise and delivered a week early.",
    "Half of the gain came from the fix that we shipped on Thursday.",
)
GETTING_BY: tuple[str, ...] = (
    "On the line, with little air. The next two weeks decide.",
    "A holiday in two cities cost us about a day; nothing structural.",
    "The figure moved less than the work that went into it. We look at the mix.",
    "The pilot runs in one district only; the other two start on Monday.",
    "We lost a day to the incident and caught up half of it.",
    "The easy part is done; what remains needs the other team.",
    "The measure jumps from week to week; the four-week mean is steady.",
    "As expected. The larger step comes with the next release.",
)
GOING_BADLY: tuple[str, ...] = (
    "The supplier moved the delivery again. Without the parts nothing moves.",
    "We are two people short and the figure shows it.",
    "The assumption was wrong: riders do not choose by price at that hour.",
    "Rain on five of seven days. The reserve is used up.",
    "The fix did not hold; we took it back and start again.",
    "The contract is stuck in the city's legal office, third week.",
    "The data arrives too late to act on it in the same week.",
    "We work on the symptom. The cause lies in the way vans are planned.",
)
NEEDS: tuple[str, ...] = (
    "Whether we may pay overtime until the end of the month.",
    "Which of the two districts comes first; we cannot do both.",
    "A yes or no on the second supplier by Friday.",
    "Whether Platform can lend one person for two weeks.",
    "Whether the target still makes sense after the tariff change.",
    "A decision on the lease; the offer ends next week.",
)
