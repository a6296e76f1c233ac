import { posix } from 'node:path';
import { PrimitiveError } from '../../core/errors.ts';
import type { Generator } from '../../kinds/generators/generator.ts';
import type { VerifyDocument } from './document.ts';
import { generatorObstacle } from './generated.ts';
import type { ProtoBase } from './proto-base.ts';
import { eventChanges } from './proto-events.ts';
import {
  breakingOf,
  hasDependencies,
  type ProtoModule,
  protoGenerator,
  readProtoModule,
} from './proto-files.ts';
import type { Fact, Primitive, ProtoChange } from './subjects.ts';
import type { Snapshot } from './work-tree.ts';

/** Compares proto files at two times by buf, which starts nothing and fetches nothing. */
export type CompareProto = (files: {
  readonly generator: Generator;
  /** The folder that imports start from, relative to that of the settings. */
  readonly root: string;
  /** `breaking` of `buf.yaml`. */
  readonly breaking: object;
  readonly before: ProtoModule['files'];
  readonly now: ProtoModule['files'];
}) => Promise<
  | readonly {
      readonly rule: string;
      readonly message: string;
      /** Below `root`. */
      readonly path: string | undefined;
      readonly line: number;
      readonly column: number;
    }[]
  | undefined
>;

/** A comparison: of which files, with which commit. */
type ComparedFiles = VerifyDocument['compared'][number];

interface ProtoComparison {
  readonly facts: readonly Fact[];
  readonly unchecked: VerifyDocument['unchecked'];
  readonly compared: readonly ComparedFiles[];
}

/** Ports for comparing proto files. */
export interface ProtoPorts {
  readonly tree: Snapshot;
  /** The folder of the config. */
  readonly base: string;
  readonly compare: CompareProto;
  findBase(): Promise<ProtoBase | 'none' | { readonly missing: string }>;
}

/** Compares the proto files that primitives serve with those of a base: what was made for these must still find them. */
export async function readProtoChanges(
  primitives: readonly Primitive[],
  ports: ProtoPorts,
): Promise<ProtoComparison> {
  const served: { primitive: Primitive; generator: Generator; now: ProtoModule | undefined }[] = [];
  for (const primitive of primitives) {
    const generator = protoGenerator(primitive);
    if (generator === undefined || primitive.manifest === undefined) continue;
    served.push({ primitive, generator, now: await readProtoModule(primitive, ports.tree, ports.base) });
  }
  const found = { facts: [] as Fact[], unchecked: [] as Unchecked[], compared: [] as ComparedFiles[] };
  if (served.length === 0) return found;
  const base = await ports.findBase();
  if (base === 'none') return found;
  // Primitives may serve files of one folder.
  const groups = Map.groupBy(served, ({ primitive, now }) => now?.root ?? primitive.path);
  for (const [root, group] of groups) {
    const [first] = group;
    if (first === undefined) continue;
    if ('missing' in base) {
      found.unchecked.push({ what: `GEN-007 of ${root}`, why: base.missing });
      continue;
    }
    const one = await compareModule(first, base, ports);
    if ('left' in one) found.unchecked.push({ what: `GEN-007 of ${root}`, why: one.left });
    if ('fact' in one) found.facts.push(one.fact);
    if ('files' in one) {
      const { what, why, tree } = base;
      found.compared.push({ path: root, files: one.files, with: what, commit: tree.commit, why });
    }
  }
  return found;
}

type Unchecked = VerifyDocument['unchecked'][number];

async function compareModule(
  { primitive, generator, now }: { primitive: Primitive; generator: Generator; now: ProtoModule | undefined },
  { tree, what }: ProtoBase,
  { base, compare }: ProtoPorts,
): Promise<{ left: string } | { fact: Fact } | { fact: Fact; files: number }> {
  const before = await readProtoModule(primitive, tree, base);
  const factOf = (changes: readonly ProtoChange[]): Fact => {
    const files = [...(now?.files.keys() ?? [])].map((file) => posix.join(now?.root ?? '', file));
    const value = { path: primitive.path, primitive, with: what, files, changes };
    return { subject: 'protoChanges', value };
  };
  if (before === undefined) return { fact: factOf([]), files: 0 };
  if (now === undefined) {
    const message = `All proto files of ${before.root} were deleted.`;
    return { fact: factOf([{ rule: 'FILE_NO_DELETE', message }]), files: before.files.size };
  }
  if (hasDependencies(before) || hasDependencies(now))
    return { left: 'its buf.yaml names modules of a registry, which are not fetched' };
  try {
    const root = posix.relative(before.settingsFolder, before.root);
    const found = await compare({
      generator,
      root,
      breaking: breakingOf(before),
      before: before.files,
      now: now.files,
    });
    if (found === undefined) return { left: `the proto files of the ${what} do not compile` };
    const changes = [...found, ...eventChanges(before.files, now.files)].map(
      ({ path, ...change }): ProtoChange =>
        path === undefined
          ? { rule: change.rule, message: change.message }
          : { ...change, path: posix.join(now.root, path) },
    );
    return { fact: factOf(changes), files: before.files.size };
  } catch (error) {
    if (!(error instanceof PrimitiveError) || error.exit !== 3) throw error;
    return { fact: generatorObstacle(primitive, error) };
  }
}
