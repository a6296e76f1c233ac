/**
 * Writes `templates/gitops/argocd-schemas/`: the JSON Schemas of the custom resources of Argo CD, by which the gate checks
 * what the kit has for it: `node .ci/argocd/schemas.ts FOLDER VERSION`, with the folder `manifests/crds` of its module. Parts that
 * repeat are written once, which makes a fiftieth of the text.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type Mapping = { readonly [key: string]: Json };

interface Crd {
  readonly kind?: string;
  readonly spec: {
    readonly names: { readonly kind: string };
    readonly versions: readonly {
      readonly name: string;
      readonly schema: { readonly openAPIV3Schema: Json };
    }[];
  };
}

/** File name -> text, of the definitions in a folder; `version` is that of Argo CD. */
export function schemasOf(folder: string, version: string): ReadonlyMap<string, string> {
  const crds = readdirSync(folder)
    .sort()
    .map((file) => parse(readFileSync(join(folder, file), 'utf8')) as Crd)
    .filter(({ kind }) => kind === 'CustomResourceDefinition');
  return new Map(
    crds.flatMap(({ spec }) =>
      spec.versions.map(({ name, schema }) => {
        const text = {
          $comment: `Made from manifests/crds of argoproj/argo-cd ${version} (Apache-2.0), without descriptions`,
          ...shared(closed(schema.openAPIV3Schema) as Mapping),
        };
        return [`${spec.names.kind.toLowerCase()}-${name}.json`, `${JSON.stringify(text)}\n`] as const;
      }),
    ),
  );
}

/** Without descriptions, keys sorted, and with `additionalProperties: false` where properties are listed. */
function closed(schema: Json, isSchema = true): Json {
  if (Array.isArray(schema)) return schema.map((item) => closed(item));
  if (!isMapping(schema)) return schema;
  const entries = Object.entries(schema)
    .filter(([key, value]) => !isSchema || key !== 'description' || typeof value !== 'string')
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => [key, closed(value, !(isSchema && key === 'properties'))] as const);
  const data = Object.fromEntries(entries);
  const isOpen =
    !isSchema ||
    !('properties' in data) ||
    'x-kubernetes-preserve-unknown-fields' in data ||
    'additionalProperties' in data;
  return isOpen ? data : { additionalProperties: false, ...data };
}

/** Objects that occur more than once, as definitions. */
function shared(schema: Mapping): Mapping {
  const counts = new Map<string, number>();
  const count = (value: Json): void => {
    if (isMapping(value) && 'properties' in value)
      counts.set(JSON.stringify(value), (counts.get(JSON.stringify(value)) ?? 0) + 1);
    if (typeof value === 'object' && value !== null) Object.values(value).forEach(count);
  };
  count(schema);
  const names = new Map<string, string>();
  const definitions: Record<string, Json> = {};
  const parts = (value: Mapping): Mapping =>
    Object.fromEntries(Object.entries(value).map(([key, item]) => [key, write(item)]));
  const write = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(write);
    if (!isMapping(value)) return value;
    const text = JSON.stringify(value);
    if ((counts.get(text) ?? 0) < 2 || text.length < 120) return parts(value);
    const name = names.get(text) ?? `part${names.size + 1}`;
    if (!names.has(text)) {
      names.set(text, name);
      definitions[name] = parts(value);
    }
    return { $ref: `#/definitions/${name}` };
  };
  return { ...parts(schema), definitions };
}

function isMapping(value: Json): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const [, script, folder, version] = process.argv;
if (script === import.meta.filename && folder !== undefined && version !== undefined) {
  const target = join(import.meta.dirname, '../../templates/gitops/argocd-schemas');
  mkdirSync(target, { recursive: true });
  for (const [file, text] of schemasOf(folder, version)) writeFileSync(join(target, file), text);
}
