/** What can be wrong with an API server's answer. */

/** The version that a watch was to begin from is too old: everything must be listed again. */
export class Gone extends Error {}

/** A watch said nothing for too long. */
export class Silent extends Error {}

/** A list that takes everything away, or goes back in time: believed once it is said again. */
export class Doubtful extends Error {}

/** There are no such objects as were asked for, or nobody may see them: not the answer about one that is not there. */
export class Refused extends Error {}
