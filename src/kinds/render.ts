import type { Digest } from '../core/digest.ts';
import { PrimitiveError } from '../core/errors.ts';
import { globMatcher } from '../core/glob.ts';
import { pathFault } from '../core/path-fault.ts';
import type { Config } from '../repository/config.ts';
import type { Bases } from './bases-schema.ts';
import { type EntityNames, entityNames, entityOf } from './entity.ts';
import type { CompiledModel } from './generators/bpmn/compile.ts';
import type { KindFile } from './kind-document.ts';
import { type NameForms, nameForms, type PackageNames, packageNames } from './names.ts';
import type { ProtoService } from './proto.ts';
import { type SourceApi, type SourceEvents, type SourcePrimitive, sourceApi } from './source.ts';
import { renameStubs } from './stubs.ts';
import type { Template, TemplateFile } from './template.ts';
import { renderTemplate } from './template-renderer.ts';

/** Who writes a file: a person (`impl`), we (`generated`), or a person with us checking (`config`). */
export type Owner = 'impl' | 'generated' | 'config';

/** Of the files that a pattern matches, who owns them; from a kind's `files`. */
export interface OwnerRule {
  readonly path: string;
  readonly owner: Owner;
}

/** One file to write below the primitive's folder. */
export interface RenderedFile {
  readonly bytes: Uint8Array;
  /** As git has it; executable if the file begins with `#!`. */
  readonly mode: '100644' | '100755';
  readonly owner: Owner;
  /** Path of its template file; absent for what a generator makes, but for shared code. */
  readonly source?: string;
  /** Of shared code: the digest of the same file as the other one writes it, generator or owner. */
  readonly twin?: Digest;
}

/** The value of `it` in a template. */
export interface TemplateVariables extends PackageNames {
  readonly kind: string;
  readonly name: string;
  readonly names: NameForms;
  readonly templateVersion: number;
  readonly image: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** The entity: the input `entity`, or the singular of the name. */
  readonly entity: EntityNames;
  /** Of kinds that take the events of another primitive, or call it. */
  readonly source?: EventSource;
  /** The service that is called; undefined without a source, or if its proto file has no service. */
  readonly api?: SourceApi | undefined;
  /** Of kinds that serve an existing proto file, if one was given. */
  readonly service?: ProtoService;
  /** Of kinds that implement an existing BPMN file, if one was given. */
  readonly model?: CompiledModel;
  readonly bases: Bases;
  /** Absent for a kind that serves nothing. */
  readonly run?: KindFile['run'] | undefined;
}

/** A primitive whose events another one takes, or that it calls. */
export interface EventSource extends Partial<SourceEvents> {
  readonly kind: string;
  readonly name: string;
  readonly names: NameForms;
  readonly entity: EntityNames;
  /** Of its proto: `acme.domain.orders.v1`. */
  readonly package: string;
  /** Its proto file as it is now, or as it is scaffolded. */
  readonly proto: string;
}

/** Puts together what templates see; nothing of it comes from the machine. */
export function templateVariables(
  primitive: Omit<TemplateVariables, 'names' | 'entity' | 'source' | 'api' | keyof PackageNames> & {
    readonly source?: SourcePrimitive | undefined;
  },
  languages: Config['languages'],
): TemplateVariables {
  const { source, ...rest } = primitive;
  const { entity } = primitive.inputs;
  return {
    ...rest,
    names: nameForms(primitive.name),
    entity: entityNames(typeof entity === 'string' ? entity : entityOf(primitive.name)),
    ...packageNames(primitive, languages),
    ...(source && { source: eventSource(source, languages), api: apiOf(source) }),
  };
}

function apiOf({ kind, name, proto, entity }: SourcePrimitive): SourceApi | undefined {
  return sourceApi(proto, `${kind}/${name}`, entity);
}

function eventSource(source: SourcePrimitive, languages: Config['languages']): EventSource {
  const { kind, name, proto, events } = source;
  const names = nameForms(name);
  const entity = entityNames(source.entity);
  const scope =
    /^package\s+([\w.]+)/m.exec(proto)?.[1] ?? packageNames(source, languages).proto?.package ?? '';
  return { kind, name, names, entity, package: scope, proto, ...events };
}

/**
 * Renders all files of a kind: path below the primitive's folder -> file, in the order of the paths' code units.
 *
 * Pure: same template, rules and variables, same bytes. A template that comes out empty is a file that these inputs do
 * not ask for, and left out. Throws, exit 2: `kind-template-invalid` (file and line), `kind-path-invalid`,
 * `kind-file-unowned`.
 */
export function render(
  template: Template,
  rules: readonly OwnerRule[],
  it: TemplateVariables,
): ReadonlyMap<string, RenderedFile> {
  const owners = rules.map(({ path, owner }) => ({ matches: globMatcher(path), owner }));
  const rendered = template
    .flatMap((file) => renderFile(file, it) ?? [])
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  refuseTwins(rendered, it.kind);
  return new Map(
    rendered.map(({ path, bytes, source }) => {
      const owner = owners.find(({ matches }) => matches(path))?.owner;
      if (owner === undefined) {
        throw new PrimitiveError('kind-file-unowned', `${it.kind}/kind.yaml has no owner for ${path}.`, {
          suggestions: [`files: [ { path: ${path}, owner: impl } ]`],
        });
      }
      return [path, { bytes, mode: isProgram(bytes) ? '100755' : '100644', owner, source }];
    }),
  );
}

interface Written {
  readonly path: string;
  readonly source: string;
  readonly bytes: Uint8Array;
}

function renderFile(file: TemplateFile, it: TemplateVariables): Written | undefined {
  const path = renderPath(file.path, it);
  const source = file.path;
  if (!path.endsWith('.eta')) return { path, source, bytes: file.bytes };
  const template = new TextDecoder().decode(file.bytes).replaceAll('\r\n', '\n');
  const text = renderTemplate(`${it.kind}/files/${file.path}`, template, it).trimEnd();
  if (text === '') return undefined;
  const target = path.slice(0, -'.eta'.length);
  const named = target.endsWith('.pb.go') ? renameStubs(text, stubNames(it)) : text;
  return { path: target, source, bytes: new TextEncoder().encode(`${named}\n`) };
}

/**
 * For stubs that were generated for the service `PlaceholderService` of the package `placeholder.v1`, which keeps a
 * `sample-entity`. A field of one word has no JSON name of its own in them.
 */
function stubNames({ names, proto, go, entity }: TemplateVariables): ReadonlyMap<string, string> {
  if (proto === undefined || go === undefined) return new Map();
  const oneWord = entity.snake === entity.camel;
  return new Map([
    ['name=sample_entity,json=sampleEntity', `name=${entity.snake}${oneWord ? '' : `,json=${entity.camel}`}`],
    ['sample_entity', entity.snake],
    ['sampleEntity', entity.camel],
    ['SampleEntity', entity.pascal],
    ['sample entity', entity.words],
    ['example.com/placeholder', go.module],
    ['placeholder.v1', proto.package],
    ['placeholder/v1', proto.path],
    ['placeholder_v1', proto.package.replaceAll('.', '_')],
    ['placeholderv1', `${names.flat}v1`],
    ['PlaceholderService', `${names.pascal}Service`],
    ['placeholderService', `${names.camel}Service`],
  ]);
}

/** `src/[snake]/main.go` with the placeholders filled in: any form of the name, or the folder of a language's package. */
function renderPath(path: string, it: TemplateVariables): string {
  const folders: Readonly<Record<string, string | undefined>> = {
    ...it.names,
    entities: it.entity.plural.flat,
    proto: it.proto?.path,
    python: it.python?.package,
  };
  const invalidPath = (fault: string) =>
    new PrimitiveError('kind-path-invalid', `${it.kind}/files/${path}: ${fault}.`);
  const filled = path.replace(/\[(\w+)\]/g, (placeholder, key: string) => {
    const value = Object.hasOwn(folders, key) ? folders[key] : undefined;
    if (value === undefined) throw invalidPath(`placeholder ${placeholder} has no value`);
    return value;
  });
  const fault = pathFault(filled);
  if (fault !== undefined)
    throw invalidPath(`${JSON.stringify(filled)} is not a path in the primitive: ${fault}`);
  return filled;
}

/** Two files of which a file system could hold one only: the same, but for case, or one being the other's folder. */
function refuseTwins(files: readonly Written[], kind: string): void {
  const taken = new Map<string, string>();
  const folders = new Map<string, string>();
  for (const { path } of files) {
    const folded = path.toLowerCase();
    const above = folded.split('/').map((_, i, parts) => parts.slice(0, i).join('/'));
    const other = [folded, ...above].map((name) => taken.get(name)).find((found) => found !== undefined);
    const inside = folders.get(folded);
    if (other !== undefined || inside !== undefined) {
      const both = `${other ?? inside} and ${path}`;
      throw new PrimitiveError('kind-path-invalid', `${kind}/files: ${both} cannot both be written.`);
    }
    taken.set(folded, path);
    for (const folder of above) folders.set(folder, path);
  }
}

function isProgram(bytes: Uint8Array): boolean {
  return bytes[0] === 0x23 && bytes[1] === 0x21;
}
