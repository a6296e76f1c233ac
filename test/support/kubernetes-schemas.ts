import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tool } from '../tools/locate.ts';
import { run } from './services/run.ts';

interface Definition {
  readonly 'x-kubernetes-group-version-kind'?: readonly {
    readonly group: string;
    readonly version: string;
    readonly kind: string;
  }[];
  readonly properties?: Readonly<Record<string, unknown>>;
}

/**
 * Writes the JSON Schemas of Kubernetes into a folder, laid out as kubeconform looks for them, strict. They come from
 * the OpenAPI document in the Go module that the API server is built from: nothing is fetched from elsewhere.
 */
export async function writeKubernetesSchemas(folder: string): Promise<void> {
  const module = await run(tool('go'), ['mod', 'download', '-json', 'k8s.io/kubernetes'], {
    cwd: join(import.meta.dirname, '../tools/go/kubernetes'),
    env: { GOFLAGS: '-mod=mod', GOTOOLCHAIN: 'local', GOWORK: 'off' },
  });
  const { Dir: dir }: { Dir: string } = JSON.parse(module);
  const document = JSON.parse(await readFile(join(dir, 'api/openapi-spec/swagger.json'), 'utf8'));
  const definitions: Readonly<Record<string, Definition>> = document.definitions;
  const target = join(folder, 'v1.34.1-standalone-strict');
  await mkdir(target, { recursive: true });
  for (const [name, definition] of Object.entries(definitions)) {
    const [id] = definition['x-kubernetes-group-version-kind'] ?? [];
    if (id === undefined || !('properties' in definition)) continue;
    const group = id.group.split('.')[0];
    const file = [id.kind.toLowerCase(), ...(group ? [group] : []), id.version].join('-');
    const schema = { $ref: `#/definitions/${name}`, definitions: closure(name, definitions) };
    await writeFile(join(target, `${file}.json`), JSON.stringify(schema));
  }
}

/** A definition and all that it names, with their objects closed. */
function closure(
  name: string,
  all: Readonly<Record<string, Definition>>,
  found: Record<string, unknown> = {},
): Readonly<Record<string, unknown>> {
  if (name in found) return found;
  found[name] = closed(all[name]);
  for (const [, other] of JSON.stringify(all[name]).matchAll(/"#\/definitions\/([^"]+)"/g)) {
    if (other !== undefined) closure(other, all, found);
  }
  return found;
}

function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  // OpenAPI 2 has no unions.
  if ('format' in schema && schema.format === 'int-or-string') return { type: ['string', 'integer'] };
  const parts = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  const isObject = 'properties' in schema && !('additionalProperties' in schema) && !('$ref' in schema);
  return isObject ? { ...parts, additionalProperties: false } : parts;
}
