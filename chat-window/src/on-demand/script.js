// What few visitors need. It is a script of its own, which the window loads from its server when it is needed.

export { askForPerson } from "./handover.js";
export { mergeHistory } from "./portal-history.js";
export { ratingOf } from "./rating.js";
export { readFiles } from "./reading-files.js";
