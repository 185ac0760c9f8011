import { Ajv2020 } from "ajv/dist/2020.js";
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { configJsonSchema } from "../../src/settings/schema/schema.ts";
import { loadSettings } from "../../src/settings/load/load.ts";
import { FILE, PROJECT, settingsOf, sources } from "./sources.ts";

const read = (name: string): Promise<string> =>
  readFile(new URL(`../../config/${name}`, import.meta.url), "utf8");

interface Node {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
  readonly additionalProperties?: boolean | Node;
}

/** Every key of the schema with its node, as `projects[].merge.policy`. */
function keys(node: Node, path = ""): readonly (readonly [string, Node])[] {
  const own = Object.entries(node.properties ?? {}).flatMap(([name, child]) => {
    const childPath = path === "" ? name : `${path}.${name}`;
    return [[childPath, child] as const, ...keys(child, childPath)];
  });
  const items = node.items === undefined ? [] : keys(node.items, `${path}[]`);
  return [...own, ...items, ...(node.anyOf ?? []).flatMap((form) => keys(form, path))];
}

describe("config/patchrelay.schema.json", () => {
  test("is current (else: npx tsx scripts/config-schema.mjs)", async () => {
    expect(JSON.parse(await read("patchrelay.schema.json"))).toEqual(
      JSON.parse(JSON.stringify(configJsonSchema())),
    );
  });

  test("describes every key in a sentence", () => {
    const silent = keys(configJsonSchema() as Node).filter(
      ([, node]) => !/^.{4,}[.]$/s.test(node.description ?? ""),
    );
    expect(silent.map(([path]) => path)).toEqual([]);
  });

  test("says the unit of every amount in the name and again in the description", () => {
    const unit = /(Seconds|Minutes|Hours|Days|KiB|MiB|GiB|Percent)$/;
    const silent = keys(configJsonSchema() as Node).filter(([path, node]) => {
      const name = unit.exec(path)?.[1]?.toLowerCase();
      return name !== undefined && !(node.description ?? "").toLowerCase().includes(name);
    });
    expect(silent.map(([path]) => path)).toEqual([]);
  });

  test("refuses what the relay refuses and accepts what it accepts", () => {
    const validate = new Ajv2020({ strict: true }).compile(configJsonSchema());
    expect(validate({ projects: [PROJECT] })).toBe(true);
    for (const config of [
      {},
      { projects: [PROJECT], engin: "embedded" },
      { projects: [PROJECT], http: { port: 70_000 } },
      { projects: [{ ...PROJECT, merge: { policy: "never" } }] },
      { projects: [{ ...PROJECT, budgets: { ciRepair: 1 } }] },
      { projects: [{ id: "App", repository: { name: "a" } }] },
    ]) {
      expect(validate(config), JSON.stringify(config)).toBe(false);
      expect(loadSettings(sources({ [FILE]: JSON.stringify(config) })).ok).toBe(false);
    }
  });
});

describe("config/patchrelay.example.json", () => {
  test("names its schema, validates against the published one and loads without a warning", async () => {
    const text = await read("patchrelay.example.json");
    const example = JSON.parse(text) as { $schema: string };
    expect(example.$schema).toBe("./patchrelay.schema.json");
    const validate = new Ajv2020({ strict: true }).compile(
      JSON.parse(await read("patchrelay.schema.json")) as object,
    );
    expect(validate(example), JSON.stringify(validate.errors)).toBe(true);
    expect(loadSettings(sources({ [FILE]: text }))).toMatchObject({ ok: true, warnings: [] });
  });

  test("shows every global key, each with its real default except publicUrl", async () => {
    const example = JSON.parse(await read("patchrelay.example.json")) as Record<
      string,
      Record<string, unknown>
    >;
    expect(Object.keys(example).toSorted()).toEqual(
      Object.keys(configJsonSchema().properties ?? {}).toSorted(),
    );
    const shown = settingsOf({ ...example, http: { ...example["http"], publicUrl: null } });
    expect(shown).toEqual(settingsOf({ projects: example["projects"] }));
  });
});
