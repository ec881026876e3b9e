// Whether changes that break clients are found, and others are not.
const assert = require("node:assert/strict");
const fs = require("node:fs");
const test = require("node:test");

const { breakingChanges, mayBreak } = require("./changes.js");

const released = JSON.parse(fs.readFileSync("openapi/al-chat.json", "utf8"));
// A comparison of all paths takes a second.
const PATHS = ["/api/chat", "/api/chat/create", "/api/chat/{chat_id}/export", "/api/personas", "/api/auth/register"];
released.paths = Object.fromEntries(PATHS.map((path) => [path, released.paths[path]]));

function changesOf(change) {
  const contract = structuredClone(released);
  change(contract.components.schemas, contract.paths);
  return breakingChanges(released, contract);
}

const breaking = {
  "a removed operation": (_, paths) => delete paths["/api/personas"].get,
  "another operation id": (_, paths) => (paths["/api/personas"].get.operationId = "personas"),
  "a removed status": (_, paths) => delete paths["/api/auth/register"].post.responses["201"],
  "a removed header": (_, paths) => delete paths["/api/chat"].post.responses["200"].headers["X-Request-Id"],
  "a required token": (_, paths) => (paths["/api/personas"].get.security = [{ bearerAuth: [] }]),
  "a required parameter": (_, paths) => (paths["/api/chat"].post.parameters[0].required = true),
  "a removed field of answers": (schemas) => delete schemas.ChatAnswer.properties.model,
  "a field of answers that may be missing": (schemas) => schemas.ChatAnswer.required.pop(),
  "a field of answers that may be null": (schemas) => (schemas.ChatAnswer.properties.message.nullable = true),
  "a new required field of requests": (schemas) => (schemas.CreateChatRequest.required = ["title"]),
  "a removed word of requests": (schemas) => schemas.HistoryRole.enum.pop(),
  "a shorter text": (schemas) => (schemas.ChatRequest.properties.username.maxLength = 10),
};
for (const [name, change] of Object.entries(breaking)) {
  test(`${name} breaks clients`, () => assert.notDeepEqual(changesOf(change), []));
}

test("a renamed schema breaks generated clients", () => {
  const contract = JSON.parse(JSON.stringify(released).replaceAll("\"Persona\"", "\"Helper\"")
    .replaceAll("schemas/Persona\"", "schemas/Helper\""));
  assert.deepEqual(breakingChanges(released, contract)[0], "the schema Persona is gone");
});

const additions = (schemas, paths) => {
  paths["/api/new"] = { get: { ...structuredClone(paths["/api/personas"].get), operationId: "listNew" } };
  schemas.ChatAnswer.properties.extra = { type: "string" };
  schemas.ChatRequest.properties.extra = { type: "string" };
  schemas.ChatRequest.properties.username.maxLength = 1000;
  schemas.ExportFormat.enum.push("pdf");
  schemas.ErrorCode.enum.push("a_new_code");
  schemas.ChatAnswer.description = "Another description";
};

test("additions break nothing", () => assert.deepEqual(changesOf(additions), []));

test("a version says whether clients may break", () => {
  for (const [version, may] of [["0.1.0", false], ["0.1.9", false], ["0.2.0", true], ["1.0.0", true]]) {
    assert.equal(mayBreak("0.1.0", version), may, version);
  }
  for (const [version, may] of [["1.2.1", false], ["1.3.0", false], ["2.0.0", true]]) {
    assert.equal(mayBreak("1.2.0", version), may, version);
  }
});
