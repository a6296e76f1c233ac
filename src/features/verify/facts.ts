import { posix } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { judgeAdvisories } from '../../kinds/advisories.ts';
import { readCompose } from './compose.ts';
import { dockerfileOf } from './dockerfile.ts';
import type { VerifyDocument } from './document.ts';
import { regenerateAll } from './generated.ts';
import { chainsOf } from './imports/chains.ts';
import { listed } from './imports/policy.ts';
import { openImports } from './imports/resolve.ts';
import { sourceScan } from './imports/scan.ts';
import { unreadTargets, unresolvedOf, unusedOf, withoutUsedSettings } from './imports/unused.ts';
import { readModels } from './model.ts';
import type { VerifyPorts } from './ports.ts';
import { type ProtoPorts, readProtoChanges } from './proto-changes.ts';
import type { AnyRule, AnyScan } from './rule.ts';
import { type EndedScan, type Scanned, scanFiles } from './scan.ts';
import { SCANS } from './scans.ts';
import type { Scope } from './scope.ts';
import type { Fact, Primitive, SubjectName, Subjects } from './subjects.ts';
import type { WorkTree } from './work-tree.ts';

export type FactPorts = Pick<
  VerifyPorts,
  'tree' | 'config' | 'scans' | 'threads' | 'regenerate' | 'compareProto' | 'emit' | 'signal'
> & {
  findBase: ProtoPorts['findBase'];
  /** Start no program of the repository. */
  readonly knownOnly: boolean;
};

/** Facts that were read, and a list of what was not. */
export interface Facts {
  readonly facts: readonly Fact[];
  readonly unchecked: VerifyDocument['unchecked'];
  /** Proto files that were compared. */
  readonly compared: VerifyDocument['compared'];
  /** The scans that read each file. */
  readonly scanned: Scanned['read'];
}

/** Reads what the rules judge, and nothing else: all but the suites, which have to be run for it. */
export async function readFacts(
  { base, primitives, selected, files, ownerOf, inFile }: Scope,
  rules: readonly AnyRule[],
  {
    tree,
    config,
    scans: store,
    threads,
    regenerate,
    compareProto: compare,
    findBase,
    emit,
    signal,
    knownOnly,
  }: FactPorts,
): Promise<Facts> {
  const wanted = new Set<SubjectName>(rules.map(({ subject }) => subject));
  const isWanted = (subject: SubjectName | undefined) => subject !== undefined && wanted.has(subject);
  const scans = SCANS.filter((one) => isWanted(one.scan.subject) || isWanted(one.for)).map(
    ({ scan }) => scan,
  );
  // Asks the registry for the last release, so it runs while files are read. What fails is thrown below.
  const comparing = isWanted('protoChanges')
    ? readProtoChanges(selected, { tree, base, compare, findBase })
    : undefined;
  comparing?.catch(() => {});
  const found = await scanFiles(files, scans, { tree, store, threads, inFile, signal });
  const { facts: scanned, ended, read } = found;
  const facts: Fact[] = [
    ...selected.map((value) => ({ subject: 'primitive', value }) as const),
    ...scanned,
    ...ended.map(endedFact),
  ];
  const unchecked: VerifyDocument['unchecked'][number][] = [];
  if (isWanted('file'))
    facts.push(...files.map((path) => ({ subject: 'file', value: { path, ...inFile(path) } }) as const));
  if (isWanted('import')) {
    const sources = sourcesOf(scanned);
    const primitivesFolder = posix.join(base, 'primitives');
    // A file that a scan has read is not a link.
    const plain = files.filter((path) => (read.get(path)?.length ?? 0) > 0);
    const resolver = await openImports(tree, plain, { primitivesFolder, ownerOf, inFile });
    const imports = withoutUsedSettings(await resolver.resolve(sources));
    const isFollowed = (one: Subjects['import']) =>
      one.primitive !== undefined && listed(one, config.imports.sdk[one.language]) !== undefined;
    const chains = await chainsOf(imports.filter(isFollowed), resolver, async (paths) => {
      const options = { tree, store, threads, inFile, signal };
      return paths.length === 0 ? [] : sourcesOf((await scanFiles(paths, [sourceScan], options)).facts);
    });
    const own = new Set(files);
    const inManifests = (await resolver.dependencies()).filter(({ path }) => own.has(path));
    const all = [...imports, ...chains, ...unusedOf(inManifests, imports)];
    facts.push(...all.map((value) => ({ subject: 'import', value }) as const));
    unchecked.push(...unresolvedOf(imports, config.imports.sdk), ...unreadTargets(imports, own));
  }
  if (isWanted('primitive')) unchecked.push(...(await unknownAdvisories(selected)));
  if (isWanted('dockerfile')) {
    const read = await Promise.all(selected.map((primitive) => dockerfileOf(primitive, tree)));
    facts.push(
      ...read.flatMap((value) => (value === undefined ? [] : [{ subject: 'dockerfile', value } as const])),
    );
  }
  if (isWanted('model')) facts.push(...(await readModels(selected, scanned, tree)));
  if (isWanted('generated')) {
    emit({ type: 'step', step: 'generate', message: 'Running generators' });
    const generated = await regenerateAll(selected, regenerate, knownOnly);
    facts.push(...generated.facts);
    unchecked.push(...generated.unchecked);
  }
  if (isWanted('composeFile')) {
    const composed = await readCompose(primitives, base, tree);
    facts.push(...composed.facts);
    unchecked.push(...composed.unchecked);
  }
  const proto = await comparing;
  // The program that generators lack is mostly the one that proto files are compared with.
  const isKnown = (one: Fact) =>
    one.subject === 'obstacle' && facts.some((fact) => isDeepStrictEqual(fact, one));
  facts.push(...(proto?.facts ?? []).filter((one) => !isKnown(one)));
  unchecked.push(...(proto?.unchecked ?? []));
  return { facts, unchecked, compared: proto?.compared ?? [], scanned: read };
}

/** Advisories of which the records of primitives do not say whether they concern them. */
async function unknownAdvisories(primitives: readonly Primitive[]): Promise<VerifyDocument['unchecked']> {
  const unknown: VerifyDocument['unchecked'][number][] = [];
  for (const { id, path, kind, manifest } of primitives) {
    const judged = kind === undefined ? [] : await judgeAdvisories(kind, manifest?.provenance);
    for (const advisory of judged) {
      if (advisory.state !== 'unknown') continue;
      const files = advisory.files.join(', ');
      const why = `primitive.yaml does not record which ${files} of the template it has: primitive scaffold --kind ${id.replace('/', ' --name ')} --update`;
      unknown.push({ what: `${advisory.id} (${advisory.severity}) of ${path}`, why });
    }
  }
  return unknown;
}

function sourcesOf(facts: readonly Fact[]): readonly Subjects['source'][] {
  return facts.flatMap((fact) => (fact.subject === 'source' ? [fact.value] : []));
}

/** The subjects that a scan is for: what it finds, and what is made from that. */
export function subjectsOf(scan: AnyScan): readonly SubjectName[] {
  return [
    scan.subject,
    ...SCANS.flatMap((one) => (one.scan === scan && one.for !== undefined ? [one.for] : [])),
  ];
}

function endedFact({ path, scan, why }: EndedScan): Fact {
  const family = SCANS.find((one) => one.scan === scan)?.family ?? 'INT';
  const message = `${path} is not checked by ${family}: ${why}`;
  return { subject: 'obstacle', value: { cause: 'scan-ended', path, message, family } };
}

/** The folders that could not be listed, and the files that scans and rules could not read. */
export function unreadableFacts({ closed }: Scope, { unreadable }: WorkTree): readonly Fact[] {
  return [...closed, ...unreadable].map(([path, why]) => {
    const message = `${path} cannot be read: ${why}`;
    return { subject: 'obstacle', value: { cause: 'file-unreadable', path, message } };
  });
}
