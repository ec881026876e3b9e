// Compares a contract with the last released one. A change that breaks clients fails, unless the version says so.
//
// node changes.js RELEASED CONTRACT
const fs = require("node:fs");

const { apiDiff } = require("api-smart-diff");

// Clients treat a code that they do not know by its status, so codes may be added.
const isNewErrorCode = ({ action, path }) =>
  action === "add" && /(^|\/)(ErrorCode|code\/allOf\/0)\/enum\/\d+$/.test(path.join("/"));

function operations(contract) {
  const paths = Object.entries(contract.paths);
  return paths.flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => [`${method.toUpperCase()} ${path}`, operation]));
}

/** The names of functions and types in generated clients that are gone. */
function missingNames(released, contract) {
  const current = new Map(operations(contract));
  const renamed = operations(released)
    .filter(([of, { operationId }]) => current.has(of) && current.get(of).operationId !== operationId)
    .map(([of, { operationId }]) => `the operation id ${operationId} of ${of} is gone`);
  const schemas = Object.keys(released.components.schemas).filter((name) => !(name in contract.components.schemas));
  return [...renamed, ...schemas.map((name) => `the schema ${name} is gone`)];
}

/** What breaks clients of the released contract, as sentences. */
function breakingChanges(released, contract) {
  const changes = apiDiff(released, contract).filter((change) => change.type === "breaking" && !isNewErrorCode(change));
  const sentences = changes.map(({ action, path }) => `${action} ${path.join("/")}`);
  return [...new Set([...missingNames(released, contract), ...sentences])];
}

/** Whether the version promises less than the released one: by its first number that is not 0, as Semantic Versioning says. */
function mayBreak(released, version) {
  const [[oldMajor, oldMinor], [major, minor]] = [released, version].map((it) => it.split(".").map(Number));
  return major > oldMajor || (major === 0 && oldMajor === 0 && minor > oldMinor);
}

function main([releasedFile, contractFile]) {
  const [released, contract] = [releasedFile, contractFile].map((file) => JSON.parse(fs.readFileSync(file, "utf8")));
  const versions = [released.info.version, contract.info.version];
  const changes = breakingChanges(released, contract);
  for (const change of changes) console.log(change);
  if (changes.length > 0 && !mayBreak(...versions)) {
    console.error(`These changes break clients of ${versions[0]}. Undo them, or raise the version, which is ${versions[1]}.`);
    process.exitCode = 1;
  }
}

module.exports = { breakingChanges, mayBreak };
if (require.main === module) main(process.argv.slice(2));
