"""What the rules are called by which labels are finished."""

ONE, CASCADE, UNION, LEARNED = "one", "cascade", "union", "learned"

RULES = {
    ONE: "One strategy's masks, as they are",
    CASCADE: "The first strategy's; where it finds nobody the next one's",
    UNION: "The instances of several strategies; of those that show the same the surest",
    LEARNED: "The cascade of the best, but where labelled pictures taught that another is better",
}
"""Rule -> what it does, in a line; the simplest first."""
