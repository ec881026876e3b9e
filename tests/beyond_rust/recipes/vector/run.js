// Compiles the programs of Vector's configuration, and runs them on lines, with Vector's own language (VRL).
//
// Standard input: {"source": "…", "condition": "…", "lines": ["…"]}. Prints a list with the event of each line, and whether the
// condition holds for it; null for a line that the source drops.

import { readFileSync } from "node:fs";
import { check, execute, formatDiagnostic } from "@bpinternal/verel";

const { source, condition, lines } = JSON.parse(readFileSync(0, "utf8"));
for (const program of [source, condition]) {
  const { errors, warnings } = check(program);
  for (const diagnostic of [...errors, ...warnings]) {
    console.error(formatDiagnostic(diagnostic));
    process.exitCode = 1;
  }
}

const run = (message) => {
  let event;
  try {
    event = execute(source, { message }).event;
  } catch {
    // As drop_on_error says.
    return null;
  }
  return { event, holds: execute(condition, event).result };
};
if (!process.exitCode) {
  console.log(JSON.stringify(lines.map(run)));
}
