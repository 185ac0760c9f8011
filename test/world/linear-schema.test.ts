import { LinearDocument } from "@linear/sdk";
import { isObjectType, parse, validate } from "graphql";
import { expect, test } from "vitest";
import { ANSWERS } from "../../world/linear/api/answers/answers.ts";
import { CONSTANTS } from "../../world/linear/api/constants.ts";
import { MUTATIONS } from "../../world/linear/api/mutations/mutations.ts";
import { systemRandomness } from "../../src/lib/ids.ts";
import { createIssue } from "../../world/linear/model/issues.ts";
import { Model } from "../../world/linear/model/model.ts";
import { payloadOf } from "../../world/linear/payloads/payloads.ts";
import { HandClock } from "./linear-support.ts";
import { payloadFaults } from "../../world/linear/payloads/check.ts";
import { QUERIES } from "../../world/linear/api/answers/queries.ts";
import { linearSchema } from "../../world/linear/api/schema.ts";

const documents = Object.entries(LinearDocument)
  .filter(([name]) => name.endsWith("Document"))
  .map(([name, document]) => [name, (document as { toString(): string }).toString()] as const);

test("every operation shipped in the SDK validates against the schema", () => {
  expect(documents.length).toBe(674);
  const schema = linearSchema();
  const refused = documents.flatMap(([name, text]) =>
    validate(schema, parse(text)).map((error) => `${name}: ${error.message}`),
  );
  expect(refused).toEqual([]);
});

test("a field that Linear does not have is refused", () => {
  const faults = validate(linearSchema(), parse("{ viewer { id shoeSize } }"));
  expect(faults.map((fault) => fault.message)).toEqual(['Cannot query field "shoeSize" on type "User".']);
});

test("everything the model answers is a field of the schema", () => {
  const schema = linearSchema();
  const tables = { ...ANSWERS, Query: QUERIES, Mutation: MUTATIONS };
  const unknown = [...Object.entries(tables), ...Object.entries(CONSTANTS)].flatMap(([name, fields]) => {
    const type = schema.getType(name);
    if (!isObjectType(type)) return [name];
    return Object.keys(fields)
      .filter((field) => !Object.hasOwn(type.getFields(), field))
      .map((field) => `${name}.${field}`);
  });
  expect(unknown).toEqual([]);
});

test("a webhook body with a missing, an unknown and a wrong field has three faults", () => {
  const faults = payloadFaults(linearSchema(), "CommentChildWebhookPayload", { body: 5, shoeSize: 44 });
  expect(faults).toEqual([
    "shoeSize is not a field of CommentChildWebhookPayload",
    "body must be String, not 5",
    "id is required (String!)",
  ]);
});

test("a webhook that Linear would not send is a bug of the stand-in, not a webhook", () => {
  const model = new Model(new HandClock(), systemRandomness);
  const team = model.addTeam("APP", "App");
  const person = model.addPerson("Ada Lovelace");
  const issue = createIssue(model, person.id, { teamId: team.id, title: "Fix" });
  const happening = {
    kind: "notification",
    issueId: issue.id,
    actorId: person.id,
    commentId: null,
  } as const;
  expect(payloadOf(model, { ...happening, type: "issueReopened" }).event).toBe("AppUserNotification");
  expect(() => payloadOf(model, { ...happening, type: "issueVanished" })).toThrow(
    "notification.type is not a value of OtherNotificationType",
  );
});
